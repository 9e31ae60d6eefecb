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
        Binding("y", "copy('curl')", "Copy curl", id="done.curl", tooltip="Copy the call that asks the model"),
        Binding("e", "copy('endpoint')", "Copy URL", id="done.url", tooltip="Copy the endpoint's address"),
        Binding("x", "copy('stop')", "Copy stop", id="done.stop", tooltip="Copy the commands that end the cost"),
        Binding("m", "app.monitor", "Monitor", id="done.monitor", tooltip="Watch what runs: load, cache, cost, logs"),
        Binding("t", "test", "Test again", id="done.test", tooltip="Back to the cache console"),
        Binding("d", "deploy", "Deployment", show=False, id="done.deploy", tooltip="Steps, replicas, log and status"),
    ]
    AUTO_FOCUS = "VerticalScroll"

    def body(self) -> Iterator[Widget]:
        with VerticalScroll():
            yield Static(id="done-text")

    def on_mount(self) -> None:
        super().on_mount()
        self.follow("run_state", self._paint)

    def _paint(self) -> None:
        state = self.road.run_state
        self.query_one("#done-text", Static).update(pages.summary(state, usd_per_hour_now(state)))

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
