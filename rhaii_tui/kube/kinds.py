"""The kinds the product knows: group, version, plural and scope. A table instead of 32 discovery requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Kind:
    """`group` is empty for the core group."""

    name: str
    group: str
    version: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """As written in an object's `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str = "") -> str:
        """URL path of a collection, an object or its subresource; without a namespace, of all namespaces."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{quote(namespace)}" if self.namespaced and namespace else ""
        tail = f"/{quote(name)}" if name else ""
        return f"{root}{scope}/{self.plural}{tail}" + (f"/{subresource}" if subresource else "")


_CORE = (
    Kind("Namespace", "", "v1", "namespaces", False),
    Kind("Node", "", "v1", "nodes", False),
    Kind("Pod", "", "v1", "pods"),
    Kind("Service", "", "v1", "services"),
    Kind("Secret", "", "v1", "secrets"),
    Kind("ConfigMap", "", "v1", "configmaps"),
    Kind("ServiceAccount", "", "v1", "serviceaccounts"),
    Kind("Event", "", "v1", "events"),
    Kind("ResourceQuota", "", "v1", "resourcequotas"),
    Kind("Deployment", "apps", "v1", "deployments"),
    Kind("ReplicaSet", "apps", "v1", "replicasets"),
    Kind("DaemonSet", "apps", "v1", "daemonsets"),
    Kind("StatefulSet", "apps", "v1", "statefulsets"),
    Kind("CronJob", "batch", "v1", "cronjobs"),
    Kind("NetworkPolicy", "networking.k8s.io", "v1", "networkpolicies"),
    Kind("CustomResourceDefinition", "apiextensions.k8s.io", "v1", "customresourcedefinitions", False),
    Kind(
        "ValidatingWebhookConfiguration",
        "admissionregistration.k8s.io",
        "v1",
        "validatingwebhookconfigurations",
        False,
    ),
    Kind("SelfSubjectAccessReview", "authorization.k8s.io", "v1", "selfsubjectaccessreviews", False),
)
_CUSTOM = (
    Kind("LLMInferenceService", "serving.kserve.io", "v1alpha1", "llminferenceservices"),
    Kind("LLMInferenceServiceConfig", "serving.kserve.io", "v1alpha1", "llminferenceserviceconfigs"),
    Kind("GatewayClass", "gateway.networking.k8s.io", "v1", "gatewayclasses", False),
    Kind("Gateway", "gateway.networking.k8s.io", "v1", "gateways"),
    Kind("HTTPRoute", "gateway.networking.k8s.io", "v1", "httproutes"),
    Kind("InferencePool", "inference.networking.k8s.io", "v1", "inferencepools"),
    Kind("EnvoyFilter", "networking.istio.io", "v1alpha3", "envoyfilters"),
    Kind("DestinationRule", "networking.istio.io", "v1", "destinationrules"),
    Kind("Istio", "sailoperator.io", "v1", "istios", False),
    Kind("ClusterIssuer", "cert-manager.io", "v1", "clusterissuers", False),
    Kind("Certificate", "cert-manager.io", "v1", "certificates"),
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (*_CORE, *_CUSTOM)}
"""By Kubernetes' own name of the kind."""


def of(obj: Mapping[str, Any]) -> Kind:
    """The kind of an object, in the version the object itself names. Raises KeyError for a kind not in the table."""
    known = KINDS[str(obj["kind"])]
    group, _, version = str(obj["apiVersion"]).rpartition("/")
    return Kind(known.name, group, version, known.plural, known.namespaced)
