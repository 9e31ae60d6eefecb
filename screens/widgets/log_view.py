"""A log that keeps keys answering: line API over a bounded ring, repainted at most five times a second.

`RichLog` renders every line when it is written and stalls the loop at a few thousand lines a second; this widget
renders only what is on screen (benchmarks/log_view.py runs both side by side).
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from screens.widgets.log_lines import LIMIT, LogLines, pattern

FLUSH_SECONDS = 0.5 if "SSH_CONNECTION" in os.environ else 0.2
"""A log repaint costs about 15 KB of terminal output; over SSH half as many are still live enough."""
_ALARM = re.compile(r"\b(ERROR|CRITICAL|FATAL|Traceback|panic:)")
_CAUTION = re.compile(r"\bWARN(ING)?\b")


class LogView(ScrollView, can_focus=True):
    """Follows its end until the user scrolls up; End returns. `paused` keeps new lines waiting."""

    COMPONENT_CLASSES = {"log--cursor", "log--mark", "log--hit", "log--alarm", "log--caution"}
    DEFAULT_CSS = """
    LogView { background: $background; padding: 0 0 0 1; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; }
    LogView .log--cursor { background: $panel; text-style: bold; }
    LogView .log--mark { background: $block-cursor-background; color: $block-cursor-foreground; }
    LogView .log--hit { text-style: reverse; }
    LogView .log--alarm { color: $error; }
    LogView .log--caution { color: $warning; }
    LogView:nocolor .log--mark { text-style: reverse; }
    LogView:nocolor .log--cursor { text-style: bold underline; }
    """
    BINDINGS = [
        Binding("up,k", "move(-1)", "Line up", show=False, id="log.up", tooltip="One line up; leaves following"),
        Binding("down,j", "move(1)", "Line down", show=False, id="log.down", tooltip="One line down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="log.pageup", tooltip="One page up; leaves following"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="log.pagedown", tooltip="One page down"),
        Binding("home", "top", "Oldest", show=False, id="log.top", tooltip="The oldest line kept"),
        Binding("end,G", "follow", "Follow", show=False, id="log.end", tooltip="The newest line; follow again"),
        Binding("left", "sideways(-8)", "Left", show=False, id="log.left", tooltip="Scroll left"),
        Binding("right", "sideways(8)", "Right", show=False, id="log.right", tooltip="Scroll right"),
        Binding("v", "mark", "Select", show=False, id="log.mark", tooltip="Start or end a selection of lines"),
    ]

    following = reactive(True)
    paused = reactive(False)
    cursor = reactive(0)
    """The current line among the shown ones."""
    mark: reactive[int | None] = reactive(None)
    """Where the keyboard selection began; None without one."""

    class Changed(Message):
        """Counts, following, pause, filter, search or selection changed."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, LogView.Changed)

    def __init__(self, *, id: str | None = None, limit: int = LIMIT) -> None:
        super().__init__(id=id)
        self.lines = LogLines(limit)
        self._pending: deque[str] = deque(maxlen=limit)
        self._flushing = False
        self._search: re.Pattern[str] | None = None
        self.new_lines = 0
        """Lines that arrived while the end was out of sight."""

    def extend(self, batch: Iterable[str]) -> None:
        """Add lines; they appear with the next flush. Call on the event loop."""
        self._pending.extend(batch)
        if not self._flushing and not self.paused and self.is_attached:
            self._flushing = True
            self.set_timer(FLUSH_SECONDS, self._timed_flush)
        elif self.paused:
            self.post_message(self.Changed())

    def on_mount(self) -> None:
        self.flush()

    def _timed_flush(self) -> None:
        self._flushing = False
        if not self.paused:
            self.flush()

    def flush(self) -> None:
        """Take the pending lines over now."""
        before = len(self.lines)
        dropped = self.lines.extend(self._pending)
        self._pending.clear()
        arrived = len(self.lines) - before + dropped
        if dropped:
            self._shift(dropped)
        if not self.following:
            self.new_lines += arrived
        self._resized()

    def _shift(self, dropped: int) -> None:
        """The oldest lines left: what the user looks at stays where it is."""
        self.set_reactive(LogView.cursor, max(0, self.cursor - dropped))
        if self.mark is not None:
            self.set_reactive(LogView.mark, max(0, self.mark - dropped))
        if self.text_selection is not None:
            self.screen.clear_selection()
        if not self.following:
            self.scroll_to(y=max(0, self.scroll_offset.y - dropped), animate=False, immediate=True)

    def _resized(self) -> None:
        self._measure(Size(self.lines.width, len(self.lines)))
        if self.following:
            self._to_end()
        self.cursor = max(0, min(self.cursor, len(self.lines) - 1))
        self.refresh()
        self.post_message(self.Changed())

    def _measure(self, size: Size) -> None:
        """More lines than fit before and after: only the scrollbar's handle changes, nothing needs a new layout."""
        before, room = self.virtual_size, self.scrollable_content_region.size
        same = (before.height > room.height) == (size.height > room.height)
        if not same or (before.width > room.width) != (size.width > room.width) or not room:
            self.virtual_size = size
            return
        self.set_reactive(LogView.virtual_size, size)
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.window_virtual_size = size.height
        if self.show_horizontal_scrollbar:
            self.horizontal_scrollbar.window_virtual_size = size.width
        self.scroll_y = self.validate_scroll_y(self.scroll_y)

    def _to_end(self) -> None:
        self.new_lines = 0
        self.set_reactive(LogView.cursor, max(0, len(self.lines) - 1))
        self.scroll_to(y=max(0, len(self.lines) - self._rows), animate=False, immediate=True)

    @property
    def _rows(self) -> int:
        return max(1, self.scrollable_content_region.height)

    @property
    def waiting(self) -> int:
        """Lines that arrived during a pause."""
        return len(self._pending) if self.paused else 0

    def clear(self) -> None:
        """Forget everything, as for another stream; filter and search stay."""
        self.lines.clear()
        self._pending.clear()
        self.mark, self.new_lines, self.paused, self.following = None, 0, False, True
        self._resized()

    def set_filter(self, text: str) -> None:
        """Show matching lines only. Raises re.error."""
        self.lines.set_filter(text)
        self.mark, self.following = None, True
        self._resized()

    def set_search(self, text: str) -> int:
        """Highlight matches and go to the nearest one backwards; how many lines match. Raises re.error."""
        self._search = pattern(text.removeprefix("!"))[0] if text else None
        self.refresh()
        if self._search is None:
            self.post_message(self.Changed())
            return 0
        self.search_step(-1, include=True)
        return self.lines.matches(self._search)

    def search_step(self, step: int, *, include: bool = False) -> bool:
        """To the next (1) or previous (-1) match; False when there is none."""
        if self._search is None or not len(self.lines):
            return False
        found = self.lines.find(self._search, self.cursor + (0 if include else step), step)
        if found is None:
            return False
        self._go(found)
        return True

    def selected(self) -> tuple[str, str]:
        """What `y` copies and its name: the mouse selection, else the marked lines, else the current line."""
        if self.text_selection is not None:
            text = self.get_selection(self.text_selection)
            if text and text[0]:
                return text[0], "selection"
        if not len(self.lines):
            return "", "nothing"
        low, high = self._marked()
        count = high - low + 1
        return self.lines.text(low, high + 1), "line" if count == 1 else f"{count} lines"

    def _marked(self) -> tuple[int, int]:
        anchor = self.cursor if self.mark is None else self.mark
        return min(anchor, self.cursor), max(anchor, self.cursor)

    def _go(self, y: int) -> None:
        self.following = False
        self.cursor = max(0, min(y, len(self.lines) - 1))
        self.scroll_to_region(Region(self.scroll_offset.x, self.cursor, 1, 1), animate=False, x_axis=False)
        self.refresh()
        self.post_message(self.Changed())

    def action_move(self, lines: int) -> None:
        self._go(self.cursor + lines)

    def action_page(self, pages: int) -> None:
        self._go(self.cursor + pages * (self._rows - 1))

    def action_top(self) -> None:
        self._go(0)

    def action_follow(self) -> None:
        self.paused = False
        self.following = True
        self.flush()

    def action_sideways(self, cells: int) -> None:
        self.scroll_relative(x=cells, animate=False)

    def action_mark(self) -> None:
        self.mark = self.cursor if self.mark is None else None
        self.following = False
        self.refresh()
        self.post_message(self.Changed())

    def toggle_pause(self) -> None:
        """Hold new lines back, or let them in."""
        self.paused = not self.paused
        if not self.paused:
            self.flush()
        self.post_message(self.Changed())

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.following = False
        self.post_message(self.Changed())

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        if self.scroll_offset.y + self._rows + 1 >= len(self.lines):
            self.action_follow()

    def on_click(self, event: events.Click) -> None:
        if self.text_selection is None:
            self._go(self.scroll_offset.y + event.y)

    def on_resize(self, event: events.Resize) -> None:
        if self.following:
            self._to_end()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        start = selection.start.y if selection.start else 0
        end = selection.end.y + 1 if selection.end else len(self.lines)
        lines = [self.lines[y] for y in range(max(0, start), min(end, len(self.lines)))]
        if not lines:
            return None
        if selection.end and end <= len(self.lines):
            lines[-1] = lines[-1][: selection.end.x]
        if selection.start:
            lines[0] = lines[0][selection.start.x :]
        return "\n".join(lines), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        if selection is not None:
            self.following = False
            self.post_message(self.Changed())
        self.refresh()

    def render_line(self, y: int) -> Strip:
        left, top = self.scroll_offset
        width, at, base = self.size.width, top + y, self.rich_style
        if at >= len(self.lines):
            return Strip.blank(width, base)
        strip = Strip(self._segments(at, base)).crop_extend(left, left + width, self._line_style(at, base))
        return strip.apply_offsets(left, at)

    def _line_style(self, at: int, base: Style) -> Style:
        low, high = self._marked()
        if self.mark is not None and low <= at <= high:
            return base + self.get_component_rich_style("log--mark", partial=True)
        if at == self.cursor and self.has_focus and not self.following:
            return base + self.get_component_rich_style("log--cursor", partial=True)
        return base

    def _segments(self, at: int, base: Style) -> list[Segment]:
        line = self.lines[at]
        style = self._line_style(at, base)
        head = line[:120]
        if _ALARM.search(head):
            style += self.get_component_rich_style("log--alarm", partial=True)
        elif _CAUTION.search(head):
            style += self.get_component_rich_style("log--caution", partial=True)
        spans = self._spans(at, line)
        if not spans:
            return [Segment(line, style)]
        segments, last = [], 0
        for start, end, extra in spans:
            if start >= last:
                segments += [Segment(line[last:start], style), Segment(line[start:end], style + extra)]
                last = end
        segments.append(Segment(line[last:], style))
        return [s for s in segments if s.text]

    def _spans(self, at: int, line: str) -> list[tuple[int, int, Style]]:
        spans: list[tuple[int, int, Style]] = []
        selection = self.text_selection
        if selection is not None and (span := selection.get_span(at)) is not None:
            start, end = span
            selected = self.screen.get_component_rich_style("screen--selection")
            return [(start, len(line) if end == -1 else min(end, len(line)), selected)]
        if self._search is not None:
            hit = self.get_component_rich_style("log--hit", partial=True)
            spans = [(m.start(), m.end(), hit) for m in self._search.finditer(line) if m.end() > m.start()]
        return spans
