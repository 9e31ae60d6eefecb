"""Answers as a compact grid: key, name, value. The keys themselves are bindings of the screen."""

from __future__ import annotations

from typing import NamedTuple

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from screens.theme.figures import clip


class Field(NamedTuple):
    """`source` says where the value came from; shown where there is room."""

    key: str
    name: str
    value: str
    source: str = ""


class Fields(Widget):
    """As many columns as fit; every cell is clipped, never wrapped."""

    DEFAULT_CSS = "Fields { height: auto; padding: 0 1; text-wrap: nowrap; }"

    fields: reactive[tuple[Field, ...]] = reactive((), layout=True)

    def render(self) -> Content:
        width = max(20, self.size.width or self.app.size.width - 2)
        across = 3 if width >= 150 else 2
        cell = width // across
        lines = []
        for start in range(0, len(self.fields), across):
            parts = [self._cell(field, cell) for field in self.fields[start : start + across]]
            lines.append(Content.assemble(*parts))
        return Content("\n").join(lines)

    def _cell(self, field: Field, width: int) -> Content:
        head = f"{field.key:<3}"
        name = f"{field.name:<10}"
        room = width - len(head) - len(name) - 2
        value = clip(field.value, room)
        source = f"  {field.source}" if field.source and len(value) + len(field.source) + 2 <= room else ""
        pad = " " * max(0, width - len(head) - len(name) - len(value) - len(source))
        return Content.assemble((head, "$accent bold"), (name, "$dim"), value, (source, "$dim"), pad)
