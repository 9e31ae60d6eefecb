"""An operation at work: a session like the road's, with a stream of requests beside it where one makes sense."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.plan import Plan
from rhaii_tui.deployment.session import Session
from rhaii_tui.deployment.state import RunState
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.operations.steps import steps_for
from rhaii_tui.operations.stream import RequestStream

TELL_EVERY = 1.0
"""Wall seconds between two counts in the journal; a lost request is told at once."""


async def open_operation(plan: Plan, endpoints: Endpoints, home: Path) -> Session:
    """The session of an operation: the interrupted one of the same kind and place, else a new one.

    Raises RunBusy while another process works on the same place.
    """
    return await Session.open_plan(plan, steps_for, endpoints, home)


async def perform(session: Session, *, watch_requests: bool = True) -> RunState:
    """Run it to its end. While a service is scaled, requests are sent through its gateway and counted."""
    plan = session.plan
    endpoint = plan.change.endpoint if plan.change else ""
    if not (watch_requests and endpoint and plan.kind == "scale"):
        return await session.run()
    last = 0.0
    before = session.state.requests_sent, session.state.requests_lost

    def tell(stream: RequestStream) -> None:
        nonlocal last
        if before[1] + stream.lost > session.state.requests_lost or time.monotonic() - last > TELL_EVERY:
            last = time.monotonic()
            with contextlib.suppress(OSError):  # the steps will say so
                session.record(_count(stream, before))

    stream = RequestStream(endpoint, session.endpoints, tell)
    try:
        async with stream:
            await session.run()
    finally:
        # The journal is closed when the program is on its way out, and may be what broke the run.
        with contextlib.suppress(ValueError, OSError):
            session.record(_count(stream, before))
    return session.state


def _count(stream: RequestStream, before: tuple[int, int]) -> e.RequestsCounted:
    """`before`: what the same run has sent and lost when an earlier process went on with it."""
    sent, lost = before
    return e.RequestsCounted(at=time.time(), sent=sent + stream.sent, lost=lost + stream.lost, reason=stream.reason)
