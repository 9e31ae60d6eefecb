"""One trip down the road: the cloud it talks to and the session it holds. Screens ask it, it asks below."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rhaii_tui.catalog.findings import Finding, Next, Status
from rhaii_tui.catalog.target import Target
from rhaii_tui.deployment.events import CacheTested, Event
from rhaii_tui.deployment.failures import unrecorded
from rhaii_tui.deployment.narration import told
from rhaii_tui.deployment.plan import Plan
from rhaii_tui.deployment.state import RunState
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.settings import SettingsError

if TYPE_CHECKING:
    from rhaii_tui.cachetest.records import ConsoleEvent, TestPlan
    from rhaii_tui.deployment.session import Session
    from screens.app import Connect, RhaiiApp


class Journey:
    """Everything here runs on the application's event loop; nothing here decides about the deployment."""

    def __init__(self, app: RhaiiApp, connect: Connect, home: Path) -> None:
        self._app = app
        self._connect = connect
        self._context: AbstractAsyncContextManager[Endpoints] | None = None
        self.home = home
        self.endpoints: Endpoints | None = None
        self.session: Session | None = None
        self._run: asyncio.Task[RunState] | None = None

    @property
    def running(self) -> bool:
        """Steps are being taken right now; the last answers of a stream of requests may still be awaited after them."""
        if self._run is None or self._run.done() or self.session is None:
            return False
        return self.session.state.outcome is None

    @property
    def watched(self) -> str:
        """The run under way in a word or two; empty without one."""
        if self.session is None or not self.running:
            return ""
        plan = self.session.plan
        return f"The {'run' if plan.kind == 'setup' else plan.kind} of {plan.target.shape.id}"

    def start(self) -> None:
        """Open the cloud in the background, while the first frame is already up. Also the retry after a failure."""
        self._app.cloud_words = "practice cloud starting (usually 2 s)" if self._app.practice else ""
        self._app.run_worker(self._open(), exclusive=True, group="connect")

    async def _open(self) -> None:
        context = self._connect()
        try:
            endpoints = await context.__aenter__()
        except Exception as error:  # noqa: BLE001 - whatever kept the cloud away is shown, with the key to try again
            self._app.cloud_words = "no cloud"
            self._app.connection = Finding(
                rule="cloud-unreachable",
                category="cloud",
                name="cloud",
                status=Status.FAIL,
                message=str(error) or type(error).__name__,
                meaning="The table below needs no cloud; everything after it does.",
                next_key=Next.RETRY,
                raw=repr(error),
            )
            return
        self._context, self.endpoints = context, endpoints
        self._app.connected(endpoints)

    def target(self) -> Target:
        """What the answers and settings come to. Raises SettingsError."""
        if self._app.settings is None:
            raise SettingsError("Settings are not readable", self._app.settings_problem, "Change the answer.")
        return self._app.settings.target()

    def plan(self) -> Plan | None:
        """The plan of the current answers; None while there is no cloud. Raises SettingsError."""
        if self.endpoints is None:
            return None
        from rhaii_tui.deployment.planning import build_plan

        return build_plan(self.target(), self.endpoints)

    async def open(self, target: Target) -> Session:
        """The session for a target: the one held, an unfinished one from disk, or a new one.

        Raises RunBusy (another process holds it) and OSError (the state folder).
        """
        from rhaii_tui.deployment.session import Session

        assert self.endpoints is not None
        held = self.session
        if held is not None and held.plan.kind == "setup" and held.plan.target == target:
            return held
        await self._leave()
        return self._hold(await Session.open(target, self.endpoints, self.home))

    async def operate(self, plan: Plan) -> Session:
        """The session of an operation on a deployment: the interrupted one of the same kind, else a new one.

        Raises RunBusy and OSError as `open`.
        """
        from rhaii_tui.operations.running import open_operation

        assert self.endpoints is not None
        await self._leave()
        return self._hold(await open_operation(plan, self.endpoints, self.home))

    def _hold(self, session: Session) -> Session:
        self.session = session
        if session.plan.kind == "setup":
            self._consult(session)
        session.subscribe(self._tell)
        self._app.bridge.attach(session)
        return session

    def _consult(self, session: Session) -> None:
        """A step that stalls opens its finding by itself."""
        from rhaii_tui.doctor import for_step

        target, endpoints = session.plan.target, session.endpoints
        session.consult(lambda step: for_step(step, target, endpoints, session.cluster))

    def _tell(self, event: Event, state: RunState) -> None:
        """The run's own story is a log stream like any other."""
        if self.session is not None and (text := told(event, state)):
            stamp = datetime.fromtimestamp(event.at).strftime("%H:%M:%S")
            self.session.logbook.extend("run", [f"{stamp} {text}"])

    def holds(self, target: Target) -> bool:
        """This very deployment was approved already and its run is held here."""
        session = self.session
        if session is None or session.plan.kind != "setup":
            return False
        return session.plan.target == target and session.state.approved_at is not None

    def approve(self, by: str) -> bool:
        """Agree to the open session's plan and begin; whether it began. Why not is said."""
        assert self.session is not None
        try:
            self.session.approve(by)
        except OSError as error:
            self._say(unrecorded(error, self.session.folder))
            return False
        return self.go()

    def go(self) -> bool:
        """Take the steps that are left; after a failure the same run goes on. Whether steps are being taken now."""
        if self.session is None or self.running:
            return self.running
        session = self.session
        try:
            session.retry()
        except OSError as error:
            self._say(unrecorded(error, session.folder))
            return False
        self._run = asyncio.create_task(self._perform(session, self._run), name="session")
        self._run.add_done_callback(lambda task: self._ended(session, task))
        return True

    def _ended(self, session: Session, task: asyncio.Task[RunState]) -> None:
        """Whatever no step has foreseen ends the run as failed, and is told where somebody looks."""
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            session.break_off(error)
        if session.broken is not None:
            self._say(session.broken)

    def _say(self, finding: Finding) -> None:
        from screens.road_screen import RoadScreen

        for screen in reversed(self._app.screen_stack):
            if isinstance(screen, RoadScreen) and screen.is_mounted:
                screen.say(f"{finding.message} {finding.remediation}", "FAIL")
                return

    async def _perform(self, session: Session, before: asyncio.Task[RunState] | None) -> RunState:
        if before is not None:
            await asyncio.gather(before, return_exceptions=True)
        if session.plan.kind == "setup":
            return await session.run()
        from rhaii_tui.operations.running import perform

        return await perform(session)

    async def test(self, plan: TestPlan) -> AsyncIterator[ConsoleEvent]:
        """Test the open session's service; its verdict goes into the run. Raises OSError."""
        from rhaii_tui.cachetest.console import Console
        from rhaii_tui.cachetest.records import Concluded

        session = self.session
        assert session is not None
        assert self.endpoints is not None
        target, change = session.plan.target, session.plan.change
        url = session.state.endpoint or (change.endpoint if change else "")
        console = Console(session.cluster, self.endpoints, target.namespace, target.service, url)
        async for event in console.run(plan):
            if isinstance(event, Concluded):
                v, now = event.verdict, self.endpoints.clock.now()
                session.record(
                    CacheTested(
                        at=now,
                        routing=v.routing,
                        cache=v.cache,
                        verdict=v.verdict,
                        reasons=v.reasons,
                        sent=v.sent,
                        ok=v.ok,
                    )
                )
            yield event

    def unfinished(self) -> RunState | None:
        """The newest run on this cloud that began and has not come to its end."""
        from rhaii_tui.deployment.unfinished import unfinished

        return unfinished(self.home, self.endpoints) if self.endpoints else None

    def left_behind(self) -> RunState:
        """A run of an earlier program on this cloud whose resources go on being billed; empty when there is none."""
        from rhaii_tui.deployment.unfinished import still_billed

        found = still_billed(self.home, self.endpoints) if self.endpoints else None
        return found or RunState()

    async def _leave(self) -> None:
        self._app.bridge.detach()
        if self.session is not None:
            await self.session.close()
        if self._run is not None:
            await asyncio.gather(self._run, return_exceptions=True)
        self.session, self._run = None, None

    async def close(self) -> None:
        """Stop watching and let go of the cloud. What was created stays."""
        await self._leave()
        if self._context is not None:
            context, self._context = self._context, None
            await context.__aexit__(None, None, None)
