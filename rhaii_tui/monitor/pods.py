"""Pods, nodes and events of a service as values. Pure; pods are read once per version, not once per frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rhaii_tui.kube import events, nodes, pod_status, timestamps
from rhaii_tui.kube.objects import name_of
from rhaii_tui.monitor.state import EventNow, NodeNow
from rhaii_tui.serving.stack import role_of

Obj = dict[str, Any]
RESOURCES = ("nvidia.com/gpu", "google.com/tpu")
ACCELERATOR_LABELS = ("cloud.google.com/gke-accelerator", "cloud.google.com/gke-tpu-accelerator")
EVENTS_SHOWN = 50
_BORING = frozenset(
    {"Pulling", "Pulled", "Created", "Started", "Scheduled", "SuccessfulCreate", "Updated", "RegisteredNode"}
)
"""Normal events of every start: the pods' own status says the same."""
_STARTUP = "Startup probe failed"
"""Every start fails its startup probe until the engine answers."""
WORDS_SECONDS = 10.0
"""kubectl's RESTARTS carries an age, so that words are renewed even when the pod is not."""


class Words:
    """kubectl's words per pod, renewed when the pod changed or the words are old."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, float, pod_status.PodStatus]] = {}

    def of(self, pod: Obj, now: float) -> pod_status.PodStatus:
        """The words for one pod."""
        meta = pod["metadata"]
        uid, version = str(meta.get("uid")), str(meta.get("resourceVersion"))
        known = self._known.get(uid)
        if known is None or known[0] != version or not 0 <= now - known[1] < WORDS_SECONDS:
            known = self._known[uid] = (version, now, pod_status.status(pod, now))
        return known[2]

    def keep(self, uids: Iterable[str]) -> None:
        """Forget pods that are gone."""
        alive = set(uids)
        for uid in [u for u in self._known if u not in alive]:
            del self._known[uid]


def split(pods: Iterable[Obj]) -> tuple[list[Obj], list[Obj]]:
    """Replicas and endpoint pickers, by name. Finished pods (evicted, preempted) are left to the events."""
    replicas, pickers = [], []
    for pod in sorted(pods, key=name_of):
        if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            continue
        role = role_of(pod["metadata"].get("labels") or {})
        if role == "scheduler":
            pickers.append(pod)
        elif role == "replica":
            replicas.append(pod)
    return replicas, pickers


def containers(pod: Obj) -> tuple[str, ...]:
    """Names of all containers, the main ones first."""
    spec = pod.get("spec") or {}
    return tuple(str(c["name"]) for part in ("containers", "initContainers") for c in spec.get(part) or [])


def created(obj: Obj) -> float:
    """Unix seconds of its creation, 0 when it does not tell."""
    return timestamps.unix(obj["metadata"].get("creationTimestamp")) or 0.0


def node(obj: Obj, placed: Mapping[str, tuple[str, ...]]) -> NodeNow:
    """A Node; `placed` names the replicas by node."""
    labels = obj["metadata"].get("labels") or {}
    capacity = (obj.get("status") or {}).get("capacity") or {}
    resource = next((r for r in RESOURCES if r in capacity), "")
    accelerator = next((str(labels[k]) for k in ACCELERATOR_LABELS if labels.get(k)), "")
    if accelerator and not resource:
        # Before the device plugin is up the node offers nothing; the label already tells what is billed.
        resource = RESOURCES[1] if ACCELERATOR_LABELS[1] in labels else RESOURCES[0]
    seen = nodes.read(obj, resource)
    told = str(labels.get("cloud.google.com/gke-accelerator-count") or capacity.get(resource) or "")
    return NodeNow(
        name=seen.name,
        pool=seen.pool,
        machine=str(labels.get("node.kubernetes.io/instance-type") or ""),
        accelerator=accelerator or resource,
        units=int(told) if told.isascii() and told.isdigit() and len(told) < 6 else seen.allocatable,
        allocatable=seen.allocatable,
        is_ready=seen.is_ready,
        schedulable=seen.schedulable,
        reason=seen.reason,
        spot=seen.spot,
        created_at=created(obj),
        replicas=placed.get(seen.name, ()),
    )


def worth_reading(
    found: Iterable[Obj], service: str, pods: Mapping[str, bool], nodes_of_ours: Iterable[str]
) -> tuple[EventNow, ...]:
    """Warnings and turning points of the service's objects, the newest first. `pods` tells which of ours are ready."""
    places = set(nodes_of_ours)
    seen = []
    for obj in found:
        event = events.read(obj)
        kind, _, name = event.object.partition("/")
        about_us = name in pods or name == service or name.startswith(f"{service}-")
        if not (about_us if kind != "Node" else name in places):
            continue
        if event.level != "Warning" and event.reason in _BORING:
            continue
        if event.message.startswith(_STARTUP) and pods.get(name):
            continue
        seen.append(EventNow(event.uid, event.at, event.level, event.reason, event.object, event.message, event.count))
    return tuple(sorted(seen, key=lambda e: -e.at)[:EVENTS_SHOWN])
