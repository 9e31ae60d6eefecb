"""One line above the keys: why something was refused, what was just done. Stays until the next one."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from screens.theme.signs import STATUS


class NoteLine(Static):
    """Hidden while there is nothing to say; never a toast that runs away."""

    DEFAULT_CSS = """
    NoteLine { dock: bottom; height: auto; max-height: 3; padding: 0 1; margin-bottom: 1; }
    NoteLine { background: $panel; display: none; }
    NoteLine.-said { display: block; }
    """

    def say(self, text: str, status: str = "") -> None:
        """Show `text`, led by the sign of `status`; an empty text hides the line."""
        self.set_class(bool(text), "-said")
        mark = STATUS.get(status)
        lead = Content.styled(f"{mark.glyph} ", mark.style) if mark else Content("")
        self.update(Content.assemble(lead, text))
