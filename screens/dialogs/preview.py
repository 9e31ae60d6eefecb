"""What a change would do, to read before saying yes; long texts scroll."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static


class Preview(ModalScreen[bool]):
    """True only on `y`. With `refused` nothing can be applied, and the dialog only shows why."""

    BINDINGS = [
        Binding("y", "answer(True)", "Apply"),
        Binding("n,escape,q,enter", "answer(False)", "Leave"),
    ]

    def __init__(self, title: str, body: Content, *, refused: bool = False) -> None:
        super().__init__()
        self._title = title
        self._body = body
        self._refused = refused

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog-box") as box:
            box.border_title = self._title
            box.border_subtitle = "Esc leaves it" if self._refused else "y applies it, n or Esc leaves it"
            yield Static(self._body)

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer and not self._refused)
