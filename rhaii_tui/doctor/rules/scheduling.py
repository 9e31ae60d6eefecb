"""Scheduling: replicas without a node, and what it would take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rhaii_tui.catalog.findings import Command, Evidence, Status
from rhaii_tui.deployment.plan import Effect
from rhaii_tui.doctor import edits
from rhaii_tui.doctor.evidence import Snapshot, is_true, labels_of, status_of
from rhaii_tui.doctor.hops import Hop
from rhaii_tui.doctor.pending import Why, pending, told
from rhaii_tui.doctor.rule import Change, Fix, Hit, HopRules, Rule
from rhaii_tui.doctor.transitions import resizing, soon_placed
from rhaii_tui.kube.nodes import NOT_READY_TAINTS, POOL_LABEL
from rhaii_tui.kube.objects import name_of

Json = dict[str, Any]
_OWN_TAINTS = {"nvidia.com/gpu", "google.com/tpu", "cloud.google.com/gke-spot", "node.kubernetes.io/unschedulable"}


def _waiting(s: Snapshot) -> list[tuple[Json, Why]]:
    return pending(s, s.replicas)


def _selector(s: Snapshot) -> Iterator[Hit]:
    for pod, why in _waiting(s):
        wanted: dict[str, str] = (pod.get("spec") or {}).get("nodeSelector") or {}
        lacking = [
            (n, {k: v for k, v in wanted.items() if labels_of(n).get(k) != v})
            for n in s.accelerator_nodes
            if is_true(n, "Ready")
        ]
        lacking = [(n, missing) for n, missing in lacking if missing]
        if "selector" not in why.groups or not lacking:
            continue
        first, missing = lacking[0]
        yield Hit(
            about=name_of(pod),
            message=f"{len(lacking)} accelerator node(s) do not carry the label the replica asks for: "
            + ", ".join(f"{k}={v}" for k, v in missing.items()),
            evidence=(
                *told(s, pod, why),
                s.note(f"node {name_of(first)} labels", ", ".join(f"{k}={labels_of(first).get(k, '(absent)')}"
                                                                  for k in missing), "Node"),
            ),
            fix=Fix(
                title="Put the label back on the nodes",
                changes=tuple(
                    Change("patch", "Node", "", name_of(n), {"metadata": {"labels": m}}) for n, m in lacking
                ),
                commands=tuple(
                    Command(
                        text=f"kubectl label node {name_of(n)} " + " ".join(f"{k}={v}" for k, v in m.items()),
                        why="GKE sets the node pool's labels on nodes it makes; one made later has them again.",
                    )
                    for n, m in lacking
                ),
                settle=1200.0,
            ),
            node=name_of(first),
            raw=why.text,
        )  # fmt: skip
        return


def _taint(s: Snapshot) -> Iterator[Hit]:
    for pod, why in _waiting(s):
        if "taint" not in why.groups:
            continue
        tainted = [(n, t) for n in s.accelerator_nodes if (t := _extra(n, pod))]
        if not tainted:
            continue
        first, taints = tainted[0]
        words = ", ".join(f"{t['key']}={t.get('value', '')}:{t['effect']}" for t in taints)
        yield Hit(
            about=name_of(pod),
            message=f"{len(tainted)} accelerator node(s) carry a taint the replica does not tolerate: {words}.",
            evidence=(
                *told(s, pod, why),
                s.note(f"node {name_of(first)} spec.taints", words, "Node"),
            ),
            fix=Fix(
                title="Remove the taint from the nodes",
                changes=tuple(
                    Change(
                        "patch", "Node", "", name_of(n),
                        {"spec": {"taints": [x for x in (n.get("spec") or {}).get("taints") or [] if x not in extra]}},
                    )
                    for n, extra in tainted
                ),
                commands=tuple(
                    Command(text=f"kubectl taint node {name_of(n)} {t['key']}:{t['effect']}-")
                    for n, extra in tainted
                    for t in extra
                ),
                risk="Whoever tainted the node wanted something kept off it.",
                settle=1200.0,
            ),
            node=name_of(first),
            raw=why.text,
        )  # fmt: skip
        return


def _extra(node: Json, pod: Json) -> list[Json]:
    """Taints that neither the pod tolerates nor GKE's own toleration for who asks for the accelerator."""
    found = []
    for taint in (node.get("spec") or {}).get("taints") or []:
        key = taint.get("key")
        if taint.get("effect") == "PreferNoSchedule" or key in NOT_READY_TAINTS or key in _OWN_TAINTS:
            continue
        if not any(_tolerates(t, taint) for t in (pod.get("spec") or {}).get("tolerations") or []):
            found.append(taint)
    return found


def _tolerates(toleration: Json, taint: Json) -> bool:
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    if toleration.get("key") not in (None, "", taint.get("key")):
        return False
    return bool(
        toleration.get("operator", "Equal") == "Exists" or toleration.get("value", "") == taint.get("value", "")
    )


def _cordoned(s: Snapshot) -> Iterator[Hit]:
    waiting = _waiting(s)
    if not waiting or resizing(s):
        return
    nodes = [n for n in s.accelerator_nodes if (n.get("spec") or {}).get("unschedulable")]
    if nodes:
        yield Hit(
            about=name_of(nodes[0]),
            message=f"{len(nodes)} accelerator node(s) are cordoned.",
            evidence=(
                *told(s, *waiting[0]),
                *(s.note(f"node {name_of(n)} spec.unschedulable", "true", "Node") for n in nodes[:3]),
            ),
            fix=Fix(
                title="Uncordon the nodes",
                changes=tuple(
                    Change("patch", "Node", "", name_of(n), {"spec": {"unschedulable": None}}) for n in nodes
                ),
                commands=tuple(Command(text=f"kubectl uncordon {name_of(n)}") for n in nodes),
                risk="Somebody may be about to repair or remove the node.",
                settle=1200.0,
            ),
            node=name_of(nodes[0]),
        )


def _rollout(s: Snapshot) -> Iterator[Hit]:
    """A rolling update that wants one replica more than there are accelerators, and may take none away."""
    deployment = s.deployment
    if deployment is None:
        return
    sets = [
        r
        for r in s.items("ReplicaSet", s.place.namespace)
        if any(o.get("uid") == deployment["metadata"].get("uid") for o in r["metadata"].get("ownerReferences") or [])
        and int((r.get("spec") or {}).get("replicas") or 0) > 0
    ]
    if len(sets) < 2:
        return
    newest = max(sets, key=_revision)
    mine = {name_of(newest)}
    stuck = [
        (p, w) for p, w in _waiting(s) if {o.get("name") for o in p["metadata"].get("ownerReferences") or []} & mine
    ]
    if not stuck or "accelerator" not in stuck[0][1].groups or soon_placed(s, [p for p, _ in stuck]):
        return
    pod, why = stuck[0]
    strategy = ((deployment.get("spec") or {}).get("strategy") or {}).get("rollingUpdate") or {}
    name = name_of(deployment)
    yield Hit(
        about=name,
        message="The rolling update can never finish: it starts a new replica before it stops an old one, and no "
        "accelerator is free.",
        evidence=(
            *told(s, pod, why),
            s.note(f"Deployment {name} spec.strategy.rollingUpdate", str(strategy), "Deployment"),
        ),
        fix=Fix(
            title="Let the update finish with one replica fewer, then ask for all of them again",
            changes=(
                Change("roll", edits.KIND, s.place.namespace, s.place.service, {"replicas": s.wanted}),
            ),
            commands=(
                Command(text=f"rhaii-tui scale {max(1, s.wanted - 1)}", why="frees one accelerator for the update"),
                Command(text=f"rhaii-tui scale {s.wanted + 1}", why="or one node more while the update runs: costs"),
            ),
            risk="One replica fewer serves while the update runs."
            if s.wanted > 1
            else "The only replica stops before its successor starts.",
            settle=1800.0,
        ),
        status=Status.WARN,
        raw=why.text,
    )  # fmt: skip


def _revision(replica_set: Json) -> int:
    text = (replica_set["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/revision", "0")
    return int(text) if str(text).isdigit() else 0


def _pool_too_small(s: Snapshot) -> Iterator[Hit]:
    """All nodes are as they should be, and there are fewer than replicas."""
    waiting = [(p, w) for p, w in _waiting(s) if "accelerator" in w.groups or not s.accelerator_nodes]
    if not waiting:
        return
    nodes = [n for n in s.accelerator_nodes if is_true(n, "Ready")]
    if (len(nodes) >= s.wanted > 0 and not _taken_by_others(s)) or soon_placed(s, [p for p, _ in waiting]):
        return
    pod, why = waiting[0]
    pool = s.place.pool or next((labels_of(n).get(POOL_LABEL, "") for n in nodes), "")
    fitting = len([p for p in s.replicas if (p.get("spec") or {}).get("nodeName")])
    others = _taken_by_others(s)
    evidence: list[Evidence] = [
        *told(s, pod, why),
        s.note(f"node pool {pool or '?'}", f"{len(nodes)} ready nodes for {s.wanted} replicas", "Node"),
    ]
    evidence += [s.note(f"pod {o}", "holds an accelerator on these nodes", "Pod") for o in others[:2]]
    yield Hit(
        about=pool or name_of(pod),
        message=f"{len(waiting)} of {s.wanted} replicas find no accelerator: {len(nodes)} nodes for {s.wanted} replicas"
        + (f", {len(others)} taken by other pods." if others else "."),
        evidence=tuple(evidence),
        fix=Fix(
            title=f"Add nodes, or ask for {fitting} replicas" if fitting else "Add nodes",
            effect=Effect.SPEND,
            commands=(
                Command(text=f"rhaii-tui scale {s.wanted}", why="brings the missing node; costs from then on"),
                *(
                    (Command(text=f"rhaii-tui scale {fitting}", why="fits the service to the nodes that are there"),)
                    if fitting
                    else ()
                ),
            ),
        ),
        raw=why.text,
    )


def _taken_by_others(s: Snapshot) -> list[str]:
    nodes = {name_of(n) for n in s.accelerator_nodes}
    mine = {name_of(p) for p in s.replicas}
    found = []
    for pod in s.items("Pod"):
        spec = pod.get("spec") or {}
        if spec.get("nodeName") not in nodes or name_of(pod) in mine:
            continue
        if status_of(pod).get("phase") in ("Succeeded", "Failed"):
            continue
        asks = [((c.get("resources") or {}).get("requests") or {}) for c in spec.get("containers") or []]
        if any(s.resource in a for a in asks):
            found.append(f"{pod['metadata'].get('namespace')}/{name_of(pod)}")
    return found


def _other(s: Snapshot) -> Iterator[Hit]:
    """Whatever else keeps a replica without a node, in the scheduler's groups."""
    waiting = _waiting(s)
    reason = soon_placed(s, [p for p, _ in waiting]) if waiting else ""
    for pod, why in waiting:
        if reason:
            message = f"Replica {name_of(pod)} has no node yet: {reason}."
            yield Hit(name_of(pod), message, told(s, pod, why), status=Status.UNKNOWN)
            return
        yield Hit(
            about=name_of(pod),
            message=f"Replica {name_of(pod)} finds no node: {why.words()}.",
            evidence=told(s, pod, why),
            fix=Fix(
                title="Make room or add a node",
                effect=Effect.SPEND,
                commands=(
                    Command(text=f"kubectl -n {s.place.namespace} describe pod {name_of(pod)}"),
                    Command(text=f"rhaii-tui scale {s.wanted}", why="where a node is missing; costs"),
                ),
            ),
            raw=why.text,
        )
        return


def _not_created(s: Snapshot) -> Iterator[Hit]:
    """Pods that are refused before the scheduler sees them."""
    deployment = s.deployment
    if deployment is None:
        return
    names = [name_of(r) for r in s.items("ReplicaSet", s.place.namespace)
             if name_of(r).startswith(f"{name_of(deployment)}-")]  # fmt: skip
    failures = [e for e in s.events_of(name_of(deployment), *names) if e.reason == "FailedCreate"]
    if failures and len(s.replicas) < s.wanted:
        first = failures[0]
        yield Hit(
            about=name_of(deployment),
            message="Replicas are refused on creation.",
            evidence=(Evidence(source=f"event FailedCreate {first.object}", text=first.message, observed_at=first.at),),
            fix=Fix(
                title="Raise or remove what the message names",
                commands=(Command(text=f"kubectl -n {s.place.namespace} get resourcequota,limitrange"),),
            ),
            raw=first.message,
        )


def _prove(s: Snapshot) -> Evidence | None:
    placed = [p for p in s.replicas if (p.get("spec") or {}).get("nodeName")]
    if s.wanted and len(placed) >= s.wanted and len(placed) == len(s.replicas):
        return s.note("pods", f"{len(placed)} of {s.wanted} replicas have a node", "Pod")
    return None


_NODES = ("node.", "accelerator.")
RULES = HopRules(
    Hop.SCHEDULING,
    (
        Rule(
            "scheduling.not-created",
            Hop.SCHEDULING,
            "Fewer pods than replicas.",
            "A quota or an admission controller refuses the pods.",
            "As many pods as replicas exist.",
            _not_created,
        ),
        Rule(
            "scheduling.selector",
            Hop.SCHEDULING,
            "Pending: node(s) didn't match Pod's node affinity/selector.",
            "The accelerator nodes lack a label that the replica selects.",
            "Every accelerator node carries the selector's labels.",
            _selector,
            explained_by=("node.lost", "node.spot-reclaimed"),
        ),
        Rule(
            "scheduling.taint",
            Hop.SCHEDULING,
            "Pending: node(s) had untolerated taint(s).",
            "The accelerator nodes carry a taint that the replica does not tolerate.",
            "No accelerator node has a taint beyond GKE's own.",
            _taint,
            explained_by=("node.lost", "node.spot-reclaimed"),
        ),
        Rule(
            "scheduling.cordoned",
            Hop.SCHEDULING,
            "Pending: node(s) were unschedulable.",
            "Accelerator nodes are cordoned.",
            "spec.unschedulable is not set.",
            _cordoned,
        ),
        Rule(
            "scheduling.rollout-stuck",
            Hop.SCHEDULING,
            "One replica of a new template stays Pending while the old ones run.",
            "The update surges by one replica, and every accelerator is taken.",
            "A free accelerator node, or maxSurge 0.",
            _rollout,
            explained_by=_NODES,
        ),
        Rule(
            "scheduling.pool-too-small",
            Hop.SCHEDULING,
            "Pending: Insufficient nvidia.com/gpu or google.com/tpu.",
            "The node pool has fewer nodes than the service has replicas, or others hold its accelerators.",
            "As many ready nodes with a free accelerator as replicas.",
            _pool_too_small,
            explained_by=(*_NODES, "scheduling.rollout-stuck", "scheduling.selector", "scheduling.taint",
                          "scheduling.cordoned"),
        ),
        Rule(
            "scheduling.other",
            Hop.SCHEDULING,
            "A replica is Pending.",
            "The scheduler's own words say which nodes refuse it and why.",
            "The pod has a node.",
            _other,
            explained_by=(*_NODES, "scheduling."),
        ),
    ),
    _prove,
)  # fmt: skip
