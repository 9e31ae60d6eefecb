"""An event in one line of plain words, for logs and for terminals without screens."""

from __future__ import annotations

from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.state import RunState


def told(event: e.Event, state: RunState) -> str:
    """What happened; empty for what is not worth a line. `state` is the state after the event."""
    return "" if _is_old(event, state) else _of_step(event, state) or _of_cluster(event)


def _is_old(event: e.Event, state: RunState) -> bool:
    """Whether a watch's first look has met what was there before the run, or before it was last left alone: a condition
    that is true since then, an event of that time. What changes is told, not what is well."""
    begun = state.gaps[-1][0] if state.gaps else state.started_at
    if begun is None:
        return False
    match event:  # the cluster's stamps are cut to the second
        case e.ConditionObserved():
            return event.status == "True" and 0 < event.since < int(begun)
        case e.ClusterEventSeen():
            return event.at < int(begun)
        case _:
            return False


def _of_step(event: e.Event, state: RunState) -> str:
    step = getattr(event, "step", "")
    title = next((s.spec.title for s in state.steps if s.spec.id == step), step)
    match event:
        case e.StepStarted():
            return f"{title} ..."
        case e.StepProgressed():
            count = f" ({event.done} of {event.total} {event.unit})" if event.total is not None else ""
            return f"{title}: {event.note}{count}"
        case e.StepFinished():
            return f"{title}: {'already there' if event.already else 'done'}. {event.note}".rstrip()
        case e.StepFailed():
            return f"{title}: FAILED. {event.finding.message}"
        case e.StepSkipped():
            return f"{title}: skipped. {event.note}"
        case e.OperationStarted():
            return f"{title}: operation {event.operation} on {event.target}"
        case e.IntentRecorded() if event.existing:
            return f"{title}: {event.kind} {event.name} was there before"
        case e.IntentRecorded():
            return f"{title}: {event.action} {event.kind} {event.name}"
        case e.ResourceCreated():
            return f"{title}: created {event.kind} {event.name}"
        case e.FindingRaised():
            return f"{title}: {event.finding.status.value} {event.finding.message}"
        case _:
            return ""


def _of_cluster(event: e.Event) -> str:
    match event:
        case e.Approved():
            return f"approved by {event.by}"
        case e.ReplicaObserved():
            return f"pod {event.pod} {event.status} {event.ready}"
        case e.ReplicaGone():
            return f"pod {event.pod} is gone"
        case e.MilestoneReached():
            return f"pod {event.pod} {event.stage}: {event.text}"
        case e.FindingCleared():
            return f"healed: {event.rule} {event.name}".rstrip()
        case e.LinkLost():
            return f"not live: {event.link}: {event.reason}"
        case e.LinkRestored():
            return f"live again: {event.link}"
        case e.ConditionObserved():
            why = f" ({event.reason})" if event.reason else ""
            return f"{event.kind} {event.name} {event.condition} is {event.status}{why}"
        case e.ClusterEventSeen() if event.level == "Warning":
            return f"event {event.reason} on {event.object}: {event.message}"
        case e.ServiceReady():
            return f"ready: {event.url}, {event.replicas_ready} of {event.replicas} replicas"
        case e.CacheTested():
            return f"routing {event.routing}, cache {event.cache} ({event.verdict})"
        case e.RunStopped():
            return f"the run is {event.outcome}"
        case _:
            return ""
