"""Decide: the six shapes side by side, and the answers that shape them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from rhaii_tui.catalog.prices import Provisioning
from rhaii_tui.catalog.shapes import SHAPES
from rhaii_tui.deployment.state import RunState
from screens import decide_pages as pages
from screens.answers import Answers
from screens.dialogs.ask import Ask
from screens.dialogs.choose import Choose
from screens.dialogs.confirm import Confirm
from screens.dialogs.reader import Reader
from screens.road_screen import RoadScreen
from screens.widgets.fields import Field, Fields
from screens.widgets.shape_table import ShapeTable

_FIELDS = (
    ("z", "zone"),
    ("b", "buying"),
    ("+-", "replicas"),
    ("m", "model"),
    ("n", "namespace"),
    ("p", "project"),
)
_SETTING = {"buying": "provisioning"}
"""Where the word on screen is not the setting's own name."""
_CLOUD_COMES = "The cloud is not there yet, usually it takes 2 s. The check begins by itself then."


class DecideScreen(RoadScreen):
    """The first frame. Needs no cloud: every figure comes from the dated tables that ship with the program."""

    STAGE = "Decide"
    SUMMARY = "Choose an accelerator and a topology. Every answer changes the whole table at once; nothing is created."
    CSS = """
    DecideScreen.-tall ShapeTable { margin-top: 1; }
    DecideScreen Fields { margin-top: 1; }
    DecideScreen.-short.-crowded Fields { margin-top: 0; }
    DecideScreen #hint { padding: 0 1; color: $dim; height: auto; }
    DecideScreen #more { height: 1fr; display: none; margin-top: 1; }
    DecideScreen.-tall #more { display: block; }
    DecideScreen #more VerticalScroll { width: 1fr; }
    DecideScreen #table-scroll { height: auto; max-height: 100%; }
    """
    BINDINGS = [
        Binding(
            "g,enter",
            "go_on",
            "Go on: check",
            key_display="g",
            id="road.next",
            tooltip="Check project, quota and zone for this shape; Enter does it too",
        ),
        Binding("z", "zone", "Zone", id="decide.zone", tooltip="Another zone for this accelerator"),
        Binding("b", "provisioning", "Buying", id="decide.buying", tooltip="On demand, Spot or flex-start"),
        Binding(
            "plus,equals_sign",
            "replicas(1)",
            "Replicas",
            key_display="+ -",
            id="decide.more",
            tooltip="One replica more (scale-out)",
        ),
        Binding(
            "minus", "replicas(-1)", "Fewer", show=False, id="decide.fewer", tooltip="One replica fewer (scale-out)"
        ),
        Binding("m", "ask('model')", "Model", show=False, id="decide.model", tooltip="Any Hugging Face model id"),
        Binding(
            "n",
            "ask('namespace')",
            "Namespace",
            show=False,
            id="decide.namespace",
            tooltip="Where the service is created",
        ),
        Binding("p", "ask('project')", "Project", show=False, id="decide.project", tooltip="The Google Cloud project"),
        Binding(
            "i", "details", "Figures", id="decide.details", tooltip="The bill and every figure with source and date"
        ),
        Binding("u", "resume", "Resume", show=False, id="decide.resume", tooltip="Take up the unfinished run"),
        Binding(
            "r", "reconnect", "Reconnect", show=False, id="decide.reconnect", tooltip="Try to reach the cloud again"
        ),
    ]
    AUTO_FOCUS = "ShapeTable"

    _going = False
    """The user went on before the cloud was there."""

    def body(self) -> Iterator[Widget]:
        yield ShapeTable()
        yield Fields()
        yield Static(id="hint")
        with Horizontal(id="more"):
            with VerticalScroll(classes="pane") as bill:
                bill.border_title = "Bill"
                bill.can_focus = False
                yield Static(id="bill")
            with VerticalScroll(classes="pane") as facts:
                facts.border_title = "Speed and quota"
                facts.can_focus = False
                yield Static(id="facts")

    def on_mount(self) -> None:
        super().on_mount()
        self.follow("settings", self._paint)
        self.follow("connection", self._paint_connection)
        self.watch(self.app, "cloud_words", self._arrived, init=False)

    def _paint(self) -> None:
        settings = self.road.settings
        if settings is None:
            self.say(self.road.settings_problem, "FAIL")
            return
        answers = self.road.answers
        options = answers.table(settings)
        chosen = SHAPES.index(answers.shape)
        table = self.query_one(ShapeTable)
        table.options, table.chosen = options, chosen

        def source(name: str) -> str:
            return pages.source(settings.values.get(name))

        self.query_one(Fields).fields = tuple(
            Field(key, name, settings.get(_SETTING.get(name, name)) or "not given", source(_SETTING.get(name, name)))
            for key, name in _FIELDS
        )
        hints = pages.hint(options[chosen], options)
        self.set_class(len(hints) > 3, "-crowded")
        self.query_one("#hint", Static).update(Content("\n").join(hints))
        half = self.size.width // 2 - 5
        self.query_one("#bill", Static).update(pages.bill(options[chosen].bill, half))
        self.query_one("#facts", Static).update(pages.facts(options[chosen], half))
        problem = self.road.settings_problem
        self.say(problem or "; ".join(settings.warnings), "FAIL" if problem else "WARN")

    def _paint_connection(self) -> None:
        finding = self.road.connection
        if finding is not None:
            self._going = False
            self.say(f"{finding.message} {finding.meaning} r tries again.", "FAIL")

    @on(ShapeTable.Chosen)
    def _chosen(self, event: ShapeTable.Chosen) -> None:
        self._answer(replace(self.road.answers, shape=SHAPES[event.index]))

    def _answer(self, answers: Answers) -> None:
        self.road.answer(answers)

    def action_zone(self) -> None:
        answers, settings = self.road.answers, self.road.settings
        current = settings.get("zone") if settings else None

        def chosen(zone: str | None) -> None:
            if zone:
                self._answer(self.road.answers.with_zone(zone))

        title, note, choices = pages.zones(
            answers.shape.accelerator, settings.get("provisioning") if settings else None
        )
        self.app.push_screen(Choose(title, note, choices, current or "", pages.zone_wrong), chosen)

    def action_provisioning(self) -> None:
        kinds = [kind.value for kind in Provisioning]
        settings = self.road.settings
        now = (settings.get("provisioning") if settings else None) or kinds[0]
        after = kinds[(kinds.index(now) + 1) % len(kinds)] if now in kinds else kinds[0]
        self._answer(self.road.answers.with_given("provisioning", after))

    def action_replicas(self, by: int) -> None:
        option = self.query_one(ShapeTable).options[SHAPES.index(self.road.answers.shape)]
        wanted = option.replicas + by
        refusal = pages.replicas_refusal(option.shape, wanted)
        if refusal:
            self.say(refusal, "WARN")
        else:
            self._answer(self.road.answers.with_given("replicas", str(wanted)))

    def action_ask(self, name: str) -> None:
        settings = self.road.settings
        current = (settings.get(name) if settings else None) or ""

        def answered(value: str | None) -> None:
            if value is not None:
                self._answer(self.road.answers.with_given(name, value))

        title, note, check = pages.question(name)
        self.app.push_screen(Ask(title, note, current, check), answered)

    def action_details(self) -> None:
        if self.road.settings is not None:
            options = self.query_one(ShapeTable).options
            option = options[SHAPES.index(self.road.answers.shape)]
            page = pages.details(option, options, min(92, self.size.width - 10))
            self.app.push_screen(Reader(f"{option.shape.id} in {option.region}", page, page.plain))

    def action_reconnect(self) -> None:
        if self.road.connection is not None:
            self.say("")
            self.road.journey.start()

    def on_resize(self) -> None:
        self.call_after_refresh(self._paint)

    def _arrived(self) -> None:
        if self.road.journey.endpoints is None:
            return
        self._offer_resume()
        if self._going and self.is_current:
            self.action_go_on()

    def action_go_on(self) -> None:
        self._going = self.road.journey.endpoints is None and self.road.connection is None
        if self._going:
            self.say(_CLOUD_COMES, "WARN")
            return
        if self.road.journey.endpoints is None:
            self._paint_connection()
            return
        if problem := self.road.target_problem():
            self.say(problem, "FAIL")
            return
        self.app.push_screen("preflight")

    def _offer_resume(self) -> None:
        state = self.road.journey.unfinished()
        if state is None or not self.is_current or self.road.journey.session is not None:
            return
        self.app.push_screen(
            Confirm("An unfinished run", pages.unfinished(state), yes="Resume it", no="Later", focus="yes"),
            lambda resume: self._resume(state) if resume else None,
        )

    def action_resume(self) -> None:
        self._offer_resume()
        if self.is_current:
            self.say("There is no unfinished run on this cloud.", "SKIP")

    def _resume(self, state: RunState) -> None:
        self.run_worker(self._take_up(state), exclusive=True, group="resume", exit_on_error=False)

    async def _take_up(self, state: RunState) -> None:
        if state.plan is None:
            return
        setup = state.plan.kind == "setup"
        try:
            if setup:
                await self.road.journey.open(state.plan.target)
            else:
                await self.road.journey.operate(state.plan)
        except (OSError, RuntimeError) as error:
            self.say(f"The run could not be taken up: {error}", "FAIL")
            return
        if self.road.journey.go():
            self.app.push_screen("deploy" if setup else "progress")
