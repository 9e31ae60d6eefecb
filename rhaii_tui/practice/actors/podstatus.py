"""A pod's status as its kubelet writes it: container states, phase, conditions in order."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rhaii_tui.practice.actors.objects import Obj, key_of, set_condition
from rhaii_tui.practice.clock import CloudClock

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster


@dataclass
class ContainerRecord:
    """One container's part of the status. `last` is the state before the current run."""

    spec: Obj
    init: bool
    state: Obj
    last: Obj = field(default_factory=dict)
    ready: bool = False
    started: bool = False
    restarts: int = 0
    run_id: str = ""

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def running(self) -> bool:
        return "running" in self.state

    @property
    def succeeded(self) -> bool:
        return bool("terminated" in self.state and self.state["terminated"]["exitCode"] == 0)

    @property
    def reason(self) -> str:
        return str(self.state.get("waiting", {}).get("reason", ""))

    def wait(self, reason: str, message: str = "") -> None:
        """Waiting; a run that ended stays visible as the last state."""
        if "terminated" in self.state:
            self.last = self.state
        self.state = {"waiting": {"reason": reason} | ({"message": message} if message else {})}
        self.ready = self.started = False

    def run(self, run_id: str) -> None:
        """Running; whatever ended before becomes the last state."""
        if "terminated" in self.state:
            self.last = self.state
        self.restarts += bool(self.run_id)
        self.run_id = run_id
        self.state = {"running": {"startedAt": CloudClock.stamp()}}

    def end(self, code: int, reason: str, message: str = "") -> None:
        """Terminated."""
        began = self.state.get("running", {}).get("startedAt", CloudClock.stamp())
        ended = {"exitCode": code, "reason": reason, "startedAt": began, "finishedAt": CloudClock.stamp()}
        ended |= {"containerID": self.run_id} | ({"message": message} if message else {})
        self.state = {"terminated": ended}
        self.ready = self.init and code == 0
        self.started = False

    def status(self) -> Obj:
        """The entry of `containerStatuses` or `initContainerStatuses`."""
        image = self.spec["image"]
        digest = hashlib.sha256(image.encode()).hexdigest()
        return {
            "name": self.name,
            "state": self.state,
            "lastState": self.last,
            "ready": self.ready,
            "restartCount": self.restarts,
            "image": image,
            "imageID": f"{image.split('@')[0].rsplit(':', 1)[0]}@sha256:{digest}" if self.run_id else "",
            "started": self.started,
        } | ({"containerID": self.run_id} if self.run_id else {})


class StatusBoard:
    """All records of one pod; `publish` writes what they add up to."""

    def __init__(self, cluster: KubeCluster, pod: Obj, pod_ip: str) -> None:
        self._cluster = cluster
        self._pod = pod
        self.pod_ip = pod_ip
        self.sandbox = False
        spec = pod["spec"]
        first = "PodInitializing" if spec.get("initContainers") else "ContainerCreating"
        self.inits = [ContainerRecord(c, True, _waiting(first)) for c in spec.get("initContainers") or ()]
        self.mains = [ContainerRecord(c, False, _waiting(first)) for c in spec["containers"]]

    @property
    def initialized(self) -> bool:
        return all(r.succeeded for r in self.inits)

    def phase(self) -> str:
        """By the kubelet's rule: Pending until every container ran once; final when none will run again."""
        if not self.initialized:
            never = self._pod["spec"].get("restartPolicy", "Always") == "Never"
            return (
                "Failed"
                if never and any("terminated" in r.state and not r.succeeded for r in self.inits)
                else "Pending"
            )
        if any("waiting" in r.state and not r.last for r in self.mains):
            return "Pending"
        ended = [r for r in self.mains if "terminated" in r.state]
        policy = self._pod["spec"].get("restartPolicy", "Always")
        if len(ended) == len(self.mains) and policy != "Always":
            if all(r.succeeded for r in ended):
                return "Succeeded"
            return "Failed" if policy == "Never" else "Running"
        return "Running"

    def publish(self) -> None:
        """Write the status, unless the pod is another one by now or its node is silent."""
        if self._cluster.world.faults.struck("node-lost", "node", self._pod["spec"]["nodeName"]):
            return

        def change(pod: Obj) -> None:
            if pod["metadata"]["uid"] != self._pod["metadata"]["uid"]:
                return
            old = pod.get("status") or {}
            phase = self.phase()
            conditions = [dict(c) for c in old.get("conditions") or ()]
            self._judge(conditions, phase)
            status = {**old, "phase": phase, "conditions": sorted(conditions, key=_order)}
            status["hostIP"] = self._host()
            status["hostIPs"] = [{"ip": status["hostIP"]}]
            if self.sandbox:
                status |= {"podIP": self.pod_ip, "podIPs": [{"ip": self.pod_ip}]}
            status.setdefault("startTime", CloudClock.stamp())
            if self.inits:
                status["initContainerStatuses"] = [r.status() for r in self.inits]
            status["containerStatuses"] = [r.status() for r in self.mains]
            status["qosClass"] = quality(pod["spec"])
            pod["status"] = status

        self._cluster.store.update("Pod", *key_of(self._pod), change, status=True)

    def _host(self) -> str:
        node = self._cluster.store.get("Node", None, self._pod["spec"]["nodeName"]) or {}
        addresses = node.get("status", {}).get("addresses") or [{"address": "10.128.0.2"}]
        return str(addresses[0]["address"])

    def _judge(self, conditions: list[Obj], phase: str) -> None:
        done = phase == "Succeeded"
        set_condition(conditions, "PodReadyToStartContainers", "True" if self.sandbox and not done else "False")
        if done or self.initialized:
            set_condition(conditions, "Initialized", "True", *(("PodCompleted",) if done else ()))
        else:
            names = " ".join(r.name for r in self.inits if not r.succeeded)
            text = f"containers with incomplete status: [{names}]"
            set_condition(conditions, "Initialized", "False", "ContainersNotInitialized", text)
        unready = [r.name for r in self.mains if not r.ready]
        for type_ in ("Ready", "ContainersReady"):
            if done:
                set_condition(conditions, type_, "False", "PodCompleted")
            elif phase == "Failed":
                set_condition(conditions, type_, "False", "PodFailed")
            elif unready or not self.initialized:
                text = f"containers with unready status: [{' '.join(unready)}]"
                set_condition(conditions, type_, "False", "ContainersNotReady", text)
            else:
                set_condition(conditions, type_, "True")
        set_condition(conditions, "PodScheduled", "True")


_ORDER = ("DisruptionTarget", "PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")


def _order(condition: Obj) -> int:
    return _ORDER.index(condition["type"]) if condition["type"] in _ORDER else len(_ORDER)


def _waiting(reason: str) -> Obj:
    return {"waiting": {"reason": reason}}


def quality(spec: Obj) -> str:
    """The pod's QoS class."""
    found = [c.get("resources") or {} for c in [*spec["containers"], *(spec.get("initContainers") or ())]]
    parts = [r.get(part) or {} for r in found for part in ("requests", "limits")]
    if not any("cpu" in p or "memory" in p for p in parts):
        return "BestEffort"
    for r in found:
        limits = r.get("limits") or {}
        wanted = limits | (r.get("requests") or {})
        if any(k not in limits or limits[k] != wanted.get(k) for k in ("cpu", "memory")):
            return "Burstable"
    return "Guaranteed"
