"""A step that takes far longer than usual is looked at by whoever knows more; what holds it is told by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from rhaii_tui.catalog.findings import Finding
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import RunContext
from rhaii_tui.deployment.plan import StepSpec

Consult = Callable[[str], Awaitable[tuple[Finding, ...]]]
"""Asked with a step's id: what holds it, as far as can be told. Only reads."""

STALLED = 2.0
"""Times its usual duration."""
LEAST_USUAL, LEAST_WALL = 60.0, 5.0
"""Cloud seconds a usual duration counts as at least, and wall seconds before anybody is asked."""
AGAIN, LEAST_AGAIN = 60.0, 2.0
"""Cloud and least wall seconds between two consultations."""


class Attention:
    """To one step while it acts. Begins with `begin`; `end` clears what was told when the step came through."""

    def __init__(
        self,
        run: RunContext,
        spec: StepSpec,
        consult: Consult,
        *,
        least_wall: float = LEAST_WALL,
        least_again: float = LEAST_AGAIN,
    ) -> None:
        self._run = run
        self._spec = spec
        self._consult = consult
        self._least_wall = least_wall
        self._least_again = least_again
        self._told: set[tuple[str, str]] = set()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Start to count the step's time."""
        self._task = asyncio.create_task(self._attend(), name=f"attend {self._spec.id}")

    async def end(self, *, came_through: bool) -> None:
        """The step has ended; after a failure what was told stays."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if came_through:
            self._clear(set(self._told))

    async def _attend(self) -> None:
        """Ask again and again; what two consultations in a row agree on is told."""
        await self._run.clock.sleep(STALLED * max(self._spec.usual_seconds, LEAST_USUAL), least=self._least_wall)
        before: set[tuple[str, str]] = set()
        while True:
            try:
                found = {(f.rule, f.name): f for f in await self._consult(self._spec.id)}
            except Exception:  # noqa: BLE001 - advice that fails must not end the step it is about
                found = {}
            self._clear(self._told - found.keys())
            for key in (before & found.keys()) - self._told:
                self._told.add(key)
                self._run.record(e.FindingRaised(at=time.time(), step=self._spec.id, finding=found[key]))
            before = set(found)
            await self._run.clock.sleep(AGAIN, least=self._least_again)

    def _clear(self, keys: set[tuple[str, str]]) -> None:
        for rule, name in keys:
            self._told.discard((rule, name))
            self._run.record(e.FindingCleared(at=time.time(), rule=rule, name=name))
