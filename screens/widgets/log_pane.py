"""A log view with everything around it: stream switcher, filter and search lines, what it is doing, copying."""

from __future__ import annotations

import re
from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Input

from rhaii_tui.deployment.logbook import LogBook
from screens.dialogs.reader import Reader
from screens.theme.figures import tail
from screens.widgets.live_text import LiveText
from screens.widgets.log_view import LogView
from screens.widgets.prompt_line import PromptLine

_ASK = {
    "filter": "show only: text, /regex/, !not this",
    "search": "find: text or /regex/, then n and N",
}


class LogPane(Vertical):
    """Shows one stream of a log book at a time; the rest keeps arriving in the book and on disk."""

    DEFAULT_CSS = """
    LogPane { height: 1fr; }
    LogPane > #log-head { height: 1; padding: 0 1; color: $dim; background: $surface; }
    LogPane > #log-foot { height: auto; max-height: 3; padding: 0 1; color: $dim; background: $surface; }
    LogPane > LogView { height: 1fr; }
    """
    BINDINGS = [
        Binding("f", "ask('filter')", "Filter", id="log.filter", tooltip="Show matching lines: text, /regex/, !not"),
        Binding("slash", "ask('search')", "Search", id="log.search", tooltip="Find and highlight, keep all lines"),
        Binding("n", "step(1)", "Next", show=False, id="log.next", tooltip="Next match"),
        Binding("N", "step(-1)", "Previous", show=False, id="log.previous", tooltip="Previous match"),
        Binding("p", "pause", "Pause", id="log.pause", tooltip="Hold new lines back, or let them in"),
        Binding("y", "copy(False)", "Copy", id="log.copy", tooltip="Copy the selection or the current line"),
        Binding("Y", "copy(True)", "Copy all", show=False, id="log.copyall", tooltip="Copy all lines shown"),
        Binding("left_square_bracket", "stream(-1)", "Stream", show=False, id="log.before", tooltip="Stream before"),
        Binding(
            "right_square_bracket", "stream(1)", "Stream", key_display="[ ]", id="log.after", tooltip="Next stream"
        ),
        Binding("enter", "read", "Line", show=False, id="log.read", tooltip="The whole line, wrapped"),
        Binding("escape", "clear", "Clear", show=False, id="log.clear", tooltip="Drop selection, search, then filter"),
    ]

    stream = reactive("", init=False)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._book: LogBook | None = None
        self._stop: Callable[[], None] = lambda: None
        self._chosen = False
        """The user has switched streams; until then the newest one is shown when it appears."""
        self._seen: frozenset[str] = frozenset()
        self._search = ""
        self._note = ""

    def compose(self) -> ComposeResult:
        yield LiveText(id="log-head")
        yield LogView(id="log-view")
        yield PromptLine(id="log-prompt")
        yield LiveText(id="log-foot")

    @property
    def view(self) -> LogView:
        """The lines themselves."""
        return self.query_one(LogView)

    def attach(self, book: LogBook, *, hide: str = "") -> None:
        """Show this book from now on; `hide` begins as the filter, so that such lines are left out until Esc."""
        if book is self._book:
            return
        if hide and not self.view.lines.filter:
            self._filter(f"!{hide}")
        self._stop()
        self._book, self._chosen = book, False
        self._stop = book.listen(self._arrived)
        self.stream = ""
        self.view.clear()
        self._seen = frozenset(book.streams())
        if streams := book.streams():
            self.stream = streams[-1]
        self._paint()

    def on_unmount(self) -> None:
        self._stop()

    def _arrived(self, stream: str, lines: list[str]) -> None:
        known = self._seen
        self._seen = known | {stream}
        if not self.stream or (not self._chosen and stream not in known):
            self.stream = stream
        elif stream == self.stream:
            self.view.extend(lines)
        else:
            self._paint_head()

    def watch_stream(self, stream: str) -> None:
        if self._book is None or not stream:
            return
        self.view.clear()
        self.view.extend(self._book.lines(stream))
        self.view.flush()
        self._paint()

    def on_mount(self) -> None:
        self._paint()

    @on(LogView.Changed)
    def _changed(self) -> None:
        if self.is_on_screen:
            self._paint()

    def on_show(self) -> None:
        self._paint()

    def on_resize(self) -> None:
        self._paint()

    def _paint(self) -> None:
        self._paint_head()
        self._paint_foot()

    def _paint_head(self) -> None:
        streams = self._book.streams() if self._book else ()
        head = self.query_one("#log-head", LiveText)
        if not streams:
            head.show(Content("Log: the first lines come when the first container starts"))
            return
        at = streams.index(self.stream) + 1 if self.stream in streams else 0
        many = f"  {at} of {len(streams)} streams, [ and ] switch" if len(streams) > 1 else ""
        room = max(10, self.size.width - 8 - len(many))
        head.show(Content.assemble("Log ", (tail(self.stream, room), "$foreground bold"), many))

    def _paint_foot(self) -> None:
        view = self.view
        parts: list[Content] = []
        if view.paused:
            parts.append(Content.styled(f"PAUSED, {view.waiting:,} waiting (p)", "$warning bold"))
        elif view.following:
            parts.append(Content.styled("following", "$accent"))
        else:
            new = f"{view.new_lines:,} new lines" if view.new_lines else "not following"
            parts.append(Content.styled(f"{new} (End)", "$warning"))
        shown, total = len(view.lines), view.lines.total
        parts.append(Content(f"{shown:,} of {total:,} lines" if view.lines.filter else f"{total:,} lines"))
        if view.lines.filter:
            parts.append(Content(f"filter {view.lines.filter}"))
        if self._search:
            parts.append(Content(f"find {self._search}"))
        if view.mark is not None:
            parts.append(Content.styled(f"selecting {view.selected()[1]} (y copies)", "$accent"))
        if self._note:
            parts.insert(0, Content.styled(self._note, "$foreground"))
        self.query_one("#log-foot", LiveText).show(Content(" · ").join(parts))

    def say(self, note: str) -> None:
        """A short remark in the foot line, until the next one."""
        self._note = note
        self._paint_foot()

    def action_ask(self, purpose: str) -> None:
        value = self.view.lines.filter if purpose == "filter" else self._search
        self.query_one(PromptLine).ask(purpose, _ASK[purpose], value)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        text = event.value.strip()
        half_an_expression = text.lstrip("!").startswith("/") and not re.fullmatch(r"!?/.+/", text)
        if self.query_one(PromptLine).purpose == "filter" and not half_an_expression:
            self._filter(text)

    @on(PromptLine.Answered)
    def _answered(self, event: PromptLine.Answered) -> None:
        event.stop()
        self.view.focus()
        if event.purpose == "filter":
            self._filter(event.value)
        else:
            self._find(event.value)

    @on(PromptLine.Dismissed)
    def _dismissed(self, event: PromptLine.Dismissed) -> None:
        event.stop()
        self.view.focus()

    def _filter(self, text: str) -> None:
        try:
            self.view.set_filter(text)
            self.say("")
        except re.error as error:
            self.say(f"not a regular expression: {error}")

    def _find(self, text: str) -> None:
        try:
            found = self.view.set_search(text)
        except re.error as error:
            self.say(f"not a regular expression: {error}")
            return
        self._search = text
        self.say(f"{found:,} lines match, n and N step" if text else "")

    def action_step(self, step: int) -> None:
        if not self._search:
            self.action_ask("search")
        elif not self.view.search_step(step):
            self.say("no line matches")

    def action_pause(self) -> None:
        self.view.toggle_pause()

    def action_copy(self, everything: bool) -> None:
        lines = self.view.lines
        text, what = (lines.text(), f"{len(lines):,} lines") if everything else self.view.selected()
        if not text:
            self.say("nothing to copy")
            return
        self.app.copy_to_clipboard(text)
        kept = f"; all of it: {self._book.path(self.stream)}" if self._book and self._book.on_disk else ""
        self.say(f"{what} sent to the terminal's clipboard (OSC 52){kept}")

    def action_read(self) -> None:
        view = self.view
        if len(view.lines):
            line = view.lines[view.cursor]
            self.app.push_screen(Reader(self.stream, Content(line), line))

    def action_stream(self, step: int) -> None:
        streams = self._book.streams() if self._book else ()
        if len(streams) > 1 and self.stream in streams:
            self._chosen = True
            self.stream = streams[(streams.index(self.stream) + step) % len(streams)]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc belongs to the pane only while it has something to clear."""
        if action == "clear":
            view = self.view
            return bool(view.mark is not None or self._search or view.lines.filter or view.text_selection)
        return True

    def action_clear(self) -> None:
        view = self.view
        if view.text_selection is not None:
            self.screen.clear_selection()
        elif view.mark is not None:
            view.action_mark()
        elif self._search:
            self._find("")
        else:
            self._filter("")
