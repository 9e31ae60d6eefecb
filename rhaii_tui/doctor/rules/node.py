"""Nodes: whether Google can bring them, and whether those that came still live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rhaii_tui.catalog.findings import Command, Evidence, Status
from rhaii_tui.deployment.plan import Effect
from rhaii_tui.doctor.evidence import ACCELERATORS, Snapshot, is_true, labels_of, status_of
from rhaii_tui.doctor.hops import Hop
from rhaii_tui.doctor.pieces import Missing
from rhaii_tui.doctor.rule import Fix, Hit, HopRules, Rule
from rhaii_tui.google.errors import CloudError, Kind
from rhaii_tui.google.values import OperationInfo
from rhaii_tui.kube import events, timestamps
from rhaii_tui.kube.nodes import POOL_LABEL
from rhaii_tui.kube.objects import name_of

Json = dict[str, Any]
QUOTAS = "https://console.cloud.google.com/iam-admin/quotas"
UNITS = {ACCELERATORS[0]: 1, ACCELERATORS[1]: 4}
"""What a node of each kind takes of its quota: GPUs, or chips (one 2x2 host)."""
_SPOT = ("Preempt", "preempt", "imminent node shutdown", "Terminated by GCE", "TerminationEvent", "Shutdown")


def _wanted(s: Snapshot) -> int:
    """Accelerator nodes that should be there."""
    try:
        wanted = s.wanted
    except Missing:
        wanted = 0
    return wanted or (s.place.target.replicas if s.place.target else 0)


def _enough(s: Snapshot) -> bool:
    try:
        return 0 < _wanted(s) <= sum(is_true(n, "Ready") for n in s.accelerator_nodes)
    except Missing:
        return False


def _last_operations(s: Snapshot) -> list[OperationInfo]:
    """The newest operation about the cluster and each of its pools."""
    newest: dict[str, OperationInfo] = {}
    for operation in s.operations:
        if f"/clusters/{s.place.cluster}" not in f"/{operation.target}":
            continue
        before = newest.get(operation.target)
        if before is None or operation.started >= before.started:
            newest[operation.target] = operation
    return list(newest.values())


def _failed(s: Snapshot, kind: Kind) -> list[tuple[str, CloudError]]:
    """`(source, error)` of operations, instance groups and pools that failed for this reason."""
    found: list[tuple[str, CloudError]] = []
    for operation in _last_operations(s):
        error = operation.error
        if error is not None and error.kind is kind:
            found.append((f"operation {operation.name} ({operation.type})", error))
    try:
        groups: tuple[CloudError, ...] = s.fact("instance group errors")
        found += [("instance group errors", e) for e in groups[-5:] if e.kind is kind]
    except Missing:
        pass
    try:
        pool = s.node_pool
    except Missing:
        pool = None
    if pool is not None and pool.broken:
        from rhaii_tui.google.errors import from_text

        error = from_text(" ".join((pool.status_message, *pool.conditions)))
        if error.kind is kind:
            found.append((f"node pool {pool.name} status", error))
    return found


def _quota(s: Snapshot) -> Iterator[Hit]:
    failed = _failed(s, Kind.QUOTA)
    if not failed:
        return
    _source, error = failed[-1]
    enough = _enough(s)
    yield Hit(
        about=s.place.pool or s.place.cluster,
        message=f"Google stopped a node pool operation for want of quota: {error.message[:200]}",
        evidence=tuple(s.note(src, e.message) for src, e in failed[-3:]),
        fix=Fix(
            title="Ask for more quota, or use fewer replicas",
            effect=Effect.SPEND,
            commands=(
                Command(text=QUOTAS, why="request the limit named above; granted quota is no capacity yet"),
                Command(text=f"rhaii-tui scale {max(1, _ready(s))}", why="fits the service to the nodes there are"),
            ),
        ),
        status=Status.WARN if enough else Status.FAIL,
        raw=error.raw,
    )


def _ready(s: Snapshot) -> int:
    try:
        return sum(is_true(n, "Ready") for n in s.accelerator_nodes)
    except Missing:
        return 0


def _stockout(s: Snapshot) -> Iterator[Hit]:
    failed = _failed(s, Kind.STOCKOUT)
    if not failed or _enough(s):
        return
    _source, error = failed[-1]
    yield Hit(
        about=s.place.pool or s.place.zone,
        message=f"Google has no such machine free in {s.place.zone} right now.",
        evidence=tuple(s.note(src, e.message) for src, e in failed[-3:]),
        fix=Fix(
            title="Another zone, Spot, or patience",
            effect=Effect.SPEND,
            commands=(
                Command(text="rhaii-tui options", why="zones that offer the machine"),
                Command(text="rhaii-tui setup --zone ZONE", why="begins there; what is here stays until torn down"),
                Command(text="rhaii-tui setup --provisioning spot", why="draws on another stock"),
            ),
        ),
        raw=error.raw,
    )


def _no_quota(s: Snapshot) -> Iterator[Hit]:
    """A limit below what is asked for: the next node cannot come, and GKE says so late or not at all."""
    need = _wanted(s)
    if not need:
        return
    resource = s.resource
    if resource == ACCELERATORS[0]:
        for fact, metric in (("region quotas", "NVIDIA_T4_GPUS"), ("project quotas", "GPUS_ALL_REGIONS")):
            quotas = s.fact(fact).by_metric
            spot = f"PREEMPTIBLE_{metric}" if _spot(s) and metric.startswith("NVIDIA") else metric
            quota = quotas.get(spot)
            if quota is not None and quota.limit < need:
                yield _limit(s, spot, quota.limit, need, f"{fact} {spot}: limit {quota.limit:g}, used {quota.usage:g}")
    elif resource == ACCELERATORS[1]:
        limit = s.fact("TPU quota")
        need *= UNITS[resource]
        if limit.value is not None and limit.value < need:
            yield _limit(s, "TPUS_PER_TPU_FAMILY (v6e)", limit.value, need, f"cloudquotas: {limit.text}")


def _spot(s: Snapshot) -> bool:
    pool = s.node_pool
    return pool is not None and pool.provisioning == "spot"


def _limit(s: Snapshot, metric: str, limit: float, need: int, text: str) -> Hit:
    return Hit(
        about=metric,
        message=f"The quota {metric} is {limit:g}; {need} are needed for {_wanted(s)} replicas.",
        evidence=(s.note("quota", text),),
        fix=Fix(
            title=f"Ask for {need} {metric}",
            effect=Effect.SPEND,
            commands=(Command(text=QUOTAS, why=f"filter for {metric} in {s.place.zone.rsplit('-', 1)[0]}"),),
        ),
        status=Status.WARN if _enough(s) else Status.FAIL,
    )


def _lost(s: Snapshot) -> Iterator[Hit]:
    lost = [n for n in s.accelerator_nodes if not is_true(n, "Ready") and _age(s, n) > 120]
    lost = [n for n in lost if not _reclaimed(s, n)]
    if not lost:
        return
    names = {name_of(n) for n in lost}
    pods = [p for p in s.replicas if (p.get("spec") or {}).get("nodeName") in names]
    yield Hit(
        about=", ".join(sorted(names)),
        message=f"{len(lost)} accelerator node(s) are lost: the kubelet does not report.",
        evidence=tuple(s.note(f"node {name_of(n)} Ready", _condition(n), "Node") for n in lost[:3])
        + tuple(s.note(f"pod {name_of(p)}", "stands on a lost node; not Ready", "Pod") for p in pods[:3]),
        fix=Fix(
            title="Recreate the lost node: its instance group makes a new one",
            effect=Effect.DESTROY,
            commands=tuple(
                Command(
                    text=f"gcloud compute instances delete {name_of(n)} --zone {s.place.zone or 'ZONE'} "
                    f"--project {s.place.project or 'PROJECT'}",
                    why="auto-repair does the same after about ten minutes",
                )
                for n in lost
            ),
        ),
        node=name_of(lost[0]),
    )


def _age(s: Snapshot, node: Json) -> float:
    return s.age(node["metadata"].get("creationTimestamp")) or 0.0


def _condition(node: Json) -> str:
    ready: Json = next((c for c in status_of(node).get("conditions") or [] if c.get("type") == "Ready"), {})
    return f"{ready.get('status', 'absent')} {ready.get('reason', '')}: {ready.get('message', '')}"


def _reclaimed(s: Snapshot, node: Json) -> bool:
    # A replaced machine keeps its name: what befell the one before is older than the Node object.
    made = timestamps.unix(node["metadata"].get("creationTimestamp")) or 0.0
    return any(e.at >= made and any(w in e.message or w in e.reason for w in _SPOT) for e in s.events_of(name_of(node)))


def _ended_at(pod: Json) -> float:
    """When a pod's conditions changed last, Unix time; such pods are kept long after their end."""
    stamps = [timestamps.unix(c.get("lastTransitionTime")) for c in status_of(pod).get("conditions") or []]
    return max((at for at in stamps if at is not None), default=0.0)


def _spot_reclaimed(s: Snapshot) -> Iterator[Hit]:
    """Google took spot machines back: told by events about nodes, while replicas are missing for it."""
    if _enough(s) and all(is_true(n, "Ready") for n in s.accelerator_nodes):
        return
    live = {name_of(n): n for n in s.accelerator_nodes}
    pools = {labels_of(n).get(POOL_LABEL) for n in live.values()} | {s.place.pool}
    told = [
        e
        for e in map(events.read, s.items("Event"))
        if e.object.startswith("Node/")
        and ((name := e.object.partition("/")[2]) in live or any(p and f"-{p}-" in name for p in pools))
    ]
    # A node made after the event is its replacement, even if it is gone by now: what the event tells is history then.
    made = [timestamps.unix(n["metadata"].get("creationTimestamp")) or 0.0 for n in live.values()]
    refilled = max((*made, *(e.at for e in told if e.reason == "RegisteredNode")), default=0.0)
    found = [
        Evidence(source=f"event {e.reason} {e.object}", text=e.message, observed_at=e.at)
        for e in told
        if e.at >= refilled and any(w in e.message or w in e.reason for w in _SPOT)
    ]
    for pod in s.items("Pod", s.place.namespace):
        state = status_of(pod)
        if state.get("reason") in ("Terminated", "NodeShutdown", "Preempting") and _ended_at(pod) >= refilled:
            found.append(s.note(f"pod {name_of(pod)} status", f"{state['reason']}: {state.get('message', '')}", "Pod"))
    if found:
        yield Hit(
            about=s.place.pool or "node",
            message="Google took a Spot node back; the pool brings another when there is one.",
            evidence=tuple(sorted(found, key=lambda e: -e.observed_at)[:3]),
            fix=Fix(
                title="Wait for the next Spot node, or buy on-demand ones",
                effect=Effect.SPEND,
                commands=(
                    Command(text="rhaii-tui status", why="the pool recreates the node by itself"),
                    Command(text="rhaii-tui options", why="what on-demand would cost"),
                ),
            ),
            status=Status.WARN,
        )


def _pool_broken(s: Snapshot) -> Iterator[Hit]:
    pool = s.node_pool
    if pool is not None and pool.broken:
        yield Hit(
            about=pool.name,
            message=f"GKE calls node pool {pool.name} {pool.status}.",
            evidence=(s.note(f"node pool {pool.name} status", f"{pool.status} {pool.status_message}".strip()),),
            fix=Fix(
                title="Delete the broken pool and make it anew",
                effect=Effect.DESTROY,
                commands=(
                    Command(
                        text=f"gcloud container node-pools delete {pool.name} --cluster {s.place.cluster} "
                        f"--zone {s.place.zone} --project {s.place.project}"
                    ),
                    Command(text="rhaii-tui setup", why="goes on from there"),
                ),
            ),
            raw="; ".join(pool.conditions),
        )


def _operation_failed(s: Snapshot) -> Iterator[Hit]:
    for operation in _last_operations(s):
        error = operation.error
        if error is None or error.kind in (Kind.QUOTA, Kind.STOCKOUT) or _enough(s):
            continue
        yield Hit(
            about=operation.name,
            message=f"GKE operation {operation.type} failed: {error.message[:200]}",
            evidence=(s.note(f"operation {operation.name}", error.message),),
            fix=Fix(
                title=error.remedy,
                effect=Effect.OBSERVE,
                commands=(
                    Command(
                        text=f"gcloud container operations describe {operation.name} --zone {s.place.zone} "
                        f"--project {s.place.project}"
                    ),
                ),
            ),
            raw=error.raw,
        )


def _prove(s: Snapshot) -> Evidence | None:
    """Enough ready nodes, and every replica that has a node stands on a ready one."""
    ready = {name_of(n) for n in s.accelerator_nodes if is_true(n, "Ready")}
    used = {(p.get("spec") or {}).get("nodeName") for p in s.replicas} - {None}
    if not used or not used <= ready:
        return None
    return s.note("nodes", f"{len(ready)} accelerator nodes Ready", "Node")


RULES = HopRules(
    Hop.NODE,
    (
        Rule(
            "node.quota",
            Hop.NODE,
            "Only some of the nodes came, or none.",
            "A quota of the project or region is used up; GKE says so inside the operation.",
            "The newest operation of the pool ended without an error.",
            _quota,
            explained_by=("node.quota-limit",),
        ),
        Rule(
            "node.stockout",
            Hop.NODE,
            "The node pool's creation or growth runs for many minutes without a node.",
            "The zone has no such machine to give.",
            "The instance group reports no error, or the nodes are there.",
            _stockout,
            explained_by=("node.spot-reclaimed",),
        ),
        Rule(
            "node.quota-limit",
            Hop.NODE,
            "A node pool is refused, or a lost node does not come back.",
            "The quota's limit is below what the service needs.",
            "The limit covers the replicas.",
            _no_quota,
        ),
        Rule(
            "node.pool-broken",
            Hop.NODE,
            "The node pool is in ERROR.",
            "Its creation failed half-way; it keeps the name and may be billed.",
            "The pool is RUNNING.",
            _pool_broken,
            explained_by=("node.quota", "node.quota-limit", "node.stockout"),
        ),
        Rule(
            "node.spot-reclaimed",
            Hop.NODE,
            "A node and its replica vanished.",
            "Spot machines may be taken back at any time.",
            "No preemption is told in the nodes' events.",
            _spot_reclaimed,
        ),
        Rule(
            "node.lost",
            Hop.NODE,
            "kubectl still says Running, but a replica is not Ready.",
            "Its node does not report any more.",
            "The node's condition Ready is True.",
            _lost,
        ),
        Rule(
            "node.operation-failed",
            Hop.NODE,
            "Nodes are missing.",
            "A GKE operation failed; its own words say why.",
            "The newest operation of the pool ended without an error.",
            _operation_failed,
            explained_by=("node.", "access.api-disabled"),
        ),
    ),
    _prove,
)
