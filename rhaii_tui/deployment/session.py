"""One run, as screens and commands hold it: a plan, its state, its log, and approve / run / retry / cancel."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rhaii_tui.catalog.findings import Finding
from rhaii_tui.catalog.target import Target
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.attention import Consult
from rhaii_tui.deployment.context import RunContext
from rhaii_tui.deployment.failures import unrecorded
from rhaii_tui.deployment.journal import (
    Journal,
    RunBusy,
    first_event,
    new_run_id,
    read_events,
    refuse_held,
    run_folders,
)
from rhaii_tui.deployment.logbook import LogBook
from rhaii_tui.deployment.plan import Plan
from rhaii_tui.deployment.planning import build_plan
from rhaii_tui.deployment.reduce import reduce, replay
from rhaii_tui.deployment.runner import Runner
from rhaii_tui.deployment.state import RunState
from rhaii_tui.deployment.step import Step
from rhaii_tui.deployment.steps import all_steps
from rhaii_tui.endpoints import Endpoints

if TYPE_CHECKING:
    from rhaii_tui.kube.connect import Cluster

Listener = Callable[[e.Event, RunState], None]


class Session:
    """A run in this process. Made by `open`; everything happens on the event loop that opened it."""

    def __init__(
        self, endpoints: Endpoints, journal: Journal, state: RunState, steps: Mapping[str, Step] | None = None
    ) -> None:
        assert state.plan is not None
        self.endpoints = endpoints
        self.folder: Path = journal.folder
        self.plan: Plan = state.plan
        self.state = state
        self.logbook = LogBook(journal.folder / "logs")
        self._journal = journal
        self._listeners: list[Listener] = []
        self._context = RunContext(
            state.plan.target, endpoints, journal.folder, self.logbook, self.record, lambda: self.state
        )
        self._runner = Runner(state.plan, self._context, all_steps() if steps is None else steps)
        self._task: asyncio.Task[None] | None = None
        self.broken: Finding | None = None
        """Why nobody goes on with the run, where that is no step's own failure."""

    @classmethod
    async def open(cls, target: Target, endpoints: Endpoints, home: Path) -> Session:
        """Resume the unfinished run of the same target on the same cloud, else begin a new one.

        Raises RunBusy when another process works on the same place, OSError when the state folder cannot be written.
        """
        wanted = build_plan(target, endpoints)
        _refuse_busy(wanted, endpoints, home)
        for folder in run_folders(home):
            begun = first_event(folder)
            if not isinstance(begun, e.RunStarted) or begun.cloud != endpoints.name:
                continue
            if begun.plan.kind == "teardown" and _place(begun.plan.target) == _place(target):
                if replay(read_events(folder)).approved_at is not None:
                    break  # what an older setup made is gone, or going
                continue
            if begun.plan.kind != "setup" or begun.plan.target != target:
                continue
            if _is_done(folder):
                break
            journal = Journal(folder)
            session = cls(endpoints, journal, replay(read_events(folder)))
            session.record(e.RunResumed(at=time.time(), run=session.state.run))
            return session
        return cls._begin(wanted, endpoints, home)

    @classmethod
    async def open_plan(
        cls, plan: Plan, steps_for: Callable[[Plan], Mapping[str, Step]], endpoints: Endpoints, home: Path
    ) -> Session:
        """A run of an operation: the newest run of the same place is continued when it is the same operation, approved
        and not done (with its own plan, which knows how things were before), and when things still are somewhere
        between that plan's before and after; else this plan's run begins.

        Raises RunBusy while another process works on the same place, OSError as `open`.
        """
        _refuse_busy(plan, endpoints, home)
        for folder in run_folders(home):
            begun = first_event(folder)
            if not isinstance(begun, e.RunStarted) or begun.cloud != endpoints.name:
                continue
            if not _touches(begun.plan, plan):
                continue
            if _is_done(folder):
                break
            journal = Journal(folder)
            state = replay(read_events(folder))
            same = (begun.plan.kind, begun.plan.target.replicas) == (plan.kind, plan.target.replicas)
            same = same or begun.plan.kind == plan.kind in ("stop", "teardown")
            if not (same and _on_the_way(begun.plan, plan)) or state.approved_at is None:
                journal.close()
                break
            assert state.plan is not None
            session = cls(endpoints, journal, state, steps_for(state.plan))
            session.record(e.RunResumed(at=time.time(), run=state.run))
            return session
        return cls._begin(plan, endpoints, home, steps_for(plan))

    @classmethod
    def _begin(cls, plan: Plan, endpoints: Endpoints, home: Path, steps: Mapping[str, Step] | None = None) -> Session:
        run = new_run_id()
        journal = Journal(home / "runs" / run)
        started = e.RunStarted(at=time.time(), run=run, cloud=endpoints.name, rate=endpoints.clock.rate, plan=plan)
        session = cls(endpoints, journal, reduce(RunState(), started), steps)
        journal.append(started)
        return session

    @property
    def cluster(self) -> Cluster | None:
        """The connection to the cluster while there is one; the session closes it."""
        return self._context.kube if self._context.connected else None

    def consult(self, ask: Consult) -> None:
        """Ask this about a step that takes far longer than usual; what it agrees on with itself becomes findings."""
        self._runner.consult = ask

    def record(self, event: e.Event) -> None:
        """Journal, reduce, tell the listeners: in this order, so that nobody sees what a crash would forget."""
        self._journal.append(event)
        self._apply(event)

    def _apply(self, event: e.Event) -> None:
        self.state = reduce(self.state, event)
        for listener in list(self._listeners):
            listener(event, self.state)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(event, state)` for each event from now on; the returned function ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def approve(self, by: str) -> None:
        """The user agrees to the plan and its bill; recorded once."""
        if self.state.approved_at is None:
            self.record(e.Approved(at=time.time(), by=by))

    async def run(self) -> RunState:
        """Go down the road until done, failed or cancelled. Raises RuntimeError before approval.

        Where the journal cannot be written the run has failed, and `broken` says why.
        """
        if self.state.approved_at is None:
            raise RuntimeError("the plan is not approved")
        if self._task is not None and not self._task.done():
            raise RuntimeError("the run is already going on")
        self.broken = None
        self._task = asyncio.create_task(self._runner.run(), name="run")
        try:
            await asyncio.shield(self._task)
        except asyncio.CancelledError:
            await self.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - whatever ended the runner must not leave a run that seems to go on
            self.break_off(error)
        return self.state

    def break_off(self, error: Exception) -> None:
        """End the run as failed, in memory where it cannot be recorded: nobody goes on with it any more."""
        if self.broken is not None:
            return
        self.broken = unrecorded(error, self.folder)
        at = time.time()
        stopped = [s for s in self.state.steps if s.status == "running"]
        stopped = stopped or [s for s in self.state.steps if s.status == "waiting"][:1]
        ends: list[e.Event] = [e.StepFailed(at=at, step=s.spec.id, finding=self.broken) for s in stopped]
        for event in (*ends, e.RunStopped(at=at, outcome="failed", bill=self.plan.bill)):
            try:
                self.record(event)
            except (OSError, ValueError):
                self._apply(event)

    def retry(self) -> None:
        """Take up the same run again; `run()` continues it, finished steps are kept."""
        if self.state.outcome is not None:
            self.record(e.RunResumed(at=time.time(), run=self.state.run))

    async def cancel(self) -> None:
        """Stop watching. What exists goes on existing, and being billed; Google finishes what it has begun."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            try:
                await self._task
            except asyncio.CancelledError:
                return
            except Exception as error:  # noqa: BLE001 - as in run
                self.break_off(error)

    async def close(self) -> None:
        """Stop, and let the run go for another process."""
        await self.cancel()
        await self._context.close()
        self._journal.close()


def _is_done(folder: Path) -> bool:
    """Whether a run has come to its good end: nobody works on it, even where a screen still shows it and holds it."""
    return replay(read_events(folder)).outcome == "done"


def _place(target: Target) -> tuple[str, str, str]:
    return target.project, target.zone, target.cluster


def _on_the_way(begun: Plan, now: Plan) -> bool:
    """Whether the replicas that `now` found are what `begun` started from, aims at, or something between: nobody else
    has changed their number since. A teardown must not remove what `now` would leave."""
    was, found = begun.change, now.change
    if was is None or found is None:
        return True
    if begun.kind == "teardown":
        left = {(x.kind, x.name) for x in found.leaves}
        stays = ("Cluster", f"{now.target.cluster} ({now.target.zone})") in left
        return not (left & {(x.kind, x.name) for x in was.removes} or (stays and _deletes_cluster(begun)))
    if begun.target.pool != now.target.pool:
        return False
    ends = sorted((was.replicas_before, was.replicas_after))
    return ends[0] <= found.replicas_before <= ends[1]


def _deletes_cluster(plan: Plan) -> bool:
    return any(spec.id == "cluster" for spec in plan.steps)


def _refuse_busy(plan: Plan, endpoints: Endpoints, home: Path) -> None:
    """Raise RunBusy when any run about the same deployment is held and not done, however many have begun since."""
    for folder in run_folders(home):
        begun = first_event(folder)
        if not isinstance(begun, e.RunStarted) or begun.cloud != endpoints.name or not _touches(begun.plan, plan):
            continue
        try:
            refuse_held(folder)
        except RunBusy:
            if not _is_done(folder):
                raise


def _touches(one: Plan, other: Plan) -> bool:
    """Whether two plans are about the same deployment; a teardown is about everything in its cluster."""
    if _place(one.target) != _place(other.target):
        return False
    if "teardown" in (one.kind, other.kind):
        return True
    return (one.target.namespace, one.target.service) == (other.target.namespace, other.target.service)


__all__ = ["RunBusy", "Session"]
