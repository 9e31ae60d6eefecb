"""One line of text, checked before it is taken."""

from __future__ import annotations

from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static


class Ask(ModalScreen[str | None]):
    """The text, or None. `check` returns what is wrong with a value, or an empty string."""

    BINDINGS = [Binding("escape", "cancel", "Back")]

    def __init__(self, title: str, note: str, current: str, check: Callable[[str], str]) -> None:
        super().__init__()
        self._title = title
        self._note = note
        self._current = current
        self._check = check

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog-box"):
            yield Static(Content(self._title), classes="dialog-title")
            yield Static(Content(self._note), classes="dialog-note")
            field = Input(self._current, compact=True, select_on_focus=True)
            field.cursor_blink = False
            yield field
            yield Static(id="ask-wrong")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        wrong = self._check(event.value.strip())
        self.query_one("#ask-wrong", Static).update(Content(f"✗ {wrong}" if wrong else "Enter takes it, Esc leaves it"))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        value = event.value.strip()
        if not self._check(value):
            self.dismiss(value)

    def action_cancel(self) -> None:
        self.dismiss(None)
