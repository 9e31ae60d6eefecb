"""Nodes: ready or not, and what they offer. A node is of use to us only when its accelerators are allocatable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

POOL_LABEL = "cloud.google.com/gke-nodepool"
NOT_READY_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


@dataclass(frozen=True, slots=True)
class NodeState:
    """`allocatable` counts the asked resource, 0 until the device plugin has registered; `reason`: why not ready."""

    name: str
    pool: str
    is_ready: bool
    reason: str
    allocatable: int
    schedulable: bool
    spot: bool
    kubelet: str


def read(node: Mapping[str, Any], resource: str = "") -> NodeState:
    """A Node object; `resource` such as `nvidia.com/gpu` or `google.com/tpu`."""
    meta, state, spec = node.get("metadata") or {}, node.get("status") or {}, node.get("spec") or {}
    labels = meta.get("labels") or {}
    condition: Mapping[str, Any] = next((c for c in state.get("conditions") or [] if c.get("type") == "Ready"), {})
    is_ready = condition.get("status") == "True"
    reason = "" if is_ready else str(condition.get("message") or condition.get("reason") or "no Ready condition yet")
    return NodeState(
        name=str(meta.get("name") or ""),
        pool=str(labels.get(POOL_LABEL) or ""),
        is_ready=is_ready,
        reason=reason,
        allocatable=_count((state.get("allocatable") or {}).get(resource)),
        schedulable=not spec.get("unschedulable") and not deletion_marked(spec),
        spot=labels.get("cloud.google.com/gke-spot") == "true",
        kubelet=str((state.get("nodeInfo") or {}).get("kubeletVersion") or ""),
    )


def in_pool(pool: str) -> str:
    """The label selector of a GKE node pool's nodes."""
    return f"{POOL_LABEL}={pool}"


def usable(nodes: Iterable[NodeState], per_node: int) -> tuple[NodeState, ...]:
    """Nodes that could take a replica asking for `per_node` of the resource."""
    return tuple(n for n in nodes if n.is_ready and n.schedulable and n.allocatable >= per_node)


def deletion_marked(spec: Mapping[str, Any]) -> bool:
    """Whether a taint says that the node is lost or about to go."""
    keys = {t.get("key") for t in spec.get("taints") or []}
    return bool(keys & {*NOT_READY_TAINTS, "ToBeDeletedByClusterAutoscaler"})


def _count(quantity: object) -> int:
    """Extended resources are whole numbers; anything else offers nothing."""
    try:
        return int(str(quantity)) if quantity is not None else 0
    except ValueError:
        return 0
