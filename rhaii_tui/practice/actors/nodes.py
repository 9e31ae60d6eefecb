"""Node pools become nodes: registration, readiness, and the accelerators a device plugin reports later."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rhaii_tui.practice.actors.control import Controller
from rhaii_tui.practice.actors.objects import (
    Key,
    Obj,
    conditions_in,
    deleting,
    is_true,
    key_of,
    labels_of,
    set_condition,
)
from rhaii_tui.practice.actors.plugins import ensure_plugin, is_plugin, plugin_on

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster
    from rhaii_tui.practice.kube.journal import Change
    from rhaii_tui.practice.world import World

KUBELET = "v1.33.5-gke.1162000"

# vCPU, memory in Ki, allocatable CPU in milli-cores, allocatable memory in Ki.
MACHINES = {
    "n1-standard-4": (4, 15_354_000, 3920, 12_663_000),
    "e2-standard-4": (4, 16_383_000, 3920, 13_597_000),
    "ct6e-standard-4t": (180, 739_000_000, 179_000, 717_000_000),
}

# Cloud seconds: a kubelet that has registered needs its network plugin before it is Ready; GKE's driver installer and
# device plugin need a minute or two on T4; TPU chips show about half a minute after Ready.
UNTIL_READY = 25.0
UNTIL_GPU = 95.0
UNTIL_TPU = 30.0

_NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
_CNI = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin "
    "returns error: cni plugin not initialized"
)
_HEALTH = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)


def node_name(cluster: str, pool: str, index: int) -> str:
    """`gke-CLUSTER-POOL-HASH-xxxx`, the same for the same place in the same pool."""
    group = hashlib.sha256(f"{cluster}/{pool}".encode()).hexdigest()[:8]
    one = hashlib.sha256(f"{cluster}/{pool}/{index}".encode()).hexdigest()[:4]
    return f"gke-{cluster}-{pool}-{group}-{one}"[:63]


async def add_node(world: World, cluster: KubeCluster, pool: dict[str, Any], index: int) -> str:
    """Register the node at place `index` of a pool (GKE's NodePool as JSON) and see it Ready. Returns its name.

    The accelerators follow by themselves, through `Accelerators`.
    """
    node = _node(cluster, pool, index)
    name: str = node["metadata"]["name"]
    if cluster.store.get("Node", None, name) is None:
        node = cluster.store.create(node)
        message = f"Node {name} event: Registered Node {name} in Controller"
        cluster.store.event(node, "Normal", "RegisteredNode", message, "node-controller")
    await world.clock.sleep(UNTIL_READY)

    def ready(n: Obj) -> None:
        set_condition(conditions_in(n), "Ready", "True", "KubeletReady", "kubelet is posting ready status")

    node_ready = cluster.store.update("Node", None, name, ready, status=True)
    if node_ready is not None:
        cluster.store.update("Node", None, name, _drop_taint)
        cluster.store.event(node_ready, "Normal", "NodeReady", f"Node {name} status is now: NodeReady", "kubelet")
    return name


async def remove_node(world: World, cluster: KubeCluster, pool: dict[str, Any], index: int) -> None:
    """Drain and delete the node at place `index` of a pool; its pods go with it."""
    name = node_name(cluster.name, str(pool["name"]), index)
    store = cluster.store
    node = store.get("Node", None, name)
    if node is None:
        return

    def cordon(n: Obj) -> None:
        n["spec"]["unschedulable"] = True

    store.update("Node", None, name, cordon)
    store.event(node, "Normal", "NodeNotSchedulable", f"Node {name} status is now: NodeNotSchedulable", "kubelet")
    for pod in store.list("Pod"):
        if pod["spec"].get("nodeName") == name and not deleting(pod):
            store.delete("Pod", *key_of(pod), grace=None)
    await world.clock.sleep(10.0)
    store.event(
        node, "Normal", "RemovingNode", f"Node {name} event: Removing Node {name} from Controller", "node-controller"
    )
    store.delete("Node", None, name)


def planned_node(cluster: KubeCluster, pool: dict[str, Any]) -> Obj:
    """A node of the pool as it will be once it is Ready and shows its accelerators: what the autoscaler plans with."""
    node = _node(cluster, pool, 0)
    _drop_taint(node)
    resource, count, _ = _accelerator(node)
    if resource:
        node["status"]["allocatable"][resource] = count
    return node


def _drop_taint(node: Obj) -> None:
    taints = [t for t in node["spec"].get("taints", ()) if t["key"] != _NOT_READY["key"]]
    if taints:
        node["spec"]["taints"] = taints
    else:
        node["spec"].pop("taints", None)


def _node(cluster: KubeCluster, pool: dict[str, Any], index: int) -> Obj:
    config: dict[str, Any] = pool.get("config") or {}
    machine = str(config.get("machineType", "e2-standard-4"))
    cpu, memory, cpu_left, memory_left = MACHINES.get(machine, MACHINES["e2-standard-4"])
    name = node_name(cluster.name, str(pool["name"]), index)
    number = int(hashlib.sha256(name.encode()).hexdigest()[:4], 16)
    address = f"10.128.{number >> 8 & 63}.{2 + number % 250}"
    taints = [dict(t) for t in config.get("taints", ())]
    labels = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/os": "linux",
        "kubernetes.io/hostname": name,
        "node.kubernetes.io/instance-type": machine,
        "topology.kubernetes.io/zone": cluster.location,
        "topology.kubernetes.io/region": cluster.location.rsplit("-", 1)[0],
        "cloud.google.com/gke-nodepool": str(pool["name"]),
        "cloud.google.com/gke-os-distribution": "cos",
        "cloud.google.com/gke-boot-disk": str(config.get("diskType", "pd-balanced")),
        **config.get("labels", {}),
    }
    if config.get("spot"):
        labels["cloud.google.com/gke-spot"] = "true"
    for accelerator in config.get("accelerators", ()):
        labels["cloud.google.com/gke-accelerator"] = str(accelerator["acceleratorType"])
        labels["cloud.google.com/gke-accelerator-count"] = str(accelerator.get("acceleratorCount", 1))
        taints.append({"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"})
    if machine.startswith("ct6e-"):
        labels["cloud.google.com/gke-tpu-accelerator"] = "tpu-v6e-slice"
        labels["cloud.google.com/gke-tpu-topology"] = "2x2" if machine.endswith("-4t") else "1x1"
        labels["cloud.google.com/gke-accelerator-count"] = machine.rsplit("-", 1)[1].rstrip("t")
        taints.append({"key": "google.com/tpu", "value": "present", "effect": "NoSchedule"})
    shared = {"ephemeral-storage": "98831908Ki", "hugepages-1Gi": "0", "hugepages-2Mi": "0", "pods": "110"}
    conditions: list[Obj] = []
    for type_, reason, message in _HEALTH:
        set_condition(conditions, type_, "False", reason, message)
    set_condition(conditions, "Ready", "False", "KubeletNotReady", _CNI)
    for condition in conditions:
        condition["lastHeartbeatTime"] = condition["lastTransitionTime"]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": {"container.googleapis.com/instance_id": f"{number}"},
        },
        "spec": {
            "podCIDR": f"10.{16 + number % 100}.{number >> 8}.0/24",
            "podCIDRs": [f"10.{16 + number % 100}.{number >> 8}.0/24"],
            "providerID": f"gce://practice-project/{cluster.location}/{name}",
            "taints": [*taints, dict(_NOT_READY)],
        },
        "status": {
            "capacity": {"cpu": str(cpu), "memory": f"{memory}Ki", **shared},
            "allocatable": {"cpu": f"{cpu_left}m", "memory": f"{memory_left}Ki", **shared},
            "conditions": conditions,
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
            "nodeInfo": {
                "machineID": hashlib.md5(name.encode(), usedforsecurity=False).hexdigest(),
                "systemUUID": hashlib.md5(name[::-1].encode(), usedforsecurity=False).hexdigest(),
                "bootID": hashlib.md5((name + "boot").encode(), usedforsecurity=False).hexdigest(),
                "kernelVersion": "6.6.97+",
                "osImage": "Container-Optimized OS from Google",
                "containerRuntimeVersion": "containerd://2.0.6",
                "kubeletVersion": KUBELET,
                "kubeProxyVersion": KUBELET,
                "operatingSystem": "linux",
                "architecture": "amd64",
            },
        },
    }


class Accelerators(Controller):
    """GKE's driver installer and device plugins: a Ready node gets its accelerators into capacity after a while."""

    kinds = ("Node", "Pod")

    def __init__(self, world: World, cluster: KubeCluster) -> None:
        super().__init__(world, cluster)
        self._since: dict[str, float] = {}

    def keys(self, change: Change) -> Iterable[Key]:
        """Nodes, and the node of a device plugin that comes or goes."""
        if change.kind == "Node":
            yield key_of(change.obj)
        elif is_plugin(change.obj) and change.obj["spec"].get("nodeName"):
            yield "", str(change.obj["spec"]["nodeName"])

    def reconcile(self, key: Key) -> float | None:
        name = key[1]
        node = self.store.get("Node", None, name)
        if node is None:
            self._since.pop(name, None)
            return None
        resource, count, wait = _accelerator(node)
        if not resource or not is_true(node, "Ready"):
            return None
        ensure_plugin(self.store, name, resource)
        if str(node["status"]["capacity"].get(resource, "0")) == count:
            return None
        ready_for = self.world.clock.monotonic() - self._since.setdefault(name, self.world.clock.monotonic())
        if self._broken(name):
            self._report(name, resource, "0")
            return None
        if ready_for < wait:
            self._report(name, resource, "0")
            return wait - ready_for
        self._report(name, resource, count)
        return None

    def _broken(self, node: str) -> bool:
        """Whether "device-plugin-broken" has hit the node's plugin: its first; one that takes its place is well."""
        faults = self.world.faults
        if not faults.struck("device-plugin-broken", "node", node):
            return False
        plugin = plugin_on(self.store, node)
        uid = str(plugin["metadata"]["uid"]) if plugin is not None else ""
        return not uid or faults.claims("device-plugin-broken", f"plugin of {node}", uid)

    def _report(self, name: str, resource: str, count: str) -> None:
        def change(node: Obj) -> None:
            node["status"]["capacity"][resource] = count
            node["status"]["allocatable"][resource] = count

        self.store.update("Node", None, name, change, status=True)


def _accelerator(node: Obj) -> tuple[str, str, float]:
    labels = labels_of(node)
    count = labels.get("cloud.google.com/gke-accelerator-count", "1")
    if "cloud.google.com/gke-accelerator" in labels:
        if labels.get("gke-no-default-nvidia-gpu-device-plugin") == "true":
            return "", "0", 0.0
        return "nvidia.com/gpu", count, UNTIL_GPU
    if "cloud.google.com/gke-tpu-accelerator" in labels:
        return "google.com/tpu", count, UNTIL_TPU
    return "", "0", 0.0
