"""Operations carried out in this process, as the commands and the screens do it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rhaii_tui.catalog.findings import Finding
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.plan import Plan
from rhaii_tui.deployment.state import RunState
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.operations.discovery import Deployment, Wish, find
from rhaii_tui.operations.running import open_operation, perform

Listener = Callable[[e.Event, RunState], None]


async def found(endpoints: Endpoints, home: Path) -> Deployment:
    """The project's only deployment."""
    return await find(endpoints, home, Wish(project=str(endpoints.project)))


async def carried_out(plan: Plan, endpoints: Endpoints, home: Path, hears: Listener | None = None) -> RunState:
    """An operation at its end, good or bad; `hears` is told of each event."""
    session = await open_operation(plan, endpoints, home)
    if hears is not None:
        session.subscribe(hears)
    try:
        session.approve("test")
        return await perform(session)
    finally:
        await session.close()


async def done(plan: Plan, endpoints: Endpoints, home: Path) -> RunState:
    """An operation at its good end."""
    state = await carried_out(plan, endpoints, home)
    failed = [s.finding for s in state.steps if s.status == "failed"]
    assert state.outcome == "done", failed
    return state


def stopped_at(state: RunState) -> tuple[str, Finding]:
    """The step that an operation stopped at, and why."""
    assert state.outcome == "failed"
    step = next(s for s in state.steps if s.status == "failed")
    assert step.finding is not None
    return step.spec.id, step.finding
