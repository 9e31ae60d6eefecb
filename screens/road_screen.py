"""What all screens of the road share: top bar, note line, keys, and going back without losing anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen
from textual.widget import Widget

from screens.app import RhaiiApp
from screens.subject import Subject
from screens.widgets.key_bar import KeyBar
from screens.widgets.note_line import NoteLine
from screens.widgets.top_bar import TopBar


class RoadScreen(Screen[None]):
    """`STAGE` is its word in the top bar. Subclasses yield their own widgets in `body`."""

    STAGE = ""
    SUMMARY = ""
    """One sentence for the help page: what this screen is for."""
    FIRST_KEY = "road.next"
    """The id of the binding that the key bar shows first: the next decision. It is `g` on every screen."""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (160, "-broad")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]
    BINDINGS = [
        Binding("escape", "back", "Back", id="road.back", tooltip="To the screen before; answers are kept"),
        Binding("question_mark,f1", "app.help", "Help", key_display="?", id="road.help", tooltip="Keys of this screen"),
        Binding(
            "d", "app.troubleshoot", "Troubleshoot", show=False, id="road.doctor", tooltip="Which hop is broken, why"
        ),
        Binding("q", "app.quit", "Quit", id="road.quit", tooltip="Leave; asks first while something runs"),
    ]

    subject: Subject | None = None
    """The service this screen is about; None: the one that was worked on last."""
    _refused = ""
    """The action whose refusal stands in the note line."""

    def compose(self) -> ComposeResult:
        yield TopBar(self.STAGE)
        yield from self.body()
        yield NoteLine()
        yield KeyBar()

    def body(self) -> Iterator[Widget]:
        """The screen's own widgets."""
        raise NotImplementedError

    @property
    def road(self) -> RhaiiApp:
        """The application, by its own type."""
        app = self.app
        assert isinstance(app, RhaiiApp)
        return app

    def follow(self, name: str, paint: Callable[[], None]) -> None:
        """Repaint when an attribute of the app changes, and once now."""
        self.watch(self.app, name, lambda: paint() if self.is_mounted else None, init=False)
        paint()

    def on_mount(self) -> None:
        self.follow("cloud_words", self._paint_bar)
        self.follow("spending", self._paint_bar)

    def _paint_bar(self) -> None:
        bar = self.query_one(TopBar)
        bar.cloud = self.road.cloud_words
        bar.spending = self.road.spending

    def refusal(self, action: str) -> str:
        """Why an action is not possible now; empty when it is. Keys of refused actions are greyed and say this."""
        return ""

    def refused(self, action: str) -> bool:
        """Say why, when there is a reason."""
        reason = self.refusal(action)
        if reason:
            self.say(reason, "WARN")
            self._refused = action
        return bool(reason)

    def recheck(self) -> None:
        """Take a refusal back from the note line once it no longer holds."""
        if self._refused and not self.refusal(self._refused):
            self.say("")

    def say(self, text: str, status: str = "") -> None:
        """Tell something in the line above the keys."""
        self._refused = ""
        self.query_one(NoteLine).say(text, status)

    def action_back(self) -> None:
        if len(self.app.screen_stack) > 2:
            self.app.pop_screen()
        else:
            self.say("This is the first screen. q leaves.", "SKIP")
