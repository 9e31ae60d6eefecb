"""What scale and teardown share: look at the deployment, show the plan with its bill, ask, and go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual import on
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static

from rhaii_tui.deployment.plan import Plan
from screens import operation_pages as words
from screens import plan_pages as pages
from screens.dialogs.reader import Reader
from screens.road_screen import RoadScreen
from screens.widgets.row_list import RowList

if TYPE_CHECKING:
    from rhaii_tui.operations.discovery import Wish

_USUAL = "usually under 5 s"


class OperationScreen(RoadScreen):
    """Subclasses say in `look` what to read and keep, in `make` what plan comes of it, in `ask` how to agree."""

    CSS_PATH = "theme/operation.tcss"
    BINDINGS = [
        Binding("g", "go_on", "Go on", id="road.next", tooltip="Asks once more, says the price, then begins"),
        Binding("r", "again", "Look again", show=False, id="op.again", tooltip="Read the deployment again"),
        Binding("y", "copy", "Copy", show=False, id="op.copy", tooltip="Copy the commands that do the same by hand"),
    ]
    AUTO_FOCUS = "RowList"

    plan: Plan | None = None
    looking = False

    def body(self) -> Iterator[Widget]:
        with Vertical():
            yield Static(id="op-head", classes="head")
            yield Static(id="op-change", classes="head")
            yield Static(id="op-notes", classes="head")
            yield Static(id="op-columns")
            yield RowList()
            with VerticalScroll(id="op-pane", classes="pane"):
                yield Static(id="op-text")

    def on_mount(self) -> None:
        super().on_mount()
        self.watch(self.app, "cloud_words", self._arrived, init=False)

    def _arrived(self) -> None:
        if self.is_current and self.plan is None and self.road.journey.endpoints is not None:
            self.action_again()

    def on_screen_resume(self) -> None:
        self.action_again()

    def on_resize(self) -> None:
        self.call_after_refresh(self.paint)

    def wish(self) -> Wish:
        """What the screen below is about, else the deployment that was worked on last, else what the project holds.

        Raises Trouble for a service of which only a kubeconfig tells.
        """
        from rhaii_tui.operations.discovery import Wish
        from rhaii_tui.operations.trouble import Trouble

        if (subject := self.road.subject) is not None:
            one = subject.found
            if not one.gke:
                raise Trouble(
                    f"{one} was found by a kubeconfig",
                    "Nodes are added and removed through Google Cloud, and it does not name project and cluster.",
                    "Open the monitor with --project and --cluster.",
                )
            service = f"{one.namespace}/{one.service}"
            return Wish(project=one.project, zone=one.zone, cluster=one.gke, service=service)
        state, settings = self.road.newest, self.road.settings
        if state.plan is None:
            return Wish(project=(settings.get("project") if settings else None) or "")
        t = state.plan.target
        return Wish(project=t.project, zone=t.zone, cluster=t.cluster, service=f"{t.namespace}/{t.service}")

    async def look(self) -> None:
        """Read the deployment. Raises Trouble, CloudError, KubeError, OSError."""
        raise NotImplementedError

    def make(self) -> Plan | None:
        """The plan of what was read and chosen; None while there is nothing to do. Raises Trouble."""
        raise NotImplementedError

    def headline(self) -> Content:
        """Which deployment, and what is chosen."""
        raise NotImplementedError

    @property
    def _under_way(self) -> str:
        """Why nothing else begins while steps are being taken: it would cut them off."""
        return f"{self.road.journey.watched} is under way; it ends first. v shows it."

    def action_again(self) -> None:
        if self.road.journey.endpoints is None:
            self.say("The cloud is not there yet, usually it takes 2 s.", "WARN")
            return
        if self.road.journey.running:
            self.say(self._under_way, "WARN")
            return
        self.looking = True
        self.paint()
        self.run_worker(self._look(), exclusive=True, group="look")

    async def _look(self) -> None:
        from rhaii_tui.google.errors import CloudError
        from rhaii_tui.kube.errors import KubeError
        from rhaii_tui.operations.trouble import Trouble

        problem = ""
        try:
            await self.look()
        except Trouble as trouble:
            problem = f"{trouble.what}. {trouble.why} {trouble.next}"
        except (CloudError, KubeError, OSError) as error:
            problem = f"The deployment could not be read: {error}"
        self.looking = False
        self.say(f"{problem} r looks again." if problem else "", "FAIL" if problem else "")
        self.renew()

    def renew(self) -> None:
        """Plan again for what is chosen now."""
        from rhaii_tui.operations.trouble import Trouble

        try:
            self.plan = self.make()
        except Trouble as trouble:
            self.plan = None
            self.say(f"{trouble.what}. {trouble.why} {trouble.next}", "WARN")
        self.paint()

    def paint(self) -> None:
        """Everything from what is known now."""
        if not self.is_mounted:
            return
        plan, endpoints, width = self.plan, self.road.journey.endpoints, self.size.width - 4
        rate = endpoints.clock.rate if endpoints else 1.0
        looking = Content.styled(f"▸ reading the deployment, {_USUAL}", "$accent")
        self.query_one("#op-head", Static).update(looking if self.looking else self.headline())
        self.query_one("#op-change", Static).update(words.change(plan) if plan else Content(""))
        self.query_one("#op-notes", Static).update(words.notes(plan, rate, width) if plan else Content(""))
        listing = self.query_one(RowList)
        self.query_one("#op-columns", Static).update(pages.heading(listing.room) if plan else Content(""))
        listing.show(pages.rows(plan, listing.room) if plan else [])
        self._paint_step()
        self.recheck()
        self.refresh_bindings()

    def details(self) -> tuple[str, Content]:
        """Title and text of the pane: the step under the cursor."""
        assert self.plan is not None
        spec = self.plan.steps[self.query_one(RowList).at]
        return spec.title, pages.step(self.plan, spec)

    @on(OptionList.OptionHighlighted)
    def _paint_step(self) -> None:
        title, text = self.details() if self.plan is not None else ("", Content(""))
        self.query_one("#op-pane").border_title = title
        self.query_one("#op-text", Static).update(text)

    @on(OptionList.OptionSelected)
    def _read(self) -> None:
        if self.plan is not None:
            title, text = self.details()
            self.app.push_screen(Reader(title, text, text.plain))

    def action_copy(self) -> None:
        if self.plan is not None:
            self.say(self.road.copy(pages.script(self.plan), "The whole plan"), "PASS")

    def refusal(self, action: str) -> str:
        if action == "go_on" and self.road.journey.running:
            return self._under_way
        if action == "go_on" and self.looking:
            return f"Still reading the deployment, {_USUAL}."
        if action == "go_on" and self.plan is None:
            return "There is nothing to do yet."
        return ""

    def action_go_on(self) -> None:
        if not self.refused("go_on"):
            self.ask()

    def ask(self) -> None:
        """Have the user agree, then `begin`."""
        raise NotImplementedError

    def begin(self, by: str) -> None:
        """Approve and go; the progress screen follows it."""
        self.run_worker(self._begin(by), exclusive=True, group="begin", exit_on_error=False)

    async def _begin(self, by: str) -> None:
        from rhaii_tui.deployment.journal import RunBusy

        if self.plan is None:
            return
        try:
            await self.road.journey.operate(self.plan)
        except (OSError, RunBusy) as error:
            self.say(f"It could not begin: {error}", "FAIL")
            return
        if self.road.journey.approve(by):
            self.app.push_screen("progress")
