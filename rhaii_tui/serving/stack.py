"""Names that differ between the generations of the serving stack."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Generation(StrEnum):
    """Which packaging of the operators a cluster runs."""

    EA1 = "EA1"
    EA2 = "EA2"
    NEWER = "newer"
    FOREIGN = "foreign"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Stack:
    """Where one generation keeps its gateway, its CA and its controller. All namespaces but the workload's."""

    generation: Generation
    gateway_namespace: str
    controller: str
    controller_namespace: str
    ca_bundle: str
    gateway: str = "inference-gateway"
    gateway_config: str = "inference-gateway-config"
    gateway_class: str = "istio"
    ca_secret: str = "opendatahub-ca"
    ca_secret_namespace: str = "cert-manager"
    operator_pull_secret: str = "redhat-pull-secret"
    operator_pull_secret_namespace: str = "istio-system"


EA1 = Stack(
    generation=Generation.EA1,
    gateway_namespace="opendatahub",
    controller="kserve-controller-manager",
    controller_namespace="opendatahub",
    ca_bundle="odh-ca-bundle",
)
"""rhaii-on-xks by helmfile, KServe 0.15 code: the generation the product installs."""

EA2 = Stack(
    generation=Generation.EA2,
    gateway_namespace="redhat-ods-applications",
    controller="llmisvc-controller-manager",
    controller_namespace="redhat-ods-applications",
    ca_bundle="rhaii-ca-bundle",
    operator_pull_secret="rhaii-pull-secret",
)
"""The Helm chart of the next generation: recognised, not installed."""

WORKLOAD_LABELS = "app.kubernetes.io/part-of=llminferenceservice"
"""Selects replicas and endpoint pickers of every service."""
SCHEDULER_COMPONENT = "llminferenceservice-router-scheduler"
"""`app.kubernetes.io/component` of the endpoint picker's pods and Deployment."""
WORKLOAD_COMPONENT = "llminferenceservice-workload"
"""`app.kubernetes.io/component` of the replicas and their Deployment."""
NAME_LABEL = "app.kubernetes.io/name"
"""Label of a pod with its service's name."""
GATEWAY_LABEL = "gateway.networking.k8s.io/gateway-name"
"""Label of a gateway's pods with the Gateway's name."""


def route_name(service: str) -> str:
    """HTTPRoute that KServe writes for a service."""
    return f"{service}-kserve-route"


def pool_name(service: str) -> str:
    """InferencePool that KServe writes for a service with an endpoint picker."""
    return f"{service}-inference-pool"


def deployment_name(service: str) -> str:
    """Deployment of the replicas."""
    return f"{service}-kserve"


def scheduler_name(service: str) -> str:
    """Deployment of the endpoint picker."""
    return f"{service}-kserve-router-scheduler"


def role_of(labels: dict[str, str]) -> str:
    """What a pod of the service is by its labels: `replica`, `scheduler`, `gateway`, or empty when none of ours."""
    if labels.get("app.kubernetes.io/component") == SCHEDULER_COMPONENT:
        return "scheduler"
    if GATEWAY_LABEL in labels:
        return "gateway"
    return "replica" if labels.get("kserve.io/component") == "workload" else ""
