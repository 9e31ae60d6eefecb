"""What a step is: an id of the plan, a look at the world, and the work where the look says it is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, Protocol

from rhaii_tui.catalog.findings import Evidence, Finding
from rhaii_tui.deployment.context import RunContext
from rhaii_tui.deployment.events import Event


@dataclass(frozen=True, slots=True)
class Probe:
    """What a step found before acting. `finding` is required with `blocked` and `unknown`."""

    verdict: Literal["already", "needed", "blocked", "unknown"]
    note: str = ""
    evidence: tuple[Evidence, ...] = ()
    finding: Finding | None = None


class StepStopped(Exception):
    """The step cannot go on by itself; the finding says why and what next."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


class Step(Protocol):
    """One step. `probe` only reads. `act` yields what happened; an event yielded before a mutation is on disk
    before the mutation is sent. Both raise StepStopped, CloudError or ApiError; the runner words them."""

    id: str

    async def probe(self, run: RunContext) -> Probe:
        """Look at the world: already true, needed, blocked, or not readable."""
        ...

    def act(self, run: RunContext) -> AsyncIterator[Event]:
        """Make it true, or watch until it is; end with StepFinished."""
        ...
