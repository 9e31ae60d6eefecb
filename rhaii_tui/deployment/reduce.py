"""reduce(state, event) -> state: the only place where a run's state is made. Pure; unknown steps are ignored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import reduce as fold

from rhaii_tui.catalog.findings import Finding
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.plan import longest_chain
from rhaii_tui.deployment.state import (
    STAGES,
    Autoscaler,
    CacheVerdict,
    Condition,
    LedgerEntry,
    Milestone,
    Replica,
    RunState,
    SeenEvent,
    StepState,
)

EVENT_RING = 200
"""Kubernetes events kept in the state; the rest stays in events.jsonl."""


def replay(events: Iterable[e.Event]) -> RunState:
    """The state after all of `events`."""
    return fold(reduce, events, RunState())


def reduce(state: RunState, event: e.Event) -> RunState:
    """The state after one more event."""
    return replace(_reduced(state, event), seen_at=max(state.seen_at, event.at))


def _reduced(state: RunState, event: e.Event) -> RunState:
    match event:
        case e.RunStarted():
            steps = tuple(StepState(spec) for spec in event.plan.steps)
            return replace(
                state,
                run=event.run,
                cloud=event.cloud,
                rate=event.rate,
                plan=event.plan,
                started_at=event.at,
                steps=steps,
            )
        case e.RunResumed():
            steps = tuple(
                replace(s, status="waiting", started_at=None, finished_at=None)
                if s.status in ("running", "failed", "cancelled")
                else s
                for s in state.steps
            )
            gap = (state.seen_at if state.stopped_at is None else state.stopped_at, event.at)
            return replace(state, outcome=None, stopped_at=None, steps=steps, findings=(), gaps=(*state.gaps, gap))
        case e.Approved():
            return replace(state, approved_at=state.approved_at or event.at)
        case e.EndpointPublished():
            return replace(state, endpoint=event.url, model=event.model)
        case e.ServiceReady():
            return replace(
                state, endpoint=event.url, model=event.model, replicas_ready=event.replicas_ready, ready_at=event.at
            )
        case e.CacheTested():
            return replace(
                state,
                verdict=CacheVerdict(
                    event.routing,
                    event.cache,
                    event.verdict,
                    event.reasons,
                    event.sent,
                    event.ok,
                    event.at,
                    state.replicas_ready,
                ),
            )
        case e.AutoscalerSwitched():
            others_off = tuple(a for a in state.autoscalers if (a.cluster, a.pool) != (event.cluster, event.pool))
            off = Autoscaler(event.cluster, event.pool, tuple(sorted(event.scaling.items())))
            return replace(state, autoscalers=others_off if event.enabled else (*others_off, off))
        case e.RequestsCounted():
            return replace(state, requests_sent=event.sent, requests_lost=event.lost)
        case e.CapacityObserved():
            return replace(state, replicas_ready=event.replicas_ready, nodes=event.nodes)
        case e.RunStopped():
            steps = tuple(
                replace(s, status="cancelled", finished_at=event.at) if s.status == "running" else s
                for s in state.steps
            )
            return replace(state, outcome=event.outcome, stopped_at=event.at, steps=steps)
        case e.FindingRaised():
            return replace(state, findings=(*_without(state, event.finding.rule, event.finding.name), event.finding))
        case e.FindingCleared():
            return replace(state, findings=_without(state, event.rule, event.name))
        case e.LinkLost():
            others = tuple(x for x in state.lost_links if x[0] != event.link)
            return replace(state, lost_links=(*others, (event.link, event.at, event.reason)))
        case e.LinkRestored():
            return replace(state, lost_links=tuple(x for x in state.lost_links if x[0] != event.link))
        case e.ConditionObserved():
            return replace(state, conditions=_condition(state, event))
        case e.ClusterEventSeen():
            seen = SeenEvent(event.uid, event.at, event.level, event.reason, event.object, event.message, event.count)
            return replace(state, events=(*(x for x in state.events if x.uid != seen.uid), seen)[-EVENT_RING:])
        case e.IntentRecorded() | e.ResourceCreated() | e.ResourceDeleted():
            return _ledger(state, event)
        case e.ReplicaObserved() | e.ReplicaGone() | e.MilestoneReached() | e.CompileProgressed():
            return _replica(state, event)
        case _:
            return _step(state, event)


def _without(state: RunState, rule: str, name: str) -> tuple[Finding, ...]:
    return tuple(f for f in state.findings if (f.rule, f.name) != (rule, name))


def _condition(state: RunState, event: e.ConditionObserved) -> tuple[Condition, ...]:
    key = (event.kind, event.name, event.condition)
    since, kept = event.at, []
    for old in state.conditions:
        if (old.kind, old.name, old.condition) != key:
            kept.append(old)
        elif old.status == event.status:
            since = old.since
    return (*kept, Condition(*key, event.status, event.reason, event.message, since))


def _ledger(state: RunState, event: e.IntentRecorded | e.ResourceCreated | e.ResourceDeleted) -> RunState:
    def others(entries: tuple[LedgerEntry, ...]) -> tuple[LedgerEntry, ...]:
        return tuple(x for x in entries if (x.kind, x.name) != (event.kind, event.name))

    if isinstance(event, e.IntentRecorded):
        if event.existing:
            return replace(state, pending_intents=others(state.pending_intents))
        entry = LedgerEntry(event.kind, event.name, event.step, event.at)
        return replace(state, pending_intents=(*others(state.pending_intents), entry))
    intents = others(state.pending_intents)
    if isinstance(event, e.ResourceDeleted):
        return replace(state, ledger=others(state.ledger), pending_intents=intents)
    entry = LedgerEntry(event.kind, event.name, event.step, event.at, event.uid)
    return replace(state, ledger=(*others(state.ledger), entry), pending_intents=intents)


def _replica(
    state: RunState, event: e.ReplicaObserved | e.ReplicaGone | e.MilestoneReached | e.CompileProgressed
) -> RunState:
    if isinstance(event, e.ReplicaGone):
        return replace(state, replicas=tuple(r for r in state.replicas if r.uid != event.uid))
    if isinstance(event, e.ReplicaObserved):
        old = next((r for r in state.replicas if r.uid == event.uid), None)
        seen = Replica(
            event.pod,
            event.uid,
            event.role,
            event.status,
            event.ready,
            event.restarts,
            event.is_ready,
            event.node,
            event.created_at,
            event.message,
        )
        if old is None:
            return replace(state, replicas=(*state.replicas, seen))
        kept = replace(
            seen,
            stage=old.stage,
            milestones=old.milestones,
            compile_what=old.compile_what,
            compile_done=old.compile_done,
            compile_total=old.compile_total,
        )
        if event.restarts > old.restarts:
            begins = "initializing" if event.status.startswith("Init:") else "starting"
            kept = replace(kept, stage=begins, compile_done=0, milestones=())
        return replace(state, replicas=tuple(kept if r.uid == event.uid else r for r in state.replicas))
    return replace(state, replicas=tuple(_advanced(r, event) if r.pod == event.pod else r for r in state.replicas))


def _advanced(replica: Replica, event: e.MilestoneReached | e.CompileProgressed) -> Replica:
    if isinstance(event, e.CompileProgressed):
        return replace(replica, compile_what=event.what, compile_done=event.done, compile_total=event.total)
    if any(m.stage == event.stage and m.text == event.text for m in replica.milestones):
        return replica
    order = {stage: i for i, stage in enumerate(STAGES)}
    stage = max(replica.stage, event.stage, key=lambda s: order.get(s, 0))
    milestone = Milestone(event.stage, event.at, event.text, event.source)
    return replace(replica, stage=stage, milestones=(*replica.milestones, milestone)[-40:])


def _step(state: RunState, event: e.Event) -> RunState:
    step_id = getattr(event, "step", None)
    return replace(state, steps=tuple(_stepped(s, event) if s.spec.id == step_id else s for s in state.steps))


def _stepped(step: StepState, event: e.Event) -> StepState:
    match event:
        case e.StepStarted():
            return replace(
                step,
                status="running",
                started_at=event.at,
                finished_at=None,
                finding=None,
                note="",
                done=None,
                total=None,
                attempts=step.attempts + 1,
            )
        case e.StepProbed():
            return replace(step, evidence=event.evidence)
        case e.OperationStarted():
            return replace(step, operation=event.operation)
        case e.StepProgressed():
            return replace(step, note=event.note, done=event.done, total=event.total, unit=event.unit)
        case e.StepFinished():
            return replace(
                step,
                status="already" if event.already else "done",
                finished_at=event.at,
                note=event.note or step.note,
                evidence=event.evidence or step.evidence,
            )
        case e.StepFailed():
            return replace(step, status="failed", finished_at=event.at, finding=event.finding)
        case e.StepSkipped():
            return replace(step, status="skipped", finished_at=event.at, note=event.note)
        case _:
            return step


def critical_path_seconds(state: RunState) -> float:
    """The longest chain of step durations measured in this run, in cloud seconds."""
    measured = {
        s.spec.id: (s.finished_at - s.started_at) * state.rate
        for s in state.steps
        if s.started_at is not None and s.finished_at is not None
    }
    specs = tuple(s.spec for s in state.steps)
    return sum(measured.get(i, 0.0) for i in longest_chain(specs, measured))
