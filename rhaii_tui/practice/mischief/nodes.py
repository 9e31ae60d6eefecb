"""What happens to one accelerator node: label, taint, device plugin, silence."""

from __future__ import annotations

import asyncio
from typing import Any

from rhaii_tui.practice.actors.objects import (
    Obj,
    conditions_in,
    deleting,
    is_true,
    key_of,
    labels_of,
    set_condition,
)
from rhaii_tui.practice.actors.plugins import plugin_on
from rhaii_tui.practice.mischief.acts import Act
from rhaii_tui.practice.mischief.edits import ABSENT

GPU, TPU = "nvidia.com/gpu", "google.com/tpu"
# Cloud seconds: the node controller's grace period, and the toleration every pod has for a node out of reach.
GRACE, TOLERATION = 40.0, 300.0
UNREACHABLE = "node.kubernetes.io/unreachable"


class NodeAct(Act):
    """Hits one accelerator node, and restarts the replica on it: what runs does not notice, what starts does."""

    kinds = ("Node",)

    def strike(self) -> None:
        nodes = self.accelerator_nodes()
        if self._hit or not nodes:
            return
        self.first_time(nodes[0])
        self.hit(nodes[0])
        self.restart(self.replicas_on(nodes[0]["metadata"]["name"]))

    def hit(self, node: Obj) -> None:
        """Break it."""
        raise NotImplementedError


class LabelGone(NodeAct):
    """`kubectl label node NODE cloud.google.com/gke-accelerator-`."""

    def hit(self, node: Obj) -> None:
        tpu = "cloud.google.com/gke-tpu-topology"
        label = tpu if tpu in labels_of(node) else "cloud.google.com/gke-accelerator"
        self.edits.change(node, ("metadata", "labels", label), ABSENT)


class Tainted(NodeAct):
    """`kubectl taint node NODE dedicated=batch:NoSchedule`."""

    def hit(self, node: Obj) -> None:
        taint = {"key": "dedicated", "value": "batch", "effect": "NoSchedule"}
        self.edits.change(node, ("spec", "taints"), [*(node["spec"].get("taints") or ()), taint])


class PluginBroken(NodeAct):
    """The device plugin cannot describe its devices: the kubelet has none to give. One started anew can."""

    def hit(self, node: Obj) -> None:
        name = node["metadata"]["name"]
        self._node = name
        self.world.faults.strike(self.fault, "node", name)
        resource = TPU if TPU in node["status"]["capacity"] or "ct6e" in str(labels_of(node)) else GPU

        def none(n: Obj) -> None:
            n["status"]["capacity"][resource] = n["status"]["allocatable"][resource] = "0"

        self.store.update("Node", None, name, none, status=True)
        pod = plugin_on(self.store, name)
        if pod is not None:
            self.world.faults.strike(self.fault, f"plugin of {name}", pod["metadata"]["uid"])
            for line in _plugin_log(resource):
                self.cluster.logs.write(pod["metadata"]["uid"], pod["spec"]["containers"][0]["name"], line)

    async def lift(self) -> None:
        await super().lift()
        if self._hit:
            _heartbeat(self, self._node)


def _plugin_log(resource: str) -> tuple[str, ...]:
    if resource == TPU:
        return (
            "E1120 device_plugin.go:212] failed to open /dev/vfio/0: no such file or directory",
            'F1120 main.go:98] unable to start device plugin for "google.com/tpu": no TPU chips found on this node',
        )
    return (
        "I1120 nvidia_gpu.go:141] device-plugin started",
        "E1120 nvidia_gpu.go:187] failed to generate CDI spec: failed to create device CDI specs: failed to initialize "
        "NVML: ERROR_LIBRARY_NOT_FOUND",
        'E1120 nvidia_gpu.go:203] no devices found, "nvidia.com/gpu" is not registered; retrying in 30s',
    )


def _heartbeat(act: Act, name: str) -> None:
    """The kubelet's next report: whoever watches the node looks again."""

    def beat(node: Obj) -> None:
        for entry in conditions_in(node):
            entry["lastHeartbeatTime"] = act.world.clock.stamp_micro()

    act.store.update("Node", None, name, beat, status=True)


class NodeLost(Act):
    """The kubelet falls silent. The node controller waits, marks, and evicts; nothing ends until the node is back."""

    kinds = ("Node",)
    node = ""

    async def run(self) -> None:
        async for _ in self.store.watch("Node"):
            found = [n for n in self.accelerator_nodes() if is_true(n, "Ready")]
            if found:
                self.node = str(found[0]["metadata"]["name"])
                break
        self.world.faults.strike(self.fault, "node", self.node)
        await self.world.clock.sleep(GRACE)
        self._mark()
        await self.world.clock.sleep(TOLERATION)
        self._evict()
        await asyncio.Event().wait()

    def _pods(self) -> list[Obj]:
        return [p for p in self.store.list("Pod") if p["spec"].get("nodeName") == self.node]

    def _mark(self) -> None:
        def silent(n: Obj) -> None:
            for entry in conditions_in(n):
                text = "Kubelet stopped posting node status."
                set_condition(conditions_in(n), entry["type"], "Unknown", "NodeStatusUnknown", text)

        def tainted(n: Obj) -> None:
            taints = [t for t in n["spec"].get("taints") or () if t["key"] != UNREACHABLE]
            effects: tuple[dict[str, Any], ...] = ({"effect": "NoSchedule"}, {"effect": "NoExecute"})
            n["spec"]["taints"] = [*taints, *({"key": UNREACHABLE, **e, "timeAdded": _now()} for e in effects)]

        node = self.store.update("Node", None, self.node, silent, status=True)
        if node is None:
            return
        self.store.update("Node", None, self.node, tainted)
        text = f"Node {self.node} status is now: NodeNotReady"
        self.store.event(node, "Normal", "NodeNotReady", text, "node-controller")
        for pod in self._pods():

            def unready(p: Obj) -> None:
                set_condition(conditions_in(p), "Ready", "False")

            self.store.update("Pod", *key_of(pod), unready, status=True)
            self.store.event(pod, "Warning", "NodeNotReady", "Node is not ready", "node-controller")

    def _evict(self) -> None:
        for pod in self._pods():
            if deleting(pod) or not _leaves(pod):
                continue

            def disrupted(p: Obj) -> None:
                text = "Taint manager: deleting due to NoExecute taint"
                set_condition(conditions_in(p), "DisruptionTarget", "True", "DeletionByTaintManager", text)

            namespace, name = key_of(pod)
            self.store.update("Pod", namespace, name, disrupted, status=True)
            text = f"Marking for deletion Pod {namespace}/{name}"
            self.store.event(pod, "Normal", "TaintManagerEviction", text, "taint-eviction-controller")
            self.store.delete("Pod", namespace, name, grace=None)

    async def lift(self) -> None:
        """The kubelet reports again."""
        await super().lift()

        def back(n: Obj) -> None:
            healthy = {"MemoryPressure": "Memory", "DiskPressure": "Disk", "PIDPressure": "PID"}
            for type_ in healthy:
                reason = "KubeletHasSufficientMemory" if type_ == "MemoryPressure" else f"KubeletHasNo{type_}"
                set_condition(conditions_in(n), type_, "False", reason, "kubelet reports no pressure")
            set_condition(conditions_in(n), "Ready", "True", "KubeletReady", "kubelet is posting ready status")

        def untainted(n: Obj) -> None:
            taints = [t for t in n["spec"].get("taints") or () if t["key"] != UNREACHABLE]
            n["spec"] = {k: v for k, v in n["spec"].items() if k != "taints"} | ({"taints": taints} if taints else {})

        found = self.store.get("Node", None, self.node) if self.node else None
        if found is None:
            return
        self.store.update("Node", None, self.node, untainted)
        node = self.store.update("Node", None, self.node, back, status=True)
        if node is not None and not is_true(found, "Ready"):
            text = f"Node {self.node} status is now: NodeReady"
            self.store.event(node, "Normal", "NodeReady", text, "kubelet")
        _heartbeat(self, self.node)


def _leaves(pod: Obj) -> bool:
    """Whether a pod goes when its node is out of reach: not those that tolerate it for ever, as daemons do."""
    for toleration in pod["spec"].get("tolerations") or ():
        if toleration.get("key") in (None, "", UNREACHABLE) and "tolerationSeconds" not in toleration:
            return toleration.get("effect") not in (None, "", "NoExecute") or toleration.get("operator") != "Exists"
    return True


def _now() -> str:
    from rhaii_tui.practice.clock import CloudClock

    return CloudClock.stamp()
