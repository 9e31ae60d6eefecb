"""Deploy: steps, replicas, log and status of a run, side by side or one at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator

from textual import on
from textual.binding import Binding
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static

from rhaii_tui.deployment.state import RunState
from screens import deploy_rows as rows
from screens.dialogs.reader import Reader
from screens.road_screen import RoadScreen
from screens.stall_watch import StallWatch
from screens.widgets.log_pane import LogPane
from screens.widgets.replica_lanes import ReplicaLanes
from screens.widgets.row_list import RowList

TICK_SECONDS = 0.5
"""How often elapsed times are repainted; in practice a tick is half a cloud minute."""
PANES = ("steps", "replicas", "status", "log")


class DeployScreen(RoadScreen):
    """Leaving this screen does not stop the run."""

    STAGE = "Deploy"
    SUMMARY = "Watch the run. Times are cloud time. Leaving the screen does not stop it; r goes on after a failure."
    CSS_PATH = "theme/deploy.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (118, "-wide"), (160, "-broad")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]
    """All four panes only where fifteen steps and ten stages fit beside each other; else one at a time under tabs."""
    BINDINGS = [
        Binding("r", "retry", "Retry", id="deploy.retry", tooltip="Go on with the same run after a failure"),
        Binding(
            "g,t",
            "go_on",
            "Go on: test",
            key_display="g",
            id="road.next",
            tooltip="Test routing and cache of the ready service",
        ),
        Binding("1", "pane('steps')", "Panes", key_display="1-4", id="deploy.steps", tooltip="Steps"),
        Binding("2", "pane('replicas')", "Replicas", show=False, id="deploy.replicas", tooltip="Replicas"),
        Binding("4", "pane('log')", "Log", show=False, id="deploy.log", tooltip="Log"),
        Binding(
            "3", "pane('status')", "Status", show=False, id="deploy.status", tooltip="Findings, conditions, events"
        ),
        Binding("c", "stop", "Stop", show=False, id="deploy.stop", tooltip="Stop watching; what exists stays"),
    ]
    AUTO_FOCUS = "#steps RowList"
    NOTHING_YET = "No findings. Conditions and cluster events come once the gateway is being created."
    STATE = "run_state"
    """Which of the app's states is followed."""

    @property
    def state(self) -> RunState:
        """The run that is shown."""
        found: RunState = getattr(self.app, self.STATE)
        return found

    def body(self) -> Iterator[Widget]:
        yield Static(id="deploy-head")
        yield Static(id="deploy-tabs")
        with Container(id="deploy-panes"):
            with Vertical(id="steps", classes="pane -front"):
                yield RowList(id="step-rows")
            with VerticalScroll(id="replicas", classes="pane"):
                yield ReplicaLanes()
            with Vertical(id="status", classes="pane"):
                yield Static(self.NOTHING_YET, id="status-none", classes="dim")
                yield RowList(id="status-rows")
            with Vertical(id="log", classes="pane"):
                yield LogPane()

    def on_mount(self) -> None:
        super().on_mount()
        for name in PANES:
            self.query_one(f"#{name}").border_title = name.capitalize()
        self._status: list[rows.Row] = []
        self._stalls = StallWatch(self.road.journey)
        self._pointed: float | None = None
        """When the stop happened that the cursor was moved to."""
        self.follow(self.STATE, self._paint)
        self.set_interval(TICK_SECONDS, self._tick)

    def on_screen_resume(self) -> None:
        session = self.road.journey.session
        if session is not None:
            self.query_one(LogPane).attach(session.logbook)
        self._paint()

    def on_resize(self) -> None:
        self.call_after_refresh(self._paint)

    def _tick(self) -> None:
        if self.is_current and self.state.outcome is None:
            self._paint()
        if step := self._stalls.stalled(self.state, time.time()):
            self.run_worker(self._ask(step), exclusive=True, group="stall", exit_on_error=False)

    async def _ask(self, step: str) -> None:
        found = await self._stalls.ask(step)
        if found:
            title = self.state.step(step).spec.title
            self.say(f"{title} takes unusually long: {found[0].message} d shows the broken hop.", "WARN")

    def _paint(self) -> None:
        state, now = self.state, time.time()
        if not state.steps:
            return
        wide = self.size.width - 2
        with self.app.batch_update():
            head = Content("\n").join([rows.headline(state, now), rows.waits(state, wide)])
            self.query_one("#deploy-head", Static).update(head)
            steps = self.query_one("#step-rows", RowList)
            steps.show(rows.rail(state, now, steps.room))
            lanes = self.query_one(ReplicaLanes)
            lanes.state, lanes.now = state, now
            self._paint_status()
            self._paint_tabs()
            self._point()
        self.recheck()
        self.refresh_bindings()

    def _point(self) -> None:
        """Once per stop, put the cursor on the step that stopped: its details are the next thing to read."""
        state = self.state
        if state.outcome == "failed" and self._pointed != state.stopped_at:
            self._pointed = state.stopped_at
            at = next((i for i, s in enumerate(state.steps) if s.status == "failed"), None)
            self.query_one("#step-rows", RowList).highlighted = at
            self.query_one("#status-rows", RowList).highlighted = 0

    @property
    def FIRST_KEY(self) -> str:  # type: ignore[override]
        return "deploy.retry" if self.state.outcome in ("failed", "cancelled") else "road.next"

    def _paint_status(self) -> None:
        state = self.state
        listing = self.query_one("#status-rows", RowList)
        self._status = rows.status(state, listing.room)
        listing.show([row.line for row in self._status])
        listing.display = bool(self._status)
        self.query_one("#status-none").display = not self._status

    def _paint_tabs(self) -> None:
        state = self.state
        bad = rows.to_read(state)
        ready = sum(r.is_ready for r in state.replicas if r.role == "replica")
        wanted = rows.wanted(state)
        narrow = self.has_class("-narrow") or self.has_class("-short")
        words = {
            "steps": "Steps" if narrow else "Steps: elapsed / usual, ◆ critical path",
            "replicas": f"Replicas {ready}/{wanted}" if rows.are_replicas_known(state) else "Replicas",
            "log": "Log",
            "status": f"Status ({bad} to read)" if bad else "Status",
        }
        parts = []
        for i, name in enumerate(PANES, 1):
            front = self.query_one(f"#{name}").has_class("-front")
            text = f"[{i} {words[name]}]" if front else f" {i} {words[name]} "
            parts.append(Content.styled(text, "$accent bold" if front else "$dim"))
            self.query_one(f"#{name}").border_title = words[name]
        self.query_one("#deploy-tabs", Static).update(Content(" ").join(parts))

    def action_pane(self, name: str) -> None:
        for other in PANES:
            self.query_one(f"#{other}").set_class(other == name, "-front")
        focus = {"steps": "#step-rows", "replicas": "#replicas", "log": "#log-view", "status": "#status-rows"}
        self.query_one(focus[name]).focus()
        self.call_after_refresh(self._paint)

    @on(OptionList.OptionSelected, "#step-rows")
    def _step_details(self) -> None:
        state = self.state
        step = state.steps[self.query_one("#step-rows", RowList).at]
        copy = "\n".join(c.text for c in step.spec.commands)
        self.app.push_screen(Reader(step.spec.title, rows.step_page(step, time.time(), state.rate), copy))

    @on(OptionList.OptionSelected, "#status-rows")
    def _status_details(self) -> None:
        row = self._status[self.query_one("#status-rows", RowList).at]
        self.app.push_screen(Reader(row.title, row.page, row.page.plain))

    def refusal(self, action: str) -> str:
        state = self.state
        if action == "retry" and state.outcome not in ("failed", "cancelled"):
            return "Nothing has stopped; retry goes on after a failure."
        if action == "go_on" and state.ready_at is None:
            return "The test needs the ready service; the last step says when."
        if action == "stop" and not self.road.journey.running:
            return "The run is not under way."
        return ""

    def action_retry(self) -> None:
        if not self.refused("retry"):
            self.say("")
            self.road.journey.go()

    def action_go_on(self) -> None:
        if not self.refused("go_on"):
            self.app.push_screen("console")

    async def action_stop(self) -> None:
        session = self.road.journey.session
        if session is not None and not self.refused("stop"):
            await session.cancel()
            self.say("Stopped watching. What exists stays, and so does its cost. r goes on.", "WARN")
