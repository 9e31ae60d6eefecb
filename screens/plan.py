"""Plan: the graph of steps, what it costs, how long it takes, the commands that equal it, and the approval."""

from __future__ import annotations

from collections.abc import Iterator

from textual import on
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import OptionList, Static

from rhaii_tui.deployment.plan import Plan
from screens import plan_pages as pages
from screens.dialogs.confirm import Confirm
from screens.dialogs.reader import Reader
from screens.road_screen import RoadScreen
from screens.widgets.row_list import RowList


class PlanScreen(RoadScreen):
    """Nothing is created before `g` and a yes."""

    STAGE = "Plan"
    SUMMARY = "Read what will happen, in which order, what it costs and which commands equal it. Then approve."
    CSS = """
    PlanScreen #plan-summary { height: auto; padding: 0 1; }
    PlanScreen #plan-head { height: 1; padding: 0 1; }
    PlanScreen.-tall #plan-summary, PlanScreen.-tall #plan-head { margin-top: 1; }
    PlanScreen #plan-step { display: none; height: 1fr; }
    PlanScreen.-tall #plan-step { display: block; }
    PlanScreen.-tall RowList { height: auto; max-height: 20; }
    """
    BINDINGS = [
        Binding(
            "g,a",
            "go_on",
            "Go on: approve",
            key_display="g",
            id="road.next",
            tooltip="Begin; asks once more and says the price",
        ),
        Binding("y", "copy(False)", "Copy", id="plan.copy", tooltip="Copy this step's commands"),
        Binding("Y", "copy(True)", "Copy all", id="plan.copyall", tooltip="Copy the whole plan as a script"),
        Binding("v", "deploy", "View the run", show=False, id="plan.deploy", tooltip="To the run that is under way"),
    ]
    AUTO_FOCUS = "RowList"

    plan: Plan | None = None

    def body(self) -> Iterator[Widget]:
        with Vertical():
            yield Static(id="plan-summary")
            yield Static(id="plan-head")
            yield RowList()
            with VerticalScroll(id="plan-step", classes="pane"):
                yield Static(id="plan-text")

    def on_mount(self) -> None:
        super().on_mount()
        self.follow("settings", self._renew)

    def on_screen_resume(self) -> None:
        self._renew()

    def on_resize(self) -> None:
        self._paint()

    def _renew(self) -> None:
        if problem := self.road.target_problem():
            self.say(problem, "FAIL")
            return
        self.plan = self.road.journey.plan()
        self._paint()

    def _paint(self) -> None:
        plan, endpoints = self.plan, self.road.journey.endpoints
        if plan is None or endpoints is None:
            return
        width = self.query_one(RowList).room
        self.query_one("#plan-summary", Static).update(pages.summary(plan, endpoints.clock.rate))
        self.query_one("#plan-head", Static).update(pages.heading(width))
        self.query_one(RowList).show(pages.rows(plan, width))
        self._paint_step()
        self.refresh_bindings()

    @on(OptionList.OptionHighlighted)
    def _paint_step(self) -> None:
        if self.plan is not None:
            spec = self.plan.steps[self.query_one(RowList).at]
            self.query_one("#plan-step").border_title = spec.title
            self.query_one("#plan-text", Static).update(pages.step(self.plan, spec))

    @on(OptionList.OptionSelected)
    def action_read(self) -> None:
        if self.plan is not None:
            spec = self.plan.steps[self.query_one(RowList).at]
            self.app.push_screen(Reader(spec.title, pages.step(self.plan, spec), pages.commands(spec)))

    def action_copy(self, everything: bool) -> None:
        if self.plan is None:
            return
        spec = self.plan.steps[self.query_one(RowList).at]
        text = pages.script(self.plan) if everything else pages.commands(spec)
        what = "The whole plan" if everything else f"{spec.title}: its commands"
        self.say(
            self.road.copy(text, what) if text else "This step only looks; there is no command.", "PASS" * bool(text)
        )

    def action_go_on(self) -> None:
        if self.plan is None:
            return
        if self.road.journey.holds(self.plan.target):
            self.action_deploy()
            return
        practice = bool(self.road.journey.endpoints and self.road.journey.endpoints.is_practice)
        self.app.push_screen(
            Confirm(
                "Begin the deployment?",
                pages.approval(self.plan, practice, self.road.journey.watched),
                yes="Approve",
                no="Not yet",
            ),
            self._answered,
        )

    def _answered(self, yes: bool | None) -> None:
        if yes:
            self.run_worker(self._begin(), exclusive=True, group="begin", exit_on_error=False)

    async def _begin(self) -> None:
        from rhaii_tui.deployment.journal import RunBusy

        if self.plan is None:
            return
        try:
            await self.road.journey.open(self.plan.target)
        except (OSError, RunBusy) as error:
            self.say(f"The run could not begin: {error}", "FAIL")
            return
        if self.road.journey.approve("user at the plan screen"):
            self.app.push_screen("deploy")

    def action_deploy(self) -> None:
        if self.road.journey.session is None:
            self.say("No run is under way. g approves this plan and begins.", "SKIP")
        else:
            self.app.push_screen("deploy")
