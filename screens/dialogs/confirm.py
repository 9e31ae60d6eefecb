"""Yes or no, with the focus on the harmless side."""

from __future__ import annotations

from typing import Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static


class Confirm(ModalScreen[bool]):
    """True only when the user moves to the acting button or presses `y`; Enter alone stays harmless."""

    AUTO_FOCUS = ""
    BINDINGS = [
        Binding("y", "answer(True)", "Yes", id="confirm.yes"),
        Binding("n,escape", "answer(False)", "No", id="confirm.no"),
        Binding("left,right", "app.focus_next", "Other", show=False),
    ]

    def __init__(
        self,
        title: str,
        body: Content,
        yes: str,
        no: str,
        *,
        focus: Literal["yes", "no"] = "no",
        interrupting: bool = False,
    ) -> None:
        """`focus` may be "yes" only where neither side destroys or spends. `interrupting`: Ctrl-C says yes."""
        super().__init__()
        self.interrupting = interrupting
        self._focus = focus
        self._title = title
        self._body = body
        self._yes = yes
        self._no = no

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog-box"):
            yield Static(Content(self._title), classes="dialog-title")
            yield Static(self._body)
            with Horizontal():
                yield Button(Content(f"{self._no} (n)"), id="no", compact=True)
                yield Button(Content(f"{self._yes} (y)"), id="yes", compact=True)

    def on_mount(self) -> None:
        self.query_one(f"#{self._focus}").focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)
