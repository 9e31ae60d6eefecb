"""Why a pod is pending: the scheduler's sentence of any Kubernetes version, in groups, and whether nodes could come."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rhaii_tui.catalog.findings import Evidence
from rhaii_tui.doctor.evidence import ACCELERATORS, Snapshot, labels_of, status_of
from rhaii_tui.doctor.pieces import Missing
from rhaii_tui.kube.nodes import POOL_LABEL
from rhaii_tui.kube.objects import name_of

_SHORT = re.compile(r"(\d+) Insufficient ([\w.-]*\w(?:/[\w.-]*\w)?)")
_TAINT = re.compile(r"(\d+) node\(s\) had (?:untolerated )?taints?(?:\(s\))?(?: \{([^}]*)\})?")
_SELECTOR = re.compile(r"(\d+) node\(s\) didn't match (?:Pod's )?node (?:affinity/selector|selector|affinity)")
_OTHERS = (
    ("cordoned", re.compile(r"(\d+) node\(s\) were unschedulable")),
    ("pod slots", re.compile(r"(\d+) Too many pods")),
    ("volume", re.compile(r"(\d+) node\(s\) had (?:volume node affinity conflict|no available volume zone)")),
    ("volume", re.compile(r"()persistentvolumeclaim \"[^\"]*\" (?:not found|is being deleted)")),
    ("ports", re.compile(r"(\d+) node\(s\) didn't have free ports")),
)
_NODES = re.compile(r"0/(\d+) nodes are available")
_DOWN = ("node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready")


@dataclass(frozen=True, slots=True)
class Why:
    """Nodes refused per group (cpu, memory, accelerator, taint, selector, cordoned, down, volume ...), of `nodes`."""

    nodes: int
    groups: Mapping[str, int]
    taints: tuple[str, ...] = ()
    text: str = ""

    def words(self) -> str:
        """`2 accelerator, 2 selector of 5 nodes`."""
        told = ", ".join(f"{n} {group}" for group, n in self.groups.items())
        return f"{told or 'no reason given'} (of {self.nodes} nodes)"


def read(message: str) -> Why:
    """The groups of a FailedScheduling message, old and new wording. Never raises; an unknown text gives no group."""
    head = re.split(r"(?:no new claims to deallocate, )?preemption:", message[:20_000], maxsplit=1)[0]
    groups: dict[str, int] = {}

    def add(group: str, count: str) -> None:
        groups[group] = groups.get(group, 0) + int(count[:9] or 1)

    for count, resource in _SHORT.findall(head):
        group = "accelerator" if resource in ACCELERATORS else resource
        add(group, count)
    taints = []
    for count, taint in _TAINT.findall(head):
        key = taint.partition(":")[0].strip()
        add("down" if key in _DOWN else "taint", count)
        if key and key not in taints:
            taints.append(key)
    for count in _SELECTOR.findall(head):
        add("selector", count)
    for group, pattern in _OTHERS:
        for count in pattern.findall(head):
            add(group, count)
    found = _NODES.search(head)
    return Why(int(found[1][:9]) if found else 0, groups, tuple(taints), message.strip()[:600])


def pending(s: Snapshot, pods: tuple[dict[str, Any], ...]) -> list[tuple[dict[str, Any], Why]]:
    """Pods without a node, each with the scheduler's reason. Raises Missing when pods were not read."""
    found = []
    for pod in pods:
        if (pod.get("spec") or {}).get("nodeName"):
            continue
        conditions = {c.get("type"): c for c in status_of(pod).get("conditions") or []}
        scheduled = conditions.get("PodScheduled") or {}
        text = str(scheduled.get("message") or "") if scheduled.get("status") == "False" else ""
        if not text:
            text = next((e.message for e in _events(s, name_of(pod)) if e.reason == "FailedScheduling"), "")
        if text:
            found.append((pod, read(text)))
    return found


def told(s: Snapshot, pod: Mapping[str, Any], why: Why) -> tuple[Evidence, ...]:
    """Why a pod is pending: the scheduler's words, how many nodes refuse it for what, and whether nodes could come."""
    words = " ".join(filter(None, (f"{why.words()}.", autoscaler(s, pod))))
    return s.note(f"pod {name_of(pod)} PodScheduled", why.text, "Pod"), s.note("why pending", words, "Pod")


def autoscaler(s: Snapshot, pod: Mapping[str, Any]) -> str:
    """Whether the cluster autoscaler can help a pending pod, in a sentence; empty when it is not there to ask."""
    for event in _events(s, name_of(pod)):
        if event.reason == "TriggeredScaleUp":
            return f"The autoscaler is adding a node: {event.message}"
        if event.reason == "NotTriggerScaleUp":
            return f"The autoscaler cannot help: {event.message}"
    try:
        pool = s.node_pool
    except Missing:
        return ""
    if pool is None:
        return ""
    if not pool.autoscaled:
        return f"No autoscaler on node pool {pool.name}: it stays as large as it is."
    nodes = sum(labels_of(n).get(POOL_LABEL) == pool.name for n in s.accelerator_nodes)
    if nodes >= pool.most_nodes:
        return f"The autoscaler of {pool.name} is at its maximum of {pool.most_nodes} nodes."
    return f"The autoscaler of {pool.name} may add up to {pool.most_nodes - nodes} nodes."


def _events(s: Snapshot, name: str) -> tuple[Any, ...]:
    try:
        return s.events_of(name)
    except Missing:
        return ()
