"""Text that changes many times a second: painted when it differs, laid out anew only when it needs other room."""

from __future__ import annotations

from typing import cast

from textual.content import Content
from textual.css.styles import RulesMap
from textual.widgets import Static


class LiveText(Static):
    """`Static.update` lays the whole screen out each time (2-5 ms); most updates change figures, not heights."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._shown: Content | None = None

    def show(self, text: Content | str) -> None:
        """Show this from now on; costs nothing when it is what stands there."""
        content = Content(text) if isinstance(text, str) else text
        if self._shown is not None and content.is_same(self._shown):
            return
        layout = bool(self.styles.is_auto_height) and self._lines(content) != self._lines(self._shown)
        self._shown = content
        self.update(content, layout=layout)

    def _lines(self, content: Content | None) -> int:
        if content is None or not self.size.width:
            return -1
        return content.get_height(cast(RulesMap, self.styles), self.size.width)
