"""The cache test at the end of the road: the console's events told, its verdict recorded with the run."""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import asdict
from typing import TYPE_CHECKING, cast

from rhaii_tui.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from rhaii_tui.cachetest.records import ConsoleEvent
    from rhaii_tui.deployment.session import Session


async def test_session(session: Session, out: Output) -> None:
    """Run the console on the session's service."""
    from rhaii_tui.cachetest.console import Console
    from rhaii_tui.cachetest.records import Concluded, TestPlan
    from rhaii_tui.deployment import events as e

    target = session.plan.target
    console = Console(session.cluster, session.endpoints, target.namespace, target.service, session.state.endpoint)
    async with aclosing(cast("AsyncGenerator[ConsoleEvent, None]", console.run(TestPlan()))) as events:
        async for event in events:
            _tell(event, out)
            if isinstance(event, Concluded):
                verdict = event.verdict
                session.record(
                    e.CacheTested(
                        at=time.time(),
                        routing=verdict.routing,
                        cache=verdict.cache,
                        verdict=verdict.verdict,
                        reasons=verdict.reasons,
                        sent=verdict.sent,
                        ok=verdict.ok,
                    )
                )


def _tell(event: ConsoleEvent, out: Output) -> None:
    from rhaii_tui.cachetest.records import HealthChecked, LoadMeasured, PhaseStarted, SharesMeasured

    match event:
        case HealthChecked():
            out.line(f"{event.status:<8}{event.name}: {event.text}")
        case PhaseStarted():
            amount = f"{event.total} requests" if event.total is not None else f"{event.seconds:.0f} s"
            out.line(f"{event.phase}: {amount}. {event.note}")
        case SharesMeasured():
            for share in event.shares:
                ratio = f", {share.hits / share.queries:.0%} of its tokens from the cache" if share.queries else ""
                out.line(f"  {share.pod}: {share.requests} requests{ratio}")
        case LoadMeasured():
            out.line(
                f"  {event.requests_per_second:.1f} requests/s, {event.output_tokens_per_second:.0f} output tokens/s, "
                f"{event.concurrency} at once (closed loop: no capacity)"
            )
        case _:
            return
    out.record({"type": "console", "event": type(event).__name__, **asdict(event)})
