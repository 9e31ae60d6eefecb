"""Rows with a cursor that keep their place while their text changes."""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option


class RowList(OptionList):
    """`show` replaces only the rows that changed, so that cursor and scroll position stay."""

    DEFAULT_CSS = """
    RowList { height: 1fr; border: none; padding: 0; background: $background; }
    RowList { scrollbar-gutter: stable; scrollbar-size-vertical: 1; }
    RowList:focus { border: none; background-tint: $background 0%; }
    RowList.-textual-compact > .option-list--option { padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    RowList > .option-list--option-highlighted { background: $panel; text-style: none; color: $foreground; }
    RowList:focus > .option-list--option-highlighted {
        background: $block-cursor-background; text-style: none; color: $block-cursor-foreground;
    }
    RowList:nocolor > .option-list--option-highlighted { text-style: reverse; }
    """

    BINDINGS = [
        Binding("enter", "select", "Details", id="row.details", tooltip="Everything about the row under the cursor"),
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes, compact=True)
        self._rows: list[Content] = []

    @property
    def room(self) -> int:
        """Cells a row has; the scrollbar's are kept free."""
        inside = self.scrollable_content_region.width or self.app.size.width - 4
        return max(10, inside - self.get_component_styles("option-list--option").padding.width)

    def show(self, rows: Sequence[Content]) -> None:
        """Show these rows, one line each: what is longer than `room` is cut with an ellipsis."""
        fresh = [row.rstrip().truncate(self.room, ellipsis=True) for row in rows]
        if len(fresh) == len(self._rows):
            for i, (old, new) in enumerate(zip(self._rows, fresh, strict=True)):
                if not old.is_same(new):
                    self.replace_option_prompt_at_index(i, new)
        else:
            at = self.highlighted
            self.set_options([Option(row) for row in fresh])
            self.highlighted = min(at or 0, len(fresh) - 1) if fresh else None
        self._rows = fresh

    @property
    def at(self) -> int:
        """The row under the cursor, 0 in an empty list."""
        return self.highlighted or 0
