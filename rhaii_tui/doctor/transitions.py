"""What is still under way: replicas that leave or start, nodes that come. Until it is over nothing is proven by it."""

from __future__ import annotations

from typing import Any

from rhaii_tui.doctor.evidence import LogKey, Snapshot, is_true, status_of
from rhaii_tui.doctor.pieces import Missing, Read, Unread
from rhaii_tui.kube import timestamps
from rhaii_tui.kube.nodes import read
from rhaii_tui.kube.objects import name_of

Json = dict[str, Any]
LEAVING = 60.0
"""Cloud seconds beyond its grace period that a pod may take to go."""
STARTING = 1200.0
"""Cloud seconds an engine may take from its start to readiness: image, model, compilation."""
JOINING = 300.0
"""Cloud seconds a node may take to be Ready and to hand out its accelerators: driver and device plugin."""
RECENT = 120.0
"""Cloud seconds a controller may take to make the pods it is asked for."""
ADDING = 900.0
"""Cloud seconds after which a node that the autoscaler has announced should be there."""


def least_age(s: Snapshot, stamp: str | None) -> float | None:
    """Cloud seconds that have passed at least since a stamp: Kubernetes cuts stamps to the second."""
    then = timestamps.unix(stamp)
    return None if then is None else s.clock.cloud(max(0.0, s.at - then - 1.0))


def out_of_reach(s: Snapshot) -> list[Json]:
    """Ready replicas that do not answer, whose node's kubelet does not either: the node may be lost."""
    found = []
    for pod in s.replicas:
        piece, log = s.metrics.get(name_of(pod)), s.logs.get(LogKey(name_of(pod), "main"))
        silent = isinstance(piece, Read) and bool(piece.value.silent)
        if silent and isinstance(log, Unread) and not (log.absent or log.permission or log.remedy):
            found.append(pod)
    return found


def settling(s: Snapshot) -> bool:
    """Whether every replica that is not ready began, or is to be made, only a moment ago: nothing is proven by it."""
    rest = [p for p in s.replicas if not is_true(p, "Ready")]
    if rest:
        return len(starting(s)) == len(rest)
    if len(s.replicas) >= s.wanted:
        return False
    maker = s.deployment or s.service or {}
    stamps = [(maker.get("metadata") or {}).get("creationTimestamp")]
    for condition in status_of(maker).get("conditions") or []:
        stamps += [condition.get("lastUpdateTime"), condition.get("lastTransitionTime")]
    ages = [age for stamp in stamps if (age := least_age(s, stamp)) is not None]
    return bool(leaving(s)) or min(ages, default=RECENT) < RECENT


def leaving(s: Snapshot) -> list[Json]:
    """Pods with an accelerator on their way out, on nodes that can let them go. Raises Missing."""
    ready = {name_of(n) for n in s.accelerator_nodes if is_true(n, "Ready")}
    return [
        p
        for p in s.items("Pod")
        if (p.get("spec") or {}).get("nodeName") in ready and _asks(p, s.resource) and _goes_soon(s, p)
    ]


def _asks(pod: Json, resource: str) -> bool:
    containers = (pod.get("spec") or {}).get("containers") or []
    return any(resource in ((c.get("resources") or {}).get("requests") or {}) for c in containers)


def _goes_soon(s: Snapshot, pod: Json) -> bool:
    meta = pod["metadata"]
    asked = least_age(s, meta.get("deletionTimestamp"))
    return asked is not None and asked < LEAVING + float(meta.get("deletionGracePeriodSeconds") or 30)


def starting(s: Snapshot) -> list[Json]:
    """Replicas that are not ready and have begun so lately that they may just be on their way. Raises Missing."""
    return [p for p in s.replicas if not is_true(p, "Ready") and _since(s, p) < STARTING]


def _since(s: Snapshot, pod: Json) -> float:
    state = status_of(pod)
    begun = [pod["metadata"].get("creationTimestamp")]
    for one in [*(state.get("initContainerStatuses") or []), *(state.get("containerStatuses") or [])]:
        begun.append(((one.get("state") or {}).get("running") or {}).get("startedAt"))
    return min((age for stamp in begun if (age := least_age(s, stamp)) is not None), default=STARTING)


def joining(s: Snapshot) -> list[Json]:
    """Accelerator nodes so young that they need not be ready or hand anything out yet. Raises Missing."""
    return [
        n
        for n in s.accelerator_nodes
        if is_joining(s, n) and not (is_true(n, "Ready") and s.resource and read(n, s.resource).allocatable)
    ]


def is_joining(s: Snapshot, node: Json) -> bool:
    """Whether a node was made so lately that its driver and device plugin may still be at work."""
    age = least_age(s, node["metadata"].get("creationTimestamp"))
    return age is not None and age < JOINING


def resizing(s: Snapshot) -> bool:
    """Whether GKE is at work on the cluster: nodes come, or are cordoned on their way out."""
    try:
        return any(not o.done and f"/clusters/{s.place.cluster}" in f"/{o.target}" for o in s.operations)
    except Missing:
        return False


def soon_placed(s: Snapshot, pods: list[Json]) -> str:
    """What these pods without a node may be waiting for in good order; empty when nothing is on its way."""
    if len(gone := leaving(s)) >= len(pods):
        return f"it waits for the accelerator of {name_of(gone[0])}, which is still ending"
    if len(coming := joining(s)) >= len(pods):
        return f"node {name_of(coming[0])} is still joining"
    if resizing(s):
        return "GKE is changing the cluster's nodes"
    for event in s.events_of(*(name_of(p) for p in pods)):
        if event.reason == "NotTriggerScaleUp":
            return ""
        if event.reason == "TriggeredScaleUp" and s.clock.cloud(s.at - event.at) < ADDING:
            return "the autoscaler is adding a node"
    return ""
