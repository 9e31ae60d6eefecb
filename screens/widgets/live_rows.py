"""Rows that change all the time: only those on screen are made, so that 200 of them cost as much as 20."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual


class LiveRows(ScrollView, can_focus=True):
    """`show(count, line)` takes over; `line(y, width)` makes one row when it is needed. The cursor keeps its place."""

    DEFAULT_CSS = """
    LiveRows { background: $background; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; overflow-x: hidden; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="rows.up", tooltip="One row up"),
        Binding("down,j", "move(1)", "Down", show=False, id="rows.down", tooltip="One row down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="rows.pageup", tooltip="One page up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="rows.pagedown", tooltip="One page down"),
        Binding("home,g", "edge(0)", "First", show=False, id="rows.first", tooltip="The first row"),
        Binding("end,G", "edge(1)", "Last", show=False, id="rows.last", tooltip="The last row"),
        Binding("enter", "choose", "Details", id="rows.details", tooltip="Everything about the row under the cursor"),
    ]
    at: reactive[int] = reactive(0)
    """The row under the cursor."""

    class Chosen(Message):
        """Enter, or a click on the row under the cursor."""

        def __init__(self, rows: LiveRows) -> None:
            super().__init__()
            self.rows = rows

        @property
        def control(self) -> LiveRows:
            return self.rows

    class Moved(Chosen):
        """The cursor is on another row."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._count = 0
        self._line: Callable[[int, int], Content] = lambda y, width: Content("")
        self._made: dict[int, Strip] = {}
        """Rows as they stand, without the cursor, so that moving it makes one row and not all of them."""

    def show(self, count: int, line: Callable[[int, int], Content]) -> None:
        """Show these rows from now on."""
        self._count, self._line = count, line
        if self.virtual_size.height != count:
            self.virtual_size = Size(0, count)
        self.at = max(0, min(self.at, count - 1))
        self._made.clear()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        at, width = y + self.scroll_offset.y, self.size.width
        if at >= self._count:
            return Strip.blank(width, self.rich_style)
        if at == self.at and self.has_focus:
            content = self._line(at, width)
            content = content.pad_right(max(0, width - content.cell_length)).stylize(
                "$block-cursor-foreground on $block-cursor-background"
            )
            return self._strip(content, width)
        strip = self._made.get(at)
        if strip is None:
            strip = self._made[at] = self._strip(self._line(at, width), width)
        return strip

    def _strip(self, content: Content, width: int) -> Strip:
        strips = Visual.to_strips(self, content, width, 1, self.visual_style)
        return strips[0] if strips else Strip.blank(width, self.rich_style)

    def notify_style_update(self) -> None:
        """Colours may have changed: nothing that was made holds."""
        self._made.clear()
        super().notify_style_update()

    def on_resize(self) -> None:
        self._made.clear()

    def watch_at(self, before: int, at: int) -> None:
        top = self.scroll_offset
        self.scroll_to_region(Region(0, at, 1, 1), animate=False, x_axis=False)
        if self.scroll_offset == top:
            self.refresh_line(before)
            self.refresh_line(at)
        self.post_message(self.Moved(self))

    def _go(self, y: int) -> None:
        self.at = max(0, min(y, self._count - 1))

    def action_move(self, rows: int) -> None:
        self._go(self.at + rows)

    def action_page(self, pages: int) -> None:
        self._go(self.at + pages * max(1, self.size.height - 1))

    def action_edge(self, end: int) -> None:
        self._go(self._count - 1 if end else 0)

    def action_choose(self) -> None:
        if self._count:
            self.post_message(self.Chosen(self))

    def on_click(self, event: events.Click) -> None:
        y = self.scroll_offset.y + event.y
        if y == self.at:
            self.action_choose()
        elif y < self._count:
            self._go(y)
