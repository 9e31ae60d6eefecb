"""What stands behind a route's backend: a Service or an InferencePool, its Ready pods, and the TLS towards them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rhaii_tui.practice.traffic.objects import Object, is_ready, selects

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster

# Where setup-gateway mounts the CA that signed the workloads' certificates, inside the gateway's container.
CA_DIRECTORY = "/var/run/secrets/opendatahub"
_POOL_KEYS = ("InferencePool", "InferencePool.inference.networking.x-k8s.io")
_GATEWAY_LABEL = "gateway.networking.k8s.io/gateway-name"


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
    """Whether the gateway must verify this backend with a CA file that none of its pods has."""
    if backend.picker_service or not _verifies(cluster, backend):
        return False
    meta = gateway["metadata"]
    pods = cluster.store.list("Pod", meta["namespace"], {_GATEWAY_LABEL: meta["name"]})
    return not any(_has_ca(cluster, pod) for pod in pods if is_ready(pod))


def _verifies(cluster: KubeCluster, backend: Backend) -> bool:
    """KServe's DestinationRule for the workload Service verifies with the CA file; the pool's own one skips that."""
    for rule in cluster.store.list("DestinationRule", backend.namespace):
        if str(rule["spec"].get("host", "")).partition(".")[0] == backend.name:
            tls = (rule["spec"].get("trafficPolicy") or {}).get("tls") or {}
            return str(tls.get("caCertificates", "")).startswith(CA_DIRECTORY)
    return False


def _has_ca(cluster: KubeCluster, pod: Object) -> bool:
    """The file is there when the mount is, and the ConfigMap behind it has the key."""
    volumes = {v["name"]: (v.get("configMap") or {}).get("name") for v in pod["spec"].get("volumes") or ()}
    for container in pod["spec"].get("containers") or ():
        for mount in container.get("volumeMounts") or ():
            if mount.get("mountPath", "").rstrip("/") == CA_DIRECTORY and volumes.get(mount.get("name")):
                source = cluster.store.get("ConfigMap", pod["metadata"]["namespace"], str(volumes[mount["name"]]))
                return bool(source and "ca.crt" in (source.get("data") or {}))
    return False
