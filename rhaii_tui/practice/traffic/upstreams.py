"""What stands behind a route's backend: a Service or an InferencePool, its Ready pods, and the TLS towards them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rhaii_tui.practice.actors.gateways import CA_FOLDER, gateway_has_ca
from rhaii_tui.practice.traffic.objects import Object, is_ready, selects

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster

_POOL_KEYS = ("InferencePool", "InferencePool.inference.networking.x-k8s.io")


@dataclass(frozen=True)
class Backend:
    """A resolved backend. `picker_service` names the endpoint picker of an InferencePool, empty for a Service."""

    name: str
    namespace: str
    selector: dict[str, str]
    port: int
    picker_service: str
    fails_open: bool

    def ready_pods(self, cluster: KubeCluster) -> list[Object]:
        """Its endpoints, by name."""
        pods = cluster.store.list("Pod", self.namespace, self.selector) if self.selector else []
        return [pod for pod in pods if is_ready(pod)]


def resolve(cluster: KubeCluster, namespace: str, reference: Object) -> Backend | None:
    """The backend a backendRef names, None when it does not exist."""
    name, space = reference["name"], reference.get("namespace") or namespace
    if reference.get("kind", "Service") == "InferencePool":
        return _pool(cluster, space, name, str(reference.get("group", "")))
    service = cluster.store.get("Service", space, name)
    if service is None:
        return None
    spec = service["spec"]
    port: Object = next((p for p in spec.get("ports") or () if p.get("port") == reference.get("port")), {})
    target = port.get("targetPort", port.get("port", 8000))
    return Backend(name, space, spec.get("selector") or {}, target if isinstance(target, int) else 8000, "", True)


def _pool(cluster: KubeCluster, namespace: str, name: str, group: str) -> Backend | None:
    keys = sorted(_POOL_KEYS, key=lambda key: not (key.endswith("x-k8s.io") and group.endswith("x-k8s.io")))
    pool = next((found for key in keys if (found := cluster.store.get(key, namespace, name))), None)
    if pool is None:
        return None
    spec = pool["spec"]
    selector = spec.get("selector") or {}
    picker = spec.get("endpointPickerRef") or spec.get("extensionRef") or {}
    ports = spec.get("targetPorts") or ({"number": spec.get("targetPortNumber", 8000)},)
    return Backend(
        name=name,
        namespace=namespace,
        selector=selector.get("matchLabels", selector),
        port=ports[0]["number"],
        picker_service=picker.get("name", ""),
        fails_open=picker.get("failureMode", "FailClose") == "FailOpen",
    )


def picker_pods(cluster: KubeCluster, backend: Backend) -> list[Object]:
    """The Ready pods behind the pool's endpoint picker Service."""
    service = cluster.store.get("Service", backend.namespace, backend.picker_service)
    if service is None:
        return []
    selector = service["spec"].get("selector") or {}
    return [p for p in cluster.store.list("Pod", backend.namespace) if selects(selector, p) and is_ready(p)]


def lacks_ca(cluster: KubeCluster, gateway: Object, backend: Backend) -> bool:
    """Whether the gateway must verify this backend with a CA file that its pods do not have."""
    meta = gateway["metadata"]
    return _verifies(cluster, backend) and not gateway_has_ca(cluster, meta["namespace"], meta["name"])


def _verifies(cluster: KubeCluster, backend: Backend) -> bool:
    """KServe's DestinationRule for the workload Service verifies with the CA file; the one for the pool does not."""
    if backend.picker_service:
        return False
    for rule in cluster.store.list("DestinationRule", backend.namespace):
        if str(rule["spec"].get("host", "")).partition(".")[0] == backend.name:
            tls = (rule["spec"].get("trafficPolicy") or {}).get("tls") or {}
            return str(tls.get("caCertificates", "")).startswith(CA_FOLDER)
    return False
