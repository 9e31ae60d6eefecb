"""What the operators' route leaves in a cluster, and which of it is missing."""

from __future__ import annotations

from typing import Any

from rhaii_tui.deployment.context import RunContext
from rhaii_tui.deployment.observe import is_true
from rhaii_tui.deployment.patience import patiently
from rhaii_tui.serving.stack import EA1, Stack

DEPLOYMENTS: tuple[tuple[str, str], ...] = (
    ("cert-manager-operator", "cert-manager-operator-controller-manager"),
    ("cert-manager", "cert-manager"),
    ("cert-manager", "cert-manager-webhook"),
    ("cert-manager", "cert-manager-cainjector"),
    ("istio-system", "servicemesh-operator3"),
    ("istio-system", "istiod"),
    ("openshift-lws-operator", "openshift-lws-operator"),
    ("openshift-lws-operator", "lws-controller-manager"),
    ("opendatahub", "kserve-controller-manager"),
)
"""Namespace and name of what must be Available."""

DEFINITIONS: tuple[str, ...] = (
    "certificates.cert-manager.io",
    "clusterissuers.cert-manager.io",
    "istios.sailoperator.io",
    "envoyfilters.networking.istio.io",
    "destinationrules.networking.istio.io",
    "gatewayclasses.gateway.networking.k8s.io",
    "gateways.gateway.networking.k8s.io",
    "httproutes.gateway.networking.k8s.io",
    "inferencepools.inference.networking.k8s.io",
    "leaderworkersets.leaderworkerset.x-k8s.io",
    "llminferenceservices.serving.kserve.io",
    "llminferenceserviceconfigs.serving.kserve.io",
)
"""CustomResourceDefinitions that must be Established."""

ISSUERS = ("opendatahub-selfsigned-issuer", "opendatahub-ca-issuer")
PRESETS = ("kserve-config-llm-template", "kserve-config-llm-scheduler", "kserve-config-llm-router-route")


def available(deployments: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Those of DEPLOYMENTS that are Available, in the table's order."""
    good = {(d["metadata"]["namespace"], d["metadata"]["name"]) for d in deployments if is_true(d, "Available")}
    return [key for key in DEPLOYMENTS if key in good]


async def missing_parts(run: RunContext, step: str, stack: Stack = EA1) -> list[str]:
    """What is not as it must be, each in a few words; empty means the stack is complete."""
    kube = run.kube

    async def all_of(kind: str) -> dict[str, dict[str, Any]]:
        from rhaii_tui.kube.errors import ApiError

        try:
            items = await patiently(run, step, "kubernetes", lambda: kube.items(kind))
        except ApiError as error:
            if error.is_not_found:
                return {}
            raise
        return {str(o["metadata"]["name"]): o for o in items}

    missing: list[str] = []
    definitions = await all_of("CustomResourceDefinition")
    missing += [f"CRD {n}" for n in DEFINITIONS if n not in definitions or not is_true(definitions[n], "Established")]
    deployments = await patiently(run, step, "kubernetes", lambda: kube.items("Deployment"))
    ready = available(deployments)
    missing += [f"Deployment {ns}/{name} Available" for ns, name in DEPLOYMENTS if (ns, name) not in ready]
    if missing:
        return missing
    meshes = await all_of("Istio")
    if not any((o.get("status") or {}).get("state") == "Healthy" for o in meshes.values()):
        missing.append("Istio state Healthy")
    classes = await all_of("GatewayClass")
    if stack.gateway_class not in classes or not is_true(classes[stack.gateway_class], "Accepted"):
        missing.append(f"GatewayClass {stack.gateway_class} Accepted")
    issuers = await all_of("ClusterIssuer")
    missing += [f"ClusterIssuer {n} Ready" for n in ISSUERS if n not in issuers or not is_true(issuers[n], "Ready")]
    presets = await all_of("LLMInferenceServiceConfig")
    missing += [f"preset {n}" for n in PRESETS if n not in presets]
    secret = await patiently(
        run, step, "kubernetes", lambda: kube.read("Secret", stack.ca_secret_namespace, stack.ca_secret)
    )
    if secret is None:
        missing.append(f"Secret {stack.ca_secret_namespace}/{stack.ca_secret}")
    return missing
