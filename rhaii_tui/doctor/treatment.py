"""From a case to a green hop: preview, apply, look again until it is healed; and back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rhaii_tui.deployment.unfinished import at_work
from rhaii_tui.doctor.diagnosis import BAD, Diagnosis
from rhaii_tui.doctor.examination import connect, examine
from rhaii_tui.doctor.fixing import Outcome, Preview, Record, Surgery
from rhaii_tui.doctor.hops import Hop, State
from rhaii_tui.doctor.notebook import Notebook
from rhaii_tui.doctor.place import Place
from rhaii_tui.doctor.rule import Fix
from rhaii_tui.endpoints import Endpoints

if TYPE_CHECKING:
    from rhaii_tui.kube.connect import Cluster

LEAST = 8.0
"""Wall seconds a hop gets at least to turn green: proxies and probes do not know about compressed clouds."""
PAUSE = 5.0
"""Cloud seconds between two looks."""


@dataclass(frozen=True, slots=True)
class Healing:
    """The state after a fix: `healed` when its rule is silent and its hop green, `diagnosis` the last look."""

    outcome: Outcome
    healed: bool
    diagnosis: Diagnosis


class Treatment:
    """Handles fixes of one place, with or without an open run (`record` is the run's own journal)."""

    def __init__(
        self, place: Place, endpoints: Endpoints, cluster: Cluster | None, home: Path, record: Record | None = None
    ) -> None:
        self._place = place
        self._endpoints = endpoints
        self._cluster = cluster
        notebook = Notebook(home, endpoints.name, place)
        self._surgery = Surgery(place, endpoints, cluster, notebook, record, lambda: _busy(home, endpoints, place))

    async def preview(self, fix: Fix) -> Preview:
        """What the fix would do."""
        return await self._surgery.preview(fix)

    async def apply(self, rule: str, fix: Fix) -> Outcome:
        """Do it. A guided fix is refused: it is for a person."""
        if fix.guided:
            return Outcome(False, (), f"This needs you: {fix.title}.")
        return await self._surgery.apply(rule, fix)

    async def undo(self, rule: str) -> Outcome:
        """Take it back."""
        return await self._surgery.undo(rule)

    async def heal(self, rule: str, hop: Hop, fix: Fix, told: Callable[[Diagnosis], None] = lambda _: None) -> Healing:
        """Apply, then look again until the hop is green or the fix's time is used up."""
        outcome = await self.apply(rule, fix)
        wait = max(self._endpoints.clock.wall(fix.settle), LEAST) if outcome.ok else 0.0
        return await self.retest(rule, hop, outcome, wait, told)

    async def retest(
        self, rule: str, hop: Hop, outcome: Outcome, wait: float, told: Callable[[Diagnosis], None] = lambda _: None
    ) -> Healing:
        """Look until the hop is green, at most `wait` wall seconds."""
        deadline = time.monotonic() + wait
        while True:
            if self._cluster is None:  # the cluster may be reachable now
                cluster, _ = await connect(self._place, self._endpoints)
                try:
                    diagnosis = await examine(self._place, self._endpoints, cluster)
                finally:
                    if cluster is not None:
                        await cluster.close()
            else:
                diagnosis = await examine(self._place, self._endpoints, self._cluster)
            told(diagnosis)
            case = diagnosis.find(rule)
            silent = case is None or case.hit.status not in BAD
            healed = silent and diagnosis.link(hop).state in (State.GREEN, State.UNUSED)
            if healed or time.monotonic() > deadline:
                return Healing(outcome, healed, diagnosis)
            await self._endpoints.clock.sleep(PAUSE, least=0.3)
            if not outcome.ok:
                return Healing(outcome, healed, diagnosis)
            await asyncio.sleep(0)


def _busy(home: Path, endpoints: Endpoints, place: Place) -> str:
    names = (place.project, place.zone, place.cluster, place.namespace, place.service)
    run = at_work(home, endpoints.name, names)
    return f"A {run} of this service is being worked on: wait for its end or cancel it, then look again." if run else ""
