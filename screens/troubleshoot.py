"""Troubleshoot: the way of a request and of a replica, hop by hop; the first red one is the cause."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual import on
from textual.binding import Binding
from textual.containers import Container, VerticalScroll
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.worker import Worker, WorkerState

from rhaii_tui.deployment.events import Event
from rhaii_tui.doctor import Diagnosed, Diagnosis, Hop, Place, Treatment
from rhaii_tui.doctor.diagnosis import BAD
from rhaii_tui.doctor.examination import connect, examine
from screens import troubleshoot_pages as pages
from screens.dialogs.preview import Preview
from screens.dialogs.reader import Reader
from screens.road_screen import RoadScreen
from screens.widgets.row_list import RowList

if TYPE_CHECKING:
    from rhaii_tui.kube.connect import Cluster

AGAIN_SECONDS = 3.0
"""Wall seconds between two looks: a fault is seen within five of becoming observable."""


_BROKE_OFF = {
    "preview": "The preview broke off; nothing was changed.",
    "fix": "The fix broke off, some of it may be done. What was sent is noted: rhaii-tui doctor --undo RULE.",
    "undo": "Taking it back broke off; u tries again.",
    "look": "Looking broke off; r looks again.",
}
"""What is said when a worker of this name ends with an error that nobody foresaw."""


class TroubleshootScreen(RoadScreen):
    """Looks again and again while it is shown; changes nothing before a preview and a yes."""

    STAGE = "Troubleshoot"
    SUMMARY = "Each hop with its evidence. CAUSE is mended first, what follows from it heals with it. ? explains a row."
    CSS_PATH = "theme/troubleshoot.tcss"
    FIRST_KEY = "doctor.fix"
    BINDINGS = [
        Binding("f", "fix", "Fix", id="doctor.fix", tooltip="Show what would mend this hop, else the cause; then ask"),
        Binding("u", "undo", "Undo", id="doctor.undo", tooltip="Take the newest fix of this row back"),
        Binding("r", "again", "Look again", id="doctor.again", tooltip="Read everything now"),
        Binding("question_mark", "explain", "Explain", key_display="?", id="doctor.explain", tooltip="What was read"),
        Binding("f1", "app.help", "Help", key_display="F1", id="road.help", tooltip="Keys of this screen"),
        Binding("s", "app.scale", "Scale, wake", show=False, id="doctor.scale", tooltip="More, fewer, none, or wake"),
    ]
    AUTO_FOCUS = "RowList"

    def __init__(self) -> None:
        super().__init__()
        self.found: Diagnosis | None = None
        self._place: Place | None = None
        self._cluster: Cluster | None = None
        self._lent: Cluster | None = None
        """The monitor's connection, which is not ours to close."""
        self._treatment: Treatment | None = None
        self._pointed: Hop | None = None
        """The cause that the cursor was moved to; another one moves it again."""
        self._fixed = ""
        self._healing = False

    def body(self) -> Iterator[Widget]:
        yield Static(id="chain-head")
        with Container(id="chain-body"):
            yield RowList()
            with VerticalScroll(id="chain-pane", classes="pane"):
                yield Static(id="chain-text")

    def on_mount(self) -> None:
        super().on_mount()
        self.watch(self.app, "cloud_words", self.action_again, init=False)

    def on_screen_resume(self) -> None:
        if not self._healing:
            self.action_again()

    async def on_screen_suspend(self) -> None:
        if not self._healing:
            self.workers.cancel_group(self, "look")
            if self not in self.app.screen_stack:
                await self._let_go()

    def on_resize(self) -> None:
        self.call_after_refresh(self.paint)

    async def on_unmount(self) -> None:
        await self._let_go()

    def action_again(self) -> None:
        """Read everything now, then every few seconds."""
        if self._healing:
            self.say("A fix is being tested; it looks by itself.", "SKIP")
        elif self.road.journey.endpoints is None:
            self.say("The cloud is not there yet, usually it takes 2 s.", "WARN")
        else:
            self.run_worker(self._look(), "look", "look", exit_on_error=False, exclusive=True)
        self.paint()

    async def _look(self) -> None:
        from rhaii_tui.google.errors import CloudError
        from rhaii_tui.kube.errors import KubeError
        from rhaii_tui.operations.trouble import Trouble

        while True:
            try:
                self._show(await self._examine())
            except Trouble as trouble:
                self.say(f"{trouble.what}. {trouble.why} {trouble.next}", "FAIL")
            except (CloudError, KubeError, OSError) as error:
                self.say(f"Not readable: {error}. It tries again.", "UNKNOWN")
            await asyncio.sleep(AGAIN_SECONDS)

    async def _examine(self) -> Diagnosis:
        endpoints = self.road.journey.endpoints
        assert endpoints is not None
        place, subject = await self._whom(), self.road.subject
        lent = subject.cluster if subject is not None else None
        if place != self._place or lent is not self._lent:
            await self._let_go()
            self._place, self._pointed, self._fixed = place, None, ""
        if self._cluster is None:
            self._cluster, self._lent = lent or (await connect(place, endpoints))[0], lent
            self._treatment = Treatment(
                place, endpoints, self._cluster, self.road.journey.home, lambda event: self._enter(place, event)
            )
        return await examine(place, endpoints, self._cluster)

    async def _whom(self) -> Place:
        """What the screen below is about, else the deployment that was worked on last, else the one that the project
        holds. Raises Trouble, CloudError."""
        state, journey = self.road.newest, self.road.journey
        last = None
        if state.plan is not None:
            last = Place.of(state.plan.target, under_way=state.plan.kind == "setup" and state.ready_at is None)
        if (subject := self.road.subject) is not None:
            one = subject.found
            asked = Place(one.namespace, one.service, one.project, one.zone, one.gke or one.cluster)
            return last if last is not None and last.is_at(asked) else asked
        if last is not None:
            return last
        if self._place is not None:
            return self._place
        from rhaii_tui.operations.discovery import Wish, find

        assert journey.endpoints is not None
        project = (self.road.settings.get("project") if self.road.settings else None) or ""
        return Place.of((await find(journey.endpoints, journey.home, Wish(project=project))).target)

    def _enter(self, place: Place, event: Event) -> None:
        """What a fix creates belongs into the ledger of the run that is open now, when that is about this place."""
        session = self.road.journey.session
        if session is not None and Place.of(session.plan.target).is_at(place):
            session.record(event)

    async def _let_go(self) -> None:
        cluster, self._cluster, self._treatment = self._cluster, None, None
        lent, self._lent = self._lent, None
        if cluster is not None and cluster is not lent:
            await cluster.close()

    def _show(self, found: Diagnosis) -> None:
        self.found = found
        self.paint()
        cause = found.cause.hop if found.cause is not None else None
        if cause is not None and cause is not self._pointed:
            self.query_one(RowList).highlighted = pages.HOPS.index(cause)
            if not self._healing:
                self.say("")
        self._pointed = cause

    def paint(self) -> None:
        """Everything from the newest look."""
        if not self.is_mounted:
            return
        listing = self.query_one(RowList)
        self.query_one("#chain-head", Static).update(pages.head(self.found, self.road.journey.endpoints is not None))
        listing.show(pages.rows(self.found, listing.room) if self.found else [])
        self._paint_hop()
        self.recheck()
        self.refresh_bindings()

    @on(OptionList.OptionHighlighted)
    def _paint_hop(self) -> None:
        if self.found is not None:
            hop = pages.HOPS[self.query_one(RowList).at]
            self.query_one("#chain-pane").border_title = hop.value
            self.query_one("#chain-text", Static).update(pages.page(self.found, hop))

    @on(OptionList.OptionSelected)
    def action_explain(self) -> None:
        """What was read about the hop under the cursor, and what it means."""
        if self.found is not None:
            hop = pages.HOPS[self.query_one(RowList).at]
            page = pages.page(self.found, hop)
            self.app.push_screen(Reader(hop.value, page, page.plain))

    def _case(self) -> Diagnosed | None:
        """The case under the cursor, else the cause."""
        if self.found is None:
            return None
        hop = pages.HOPS[self.query_one(RowList).at]
        here = [f for f in self.found.findings if f.hop is hop and f.hit.status in BAD]
        return next((f for f in here if f.hit.fix is not None), here[0] if here else self.found.cause)

    def refusal(self, action: str) -> str:
        if action == "fix" and self._healing:
            return "A fix is being tested."
        if action == "fix" and self._case() is None:
            return "Nothing is broken." if self.found is not None else "Nothing was read yet."
        if action == "fix" and (case := self._case()) is not None and case.hit.fix is None:
            return f"No fix is known for {case.rule.id}; ? says what was read."
        if action == "undo" and not self._fixed:
            return "No fix was applied here that could be taken back."
        return ""

    def action_fix(self) -> None:
        if not self.refused("fix"):
            self.run_worker(self._preview(), "preview", "preview", exit_on_error=False, exclusive=True)

    async def _preview(self) -> None:
        case, treatment = self._case(), self._treatment
        if case is None or case.hit.fix is None or treatment is None:
            return
        fix = case.hit.fix
        if fix.guided:
            text = "\n".join(c.text for c in fix.commands)
            self.app.push_screen(Reader("This fix needs you", pages.guide(fix), text))
            return
        seen = await treatment.preview(fix)
        body = pages.preview(case.rule.id, seen, fix.settle)

        def answered(yes: bool | None) -> None:
            if yes:
                self._healing = True
                self.run_worker(self._heal(case, treatment), "fix", "look", exit_on_error=False, exclusive=True)

        self.app.push_screen(Preview("Apply this fix?", body, refused=bool(seen.refused)), answered)

    async def _heal(self, case: Diagnosed, treatment: Treatment) -> None:
        fix = case.hit.fix
        assert fix is not None
        self.say(f"Applying: {fix.title}. Then {case.hop.value} is tested again.", "SKIP")
        try:
            healing = await treatment.heal(case.rule.id, case.hop, fix, self._show)
            sent = healing.outcome.ok or healing.outcome.done
            self._fixed = case.rule.id if sent and fix.undoable else ""
            self.say(*pages.told(case.hop, healing, undoable=fix.undoable))
        finally:
            self._healing = False
        self.action_again()

    @on(Worker.StateChanged)
    def _broke_off(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR and (words := _BROKE_OFF.get(event.worker.name)):
            error = event.worker.error
            if event.worker.name == "fix":
                self.action_again()
            self.say(f"{words} ({type(error).__name__}: {error})", "FAIL")

    def action_undo(self) -> None:
        if not self.refused("undo") and self._treatment is not None:
            undoing = self._undo(self._fixed, self._treatment)
            self.run_worker(undoing, "undo", "undo", exit_on_error=False, exclusive=True)

    async def _undo(self, rule: str, treatment: Treatment) -> None:
        outcome = await treatment.undo(rule)
        done = "; ".join(outcome.done)
        self.say(
            f"Taken back: {done}." if outcome.ok else f"Not taken back: {outcome.failure} {done}",
            "PASS" if outcome.ok else "FAIL",
        )
        self._fixed = "" if outcome.ok else rule
