"""The scheduler: which node takes a pod, and in the real words why none does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rhaii_tui.practice.actors.control import Controller
from rhaii_tui.practice.actors.objects import Key, Obj, conditions_in, deleting, key_of, labels_of, set_condition
from rhaii_tui.practice.actors.quantity import amounts, requests, total

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster
    from rhaii_tui.practice.kube.journal import Change
    from rhaii_tui.practice.world import World

COMPONENT = "default-scheduler"
_NO_VICTIMS = "No preemption victims found for incoming pod"
_NO_HELP = "Preemption is not helpful for scheduling"


class Scheduler(Controller):
    """Binds pods to nodes. What may make room (a node, a pod that went) sets all waiting pods to try again."""

    kinds = ("Pod", "Node", "PersistentVolumeClaim")

    def __init__(self, world: World, cluster: KubeCluster) -> None:
        super().__init__(world, cluster)
        self._waiting: set[Key] = set()

    def keys(self, change: Change) -> Iterable[Key]:
        key = key_of(change.obj)
        if change.kind != "Pod" or change.type == "DELETED" or _final(change.obj):
            self._waiting.discard(key)
            return tuple(self._waiting)
        return () if change.obj["spec"].get("nodeName") else (key,)

    def reconcile(self, key: Key) -> float | None:
        pod = self.store.get("Pod", *key)
        if pod is None or pod["spec"].get("nodeName") or deleting(pod):
            self._waiting.discard(key)
            return None
        if pod["spec"].get("schedulingGates") or pod["spec"].get("schedulerName", COMPONENT) != COMPONENT:
            return None
        nodes = self.store.list("Node")
        wanted = requests(pod["spec"])
        refusals: Counter[str] = Counter()
        preemption: Counter[str] = Counter()
        fits: list[tuple[float, str]] = []
        taken = self._taken()
        for node in nodes:
            reasons, hopeless = refuse(pod, wanted, node, taken.get(node["metadata"]["name"], []))
            if reasons:
                refusals.update(reasons)
                preemption[_NO_HELP if hopeless else _NO_VICTIMS] += 1
            else:
                fits.append((_load(node, taken.get(node["metadata"]["name"], [])), node["metadata"]["name"]))
        claim = self._missing_claim(pod)
        if fits and not claim:
            self._bind(pod, min(fits)[1])
            self._waiting.discard(key)
        else:
            self._waiting.add(key)
            self._report(pod, _message(len(nodes), refusals, preemption, claim))
        return None

    def _taken(self) -> dict[str, list[Obj]]:
        taken: dict[str, list[Obj]] = {}
        for pod in self.store.list("Pod"):
            node = pod["spec"].get("nodeName")
            if node and not _final(pod):
                taken.setdefault(node, []).append(pod)
        return taken

    def _missing_claim(self, pod: Obj) -> str:
        namespace = pod["metadata"]["namespace"]
        for volume in pod["spec"].get("volumes") or ():
            name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            if name and self.store.get("PersistentVolumeClaim", namespace, name) is None:
                return str(name)
        return ""

    def _bind(self, pod: Obj, node: str) -> None:
        namespace, name = key_of(pod)

        def place(p: Obj) -> None:
            p["spec"]["nodeName"] = node

        def scheduled(p: Obj) -> None:
            set_condition(conditions_in(p), "PodScheduled", "True")

        self.store.update("Pod", namespace, name, place)
        self.store.update("Pod", namespace, name, scheduled, status=True)
        message = f"Successfully assigned {namespace}/{name} to {node}"
        self.store.event(pod, "Normal", "Scheduled", message, COMPONENT, new_style=True)

    def _report(self, pod: Obj, message: str) -> None:
        before = pod.get("status", {}).get("conditions")

        def unschedulable(p: Obj) -> None:
            p.setdefault("status", {}).setdefault("phase", "Pending")
            set_condition(conditions_in(p), "PodScheduled", "False", "Unschedulable", message)

        after = self.store.update("Pod", *key_of(pod), unschedulable, status=True)
        if after is not None and after["status"].get("conditions") != before:
            self.store.event(pod, "Warning", "FailedScheduling", message, COMPONENT, new_style=True)


def refuse(pod: Obj, wanted: dict[str, int], node: Obj, pods: list[Obj]) -> tuple[list[str], bool]:
    """Why a node does not take a pod (the first plugin that refuses, in the scheduler's own order), and whether
    evicting others could not change that."""
    spec = node.get("spec", {})
    if spec.get("unschedulable"):
        return ["node(s) were unschedulable"], True
    if any(not tolerated(t, pod["spec"], wanted) for t in spec.get("taints") or ()):
        return ["node(s) had untolerated taint(s)"], True
    labels = labels_of(node)
    if any(labels.get(k) != v for k, v in (pod["spec"].get("nodeSelector") or {}).items()):
        return ["node(s) didn't match Pod's node affinity/selector"], True
    allocatable = amounts(node.get("status", {}).get("allocatable"))
    used = total(pods)
    short = [r for r, n in wanted.items() if n > allocatable.get(r, 0) - used.get(r, 0)]
    if len(pods) + 1 > allocatable.get("pods", 110):
        return ["Too many pods"], False
    return [f"Insufficient {r}" for r in short], any(wanted[r] > allocatable.get(r, 0) for r in short)


def tolerated(taint: Obj, spec: Obj, wanted: dict[str, int]) -> bool:
    """Whether a pod may stand on a tainted node."""
    if taint["effect"] == "PreferNoSchedule":
        return True
    # GKE's ExtendedResourceToleration: who asks for the accelerator tolerates the taint of its nodes.
    if taint["key"] in ("nvidia.com/gpu", "google.com/tpu") and wanted.get(taint["key"]):
        return True
    for t in spec.get("tolerations") or ():
        if t.get("effect") not in (None, "", taint["effect"]):
            continue
        if t.get("key") not in (None, "", taint["key"]):
            continue
        if t.get("operator", "Equal") == "Exists" or t.get("value", "") == taint.get("value", ""):
            return True
    return False


def _message(nodes: int, refusals: Counter[str], preemption: Counter[str], claim: str) -> str:
    if not nodes:
        return "no nodes available to schedule pods"
    if claim:
        return f'0/{nodes} nodes are available: persistentvolumeclaim "{claim}" not found. not found'
    reasons = ", ".join(sorted(f"{n} {reason}" for reason, n in refusals.items()))
    victims = ", ".join(sorted(f"{n} {reason}" for reason, n in preemption.items()))
    head = f"0/{nodes} nodes are available:"
    return f"{head} {reasons}. no new claims to deallocate, preemption: {head} {victims}."


def _load(node: Obj, pods: list[Obj]) -> float:
    allocatable, used = amounts(node["status"]["allocatable"]), total(pods)
    return max(used.get(r, 0) / max(1, allocatable.get(r, 1)) for r in ("cpu", "memory")) + len(pods) / 1000


def _final(pod: Obj) -> bool:
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")
