"""What every step of a run shares: target, clients, clock, the pen that records, and the lock Google asks for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rhaii_tui.catalog.findings import Evidence
from rhaii_tui.catalog.target import Target
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.logbook import LogBook
from rhaii_tui.deployment.state import RunState
from rhaii_tui.endpoints import Endpoints

if TYPE_CHECKING:
    from rhaii_tui.google.compute import Compute
    from rhaii_tui.google.gke import Gke
    from rhaii_tui.google.rest import Rest
    from rhaii_tui.kube.connect import Cluster


class RunContext:
    """Lives as long as the session. `record` journals, reduces and notifies; `state` is the newest state."""

    def __init__(
        self,
        target: Target,
        endpoints: Endpoints,
        folder: Path,
        logbook: LogBook,
        record: Callable[[e.Event], None],
        state: Callable[[], RunState],
    ) -> None:
        self.target = target
        self.endpoints = endpoints
        self.clock = endpoints.clock
        self.folder = folder
        self.logbook = logbook
        self.record = record
        self._state = state
        self._gke: Gke | None = None
        self._compute: Compute | None = None
        self._rest: Rest | None = None
        self._kube: Cluster | None = None
        self._lost: set[str] = set()
        self.google_lock = asyncio.Lock()
        """GKE takes one operation per cluster at a time; a second is refused, so ours queue here."""

    @property
    def state(self) -> RunState:
        """The newest state of the run."""
        return self._state()

    @property
    def gke(self) -> Gke:
        """The GKE client; the package is imported on first use."""
        if self._gke is None:
            from rhaii_tui.google.gke import Gke

            self._gke = Gke(self.endpoints, self.target.project)
        return self._gke

    @property
    def compute(self) -> Compute:
        """The Compute Engine client; the package is imported on first use."""
        if self._compute is None:
            from rhaii_tui.google.compute import Compute

            self._compute = Compute(self.endpoints, self.target.project)
        return self._compute

    @property
    def rest(self) -> Rest:
        """The client of the small Google APIs."""
        if self._rest is None:
            from rhaii_tui.google.rest import Rest

            self._rest = Rest(self.endpoints, self.target.project)
        return self._rest

    @property
    def kube(self) -> Cluster:
        """The connection made by the step `connect`. Raises RuntimeError before it."""
        if self._kube is None:
            raise RuntimeError("not connected to the cluster yet")
        return self._kube

    @property
    def connected(self) -> bool:
        """Whether `kube` is there."""
        return self._kube is not None

    async def adopt_connection(self, cluster: Cluster | None) -> None:
        """Use this connection from now on; the one before is closed."""
        old, self._kube = self._kube, cluster
        if old is not None and old is not cluster:
            await old.close()

    async def close(self) -> None:
        """Close the clients."""
        await self.adopt_connection(None)

    def link_lost(self, link: str, reason: str) -> None:
        """Say once that what we know of `link` is no longer live."""
        if link not in self._lost:
            self._lost.add(link)
            self.record(e.LinkLost(at=time.time(), link=link, reason=reason))

    def link_restored(self, link: str) -> None:
        """Say once that `link` is live again."""
        if link in self._lost:
            self._lost.discard(link)
            self.record(e.LinkRestored(at=time.time(), link=link))

    def owns(self, kind: str, name: str, uid: str = "") -> bool:
        """Whether the ledger or a recorded intent of this run says that the resource is ours; a namesake with another
        uid than the ledger's is not."""
        entries = (*self.state.ledger, *self.state.pending_intents)
        return any((x.kind, x.name) == (kind, name) and (not x.uid or uid in ("", x.uid)) for x in entries)


def evidence(source: str, text: str) -> Evidence:
    """Something read just now."""
    return Evidence(source=source, text=text, observed_at=time.time())


def progressed(step: str, note: str, done: int | None = None, total: int | None = None, unit: str = "") -> e.Event:
    """A line of progress, now."""
    return e.StepProgressed(at=time.time(), step=step, note=note, done=done, total=total, unit=unit)


def finished(step: str, note: str = "", *read: Evidence) -> e.Event:
    """The step's end, now."""
    return e.StepFinished(at=time.time(), step=step, note=note, evidence=read)


def intends(step: str, action: str, kind: str, name: str, *, existing: bool = False) -> e.IntentRecorded:
    """Yield this before the mutation it announces; `existing` where somebody else's bears the name."""
    return e.IntentRecorded(at=time.time(), step=step, action=action, kind=kind, name=name, existing=existing)


def created(step: str, kind: str, name: str, uid: str = "") -> e.Event:
    """Yield this as soon as the resource exists: it is ours from here on."""
    return e.ResourceCreated(at=time.time(), step=step, kind=kind, name=name, uid=uid)
