"""Test: is the endpoint healthy, do prefixes stay together, does the cache deliver, how fast is it?"""

from __future__ import annotations

import time
from collections.abc import Iterator

from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker

from rhaii_tui.cachetest.records import TestPlan
from screens import console_pages as pages
from screens.bridge import ASSIGN_SECONDS
from screens.console_state import ConsoleState, fold
from screens.dialogs.reader import Reader
from screens.road_screen import RoadScreen


class CacheConsoleScreen(RoadScreen):
    """Begins by itself: it only asks the service, and says how many requests."""

    STAGE = "Test"
    SUMMARY = "Sends long prefixes again and again and reads the replicas' own counters. Latency alone proves nothing."
    CSS = """
    CacheConsoleScreen #test-head { height: 1; padding: 0 1; }
    CacheConsoleScreen #test-all { height: 1fr; }
    CacheConsoleScreen #test-all:focus { border: none; }
    CacheConsoleScreen .pane { height: auto; }
    CacheConsoleScreen #test-middle { height: auto; }
    CacheConsoleScreen #test-matrix-pane { width: 28; }
    CacheConsoleScreen.-wide #test-matrix-pane, CacheConsoleScreen.-broad #test-matrix-pane { width: 48; }
    CacheConsoleScreen #test-right { width: 1fr; height: auto; }
    CacheConsoleScreen.-short .pane { border-top: none; }
    CacheConsoleScreen.-short #test-verdict-pane, CacheConsoleScreen.-short #test-middle { border-top: solid $rule; }
    """
    BINDINGS = [
        Binding("r", "again", "Test again", id="test.again", tooltip="Run the whole test once more"),
        Binding(
            "g,enter", "go_on", "Go on: summary", key_display="g", id="road.next", tooltip="To the summary; Enter too"
        ),
        Binding("c", "stop", "Stop", id="test.stop", tooltip="Stop sending; what was seen stays"),
        Binding("i", "read", "Reasons", id="test.read", tooltip="Verdict and reasons in full"),
    ]
    AUTO_FOCUS = "#test-all"

    tested: reactive[ConsoleState] = reactive(ConsoleState())

    def __init__(self) -> None:
        super().__init__()
        self._plan = TestPlan()
        self._work: Worker[None] | None = None

    def body(self) -> Iterator[Widget]:
        yield Static(id="test-head")
        with VerticalScroll(id="test-all"):
            with Vertical(classes="pane") as health:
                health.border_title = "Health"
                yield Static(id="test-health")
            with Horizontal(id="test-middle"):
                with Vertical(classes="pane", id="test-matrix-pane") as matrix:
                    matrix.border_title = "Who answered"
                    yield Static(id="test-matrix")
                with Vertical(id="test-right"):
                    with Vertical(classes="pane") as shares:
                        shares.border_title = "Replicas, by their own counters"
                        yield Static(id="test-shares")
                    with Vertical(classes="pane") as load:
                        load.border_title = "Throughput"
                        yield Static(id="test-load")
            with Vertical(classes="pane", id="test-verdict-pane") as verdict:
                verdict.border_title = "Verdict"
                yield Static(id="test-verdict")

    @property
    def running(self) -> bool:
        """A test is under way."""
        return self._work is not None and not self._work.is_finished

    def on_screen_resume(self) -> None:
        if self._work is None:
            self.action_again()
        self._paint()

    def on_resize(self) -> None:
        self.call_after_refresh(self._paint)

    def watch_tested(self) -> None:
        self._paint()

    def _paint(self) -> None:
        if not self.is_mounted:
            return
        state, width = self.tested, self.size.width - 4
        wide = not self.has_class("-narrow")
        right = width - (48 if wide else 28)
        with self.app.batch_update():
            self.query_one("#test-head", Static).update(pages.head(state, self.running))
            self.query_one("#test-health", Static).update(pages.health(state, width))
            self.query_one("#test-matrix", Static).update(pages.matrix(state, self._plan.repeats, wide))
            self.query_one("#test-shares", Static).update(pages.replicas(state, right))
            self.query_one("#test-load", Static).update(pages.throughput(state))
            self.query_one("#test-verdict", Static).update(pages.verdict(state.verdict))
        self.recheck()
        self.refresh_bindings()

    def action_again(self) -> None:
        if self.refused("again"):
            return
        self.say("")
        self.tested = ConsoleState()
        self._work = self.run_worker(self._test(), exclusive=True, group="test", exit_on_error=False)

    async def _test(self) -> None:
        known = tuple(r.pod for r in self.road.run_state.replicas if r.role == "replica")
        state, painted = ConsoleState(known=known), 0.0
        try:
            async for event in self.road.journey.test(self._plan):
                state = fold(state, event)
                if time.monotonic() - painted >= ASSIGN_SECONDS or state.verdict is not None:
                    self.tested, painted = state, time.monotonic()
        except OSError as error:
            self.say(f"The test stopped: {error}. r tests again.", "FAIL")
        finally:
            self.tested = state
            self.call_after_refresh(self._paint)

    def refusal(self, action: str) -> str:
        if action == "again" and self.running:
            return "A test is under way; c stops it."
        if action == "stop" and not self.running:
            return "No test is under way."
        return ""

    def action_stop(self) -> None:
        if not self.refused("stop") and self._work is not None:
            self._work.cancel()
            self.say("Stopped. What was seen so far stays; there is no verdict.", "WARN")

    def action_go_on(self) -> None:
        self.app.push_screen("done")

    def action_read(self) -> None:
        page = pages.verdict(self.tested.verdict)
        self.app.push_screen(Reader("Verdict", page, page.plain))
