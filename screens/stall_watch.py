"""A step that takes far longer than usual opens its finding by itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rhaii_tui.catalog.findings import Finding
from rhaii_tui.deployment.state import RunState

if TYPE_CHECKING:
    from screens.journey import Journey

AGAIN_SECONDS = 15.0
"""Wall seconds before the same stalled step is asked about again."""


LEAST_SECONDS = 5.0
"""Wall seconds a step must have taken: answers of a compressed cloud are not faster than those of a real one."""


class StallWatch:
    """Asks the doctor about a step of the road that has stalled; what it says enters the run as a finding."""

    def __init__(self, journey: Journey) -> None:
        self._journey = journey
        self._asked: dict[str, float] = {}

    def stalled(self, state: RunState, now: float) -> str:
        """The running step that should be asked about now; empty when none is."""
        if state.outcome is not None or state.plan is None or state.plan.kind != "setup":
            return ""
        from rhaii_tui.doctor.stalls import stalled

        for step in state.steps:
            due = now - self._asked.get(step.spec.id, 0.0) >= AGAIN_SECONDS
            due = due and now - (step.started_at or now) >= LEAST_SECONDS
            if due and step.status == "running" and stalled(step.spec, state.cloud_elapsed(step.started_at, now)):
                return step.spec.id
        return ""

    async def ask(self, step: str) -> tuple[Finding, ...]:
        """What holds the step, as findings of the run; empty when nothing is known."""
        from rhaii_tui.deployment.events import FindingRaised
        from rhaii_tui.doctor import for_step

        session, endpoints = self._journey.session, self._journey.endpoints
        if session is None or endpoints is None:
            return ()
        self._asked[step] = time.time()
        found = await for_step(step, session.plan.target, endpoints, session.cluster)
        known = {(f.rule, f.message) for f in session.state.findings}
        fresh = tuple(f for f in found if (f.rule, f.message) not in known)
        if session is self._journey.session and self._journey.running:
            for finding in fresh:
                session.record(FindingRaised(at=time.time(), step=step, finding=finding))
        return found
