"""The cache test at the end of the road: the console's events told, its verdict recorded with the run."""

from __future__ import annotations

import time
from contextlib import aclosing
from typing import TYPE_CHECKING

from rhaii_tui.cli.output import Output

if TYPE_CHECKING:
    from rhaii_tui.deployment.session import Session


async def run_console(session: Session, out: Output) -> None:
    """Run the console on the session's service."""
    from rhaii_tui.cachetest.console import Console
    from rhaii_tui.cachetest.records import Concluded, TestPlan
    from rhaii_tui.cachetest.report import lines, record
    from rhaii_tui.deployment import events as e

    target = session.plan.target
    console = Console(session.cluster, session.endpoints, target.namespace, target.service, session.state.endpoint)
    async with aclosing(console.run(TestPlan())) as events:
        async for event in events:
            out.record(record(event))
            for line in lines(event):
                out.line(line)
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
