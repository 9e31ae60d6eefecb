"""Which run was left half-way, the first thing to offer when the program is opened again; which one is at work."""

from __future__ import annotations

from pathlib import Path

from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.journal import RunBusy, first_event, read_events, refuse_held, run_folders
from rhaii_tui.deployment.reduce import replay
from rhaii_tui.deployment.running_cost import running_bill
from rhaii_tui.deployment.state import RunState
from rhaii_tui.endpoints import Endpoints


def unfinished(home: Path, endpoints: Endpoints) -> RunState | None:
    """The newest approved run on this cloud that is not done; None when there is none.

    A newer finished run of the same target, or a teardown of its cluster, hides an older unfinished one, as
    `Session.open` would not take that up. An operation that was cut off is offered like the road itself.
    """
    finished, gone, operated = [], [], []
    for folder in run_folders(home):
        begun = first_event(folder)
        if not isinstance(begun, e.RunStarted) or begun.cloud != endpoints.name or begun.plan.target in finished:
            continue
        target = begun.plan.target
        place = (target.project, target.zone, target.cluster)
        state = replay(read_events(folder))
        if begun.plan.kind == "teardown" and state.approved_at is not None:
            gone.append(place)
        if begun.plan.kind != "setup":
            if place not in operated and state.approved_at is not None and state.outcome != "done":
                return state
            operated.append(place)
            continue
        if place in gone:
            continue
        if state.outcome == "done":
            finished.append(begun.plan.target)
        elif state.approved_at is not None:
            return state
    return None


def at_work(home: Path, cloud: str, names: tuple[str, str, str, str, str]) -> str:
    """The kind of a run that a process, this one included, is taking steps of now, about the service of this project,
    zone, cluster, namespace and name: setup, scale, stop, wake or teardown. Empty when there is none."""
    for folder in run_folders(home):
        begun = first_event(folder)
        if not isinstance(begun, e.RunStarted) or begun.cloud != cloud:
            continue
        target = begun.plan.target
        if (target.project, target.zone, target.cluster) != names[:3]:
            continue
        if begun.plan.kind != "teardown" and (target.namespace, target.service) != names[3:]:
            continue
        try:
            refuse_held(folder)
        except RunBusy:
            state = replay(read_events(folder))
            if state.approved_at is not None and state.outcome is None:
                return begun.plan.kind
    return ""


def still_billed(home: Path, endpoints: Endpoints) -> RunState | None:
    """The newest approved run of a cluster on this cloud, done or not, after which something goes on being billed;
    None when there is none. Of each cluster only its newest run counts."""
    seen = []
    for folder in run_folders(home):
        begun = first_event(folder)
        if not isinstance(begun, e.RunStarted) or begun.cloud != endpoints.name:
            continue
        target = begun.plan.target
        place = (target.project, target.zone, target.cluster)
        state = replay(read_events(folder))
        if place in seen or state.approved_at is None:
            continue
        seen.append(place)
        bill = running_bill(state)
        if bill is not None and bill.components:
            return state
    return None
