"""Admission webhooks of the operators: refused while nobody answers them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rhaii_tui.practice.actors.objects import Obj, is_available
from rhaii_tui.practice.actors.podtemplate import complete
from rhaii_tui.practice.kube.errors import StatusError

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster

# Per kind: namespace and name of the Deployment behind its webhook, the Service, the configuration, name and path.
_KSERVE = ("opendatahub", "kserve-controller-manager", "kserve-webhook-server-service")
_CERT_MANAGER = ("cert-manager", "cert-manager-webhook", "cert-manager-webhook")
_HOOKS = {
    "LLMInferenceService": (
        *_KSERVE,
        "llminferenceservice.serving.kserve.io",
        "llminferenceservice.kserve-webhook-server.v1alpha1.validator",
        "/validate-serving-kserve-io-v1alpha1-llminferenceservice?timeout=10s",
    ),
    "LLMInferenceServiceConfig": (
        *_KSERVE,
        "llminferenceserviceconfig.serving.kserve.io",
        "llminferenceserviceconfig.kserve-webhook-server.v1alpha1.validator",
        "/validate-serving-kserve-io-v1alpha1-llminferenceserviceconfig?timeout=10s",
    ),
    **dict.fromkeys(
        ("Certificate", "Issuer", "ClusterIssuer"),
        (*_CERT_MANAGER, "cert-manager-webhook", "webhook.cert-manager.io", "/validate?timeout=30s"),
    ),
}


def webhooks(cluster: KubeCluster) -> Callable[[Obj], None]:
    """A check for `cluster.admission`: raises StatusError when the kind's webhook is configured but unanswered."""

    def check(obj: Obj) -> None:
        hook = _HOOKS.get(str(obj.get("kind")))
        if hook is None:
            return
        namespace, deployment, service, configuration, name, path = hook
        if cluster.store.get("ValidatingWebhookConfiguration", None, configuration) is None:
            return
        if is_available(cluster.store.get("Deployment", namespace, deployment)):
            return
        url = f"https://{service}.{namespace}.svc:443{path}"
        reason = f'no endpoints available for service "{service}"'
        text = f'failed calling webhook "{name}": failed to call webhook: Post "{url}": {reason}'
        raise StatusError(500, f"Internal error occurred: {text}", details={"causes": [{"message": text}]})

    return check


def pod_defaults(obj: Obj) -> None:
    """A mutating check for `cluster.admission`: what the API server puts into pods that users create."""
    if obj.get("kind") == "Pod" and isinstance(obj.get("spec"), dict) and obj["spec"].get("containers"):
        if obj["spec"].get("nodeName"):
            return
        complete(obj["spec"])
        obj.setdefault("status", {}).setdefault("phase", "Pending")
