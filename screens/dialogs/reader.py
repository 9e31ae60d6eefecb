"""A page of text to read and leave: help, the details of something, a long line in full."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static


class Reader(ModalScreen[None]):
    """`copy` is what `y` puts on the clipboard; without it the key is not offered."""

    BINDINGS = [
        Binding("escape,q,enter,question_mark,f1", "leave", "Back"),
        Binding("y", "copy", "Copy"),
    ]

    def __init__(self, title: str, body: Content, copy: str = "") -> None:
        super().__init__()
        self._title = title
        self._body = body
        self._copy = copy

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog-box") as box:
            box.border_title = self._title
            box.border_subtitle = "y copy, Esc back" if self._copy else "Esc back"
            yield Static(self._body)

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_copy(self) -> None:
        if self._copy:
            self.app.copy_to_clipboard(self._copy)
            self.query_one(VerticalScroll).border_subtitle = "sent to the terminal's clipboard (OSC 52), Esc back"
