"""Done: what answers, what it costs, how to look at it, and how to end the cost."""

from __future__ import annotations

from collections.abc import Iterator

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from rhaii_tui.deployment.running_cost import usd_per_hour_now
from screens import done_pages as pages
from screens.road_screen import RoadScreen

_OF_A_SERVICE = ("monitor", "scale", "teardown", "copy", "test")


class DoneScreen(RoadScreen):
    """The end of the road; everything on it can be copied."""

    STAGE = "Done"
    SUMMARY = "The service runs until its node pool is deleted. Copy the call, look at it, or stop paying for it."
    CSS = """
    DoneScreen VerticalScroll { padding: 0 1; }
    DoneScreen.-tall VerticalScroll { padding: 1 2; }
    DoneScreen VerticalScroll:focus { border: none; }
    """
    BINDINGS = [
        Binding("g", "anew", "Go on: decide", id="done.anew", tooltip="To a new decision"),
        Binding("g,m", "monitor", "Go on: monitor", key_display="g", id="road.next", tooltip="Watch what runs"),
        Binding("s", "scale", "Scale, stop", id="done.scale", tooltip="More or fewer replicas, or none; wake"),
        Binding("y", "copy('curl')", "Copy curl", id="done.curl", tooltip="Copy the call that asks the model"),
        Binding("e", "copy('endpoint')", "Copy URL", id="done.url", tooltip="Copy the endpoint's address"),
        Binding("Y", "copy('stop')", "Copy stop", show=False, id="done.stop", tooltip="Copy what ends the cost"),
        Binding("x", "teardown", "Tear down", id="done.teardown", tooltip="Remove what was created; typed name"),
        Binding("t", "test", "Test again", id="done.test", tooltip="Back to the cache console"),
        Binding("v", "deploy", "View the run", show=False, id="done.deploy", tooltip="Steps, replicas, log, status"),
    ]
    AUTO_FOCUS = "VerticalScroll"

    def body(self) -> Iterator[Widget]:
        with VerticalScroll():
            yield Static(id="done-text")

    def on_mount(self) -> None:
        super().on_mount()
        self.follow("run_state", self._paint)
        self.follow("operation_state", self._paint)

    def _paint(self) -> None:
        now = usd_per_hour_now(self.road.newest)
        page = pages.summary(self.road.run_state, now, self.road.operation_state)
        self.query_one("#done-text", Static).update(page)
        self.refresh_bindings()

    @property
    def gone(self) -> bool:
        """The last operation has torn everything down."""
        return pages.is_gone(self.road.operation_state)

    @property
    def FIRST_KEY(self) -> str:  # type: ignore[override]
        return "done.anew" if self.gone else "road.next"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What needs a service is not offered once everything is gone, and a new decision only then."""
        if action in _OF_A_SERVICE:
            return not self.gone
        return self.gone if action == "anew" else True

    def action_anew(self) -> None:
        while len(self.app.screen_stack) > 2:
            self.app.pop_screen()

    def action_monitor(self) -> None:
        self.road.action_monitor()

    def action_scale(self) -> None:
        self.road.action_scale()

    def action_teardown(self) -> None:
        self.road.action_teardown()

    def action_copy(self, what: str) -> None:
        state = self.road.run_state
        text, name = {
            "curl": (pages.curl(state), "The curl line"),
            "endpoint": (state.endpoint, "The address"),
            "stop": (pages.stopping(state), "The commands that end the cost"),
        }[what]
        if text:
            self.say(self.road.copy(text, name), "PASS")
        else:
            self.say("There is no endpoint yet.", "WARN")

    def action_test(self) -> None:
        self.app.pop_screen()

    def action_deploy(self) -> None:
        self.app.push_screen("deploy")
