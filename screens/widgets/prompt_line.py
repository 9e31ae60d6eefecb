"""One line of input that appears where it is needed and disappears again; Esc leaves everything as it was."""

from __future__ import annotations

from textual.binding import Binding
from textual.message import Message
from textual.widgets import Input


class PromptLine(Input):
    """Hidden until `ask`; then `Answered` or `Dismissed`, and `Input.Changed` on the way."""

    DEFAULT_CSS = """
    PromptLine { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
    PromptLine:focus { border: none; }
    PromptLine.-open { display: block; }
    """
    BINDINGS = [Binding("escape", "dismiss", "Cancel", id="prompt.cancel", tooltip="Leave it as it was")]

    class Answered(Message):
        """Enter was pressed. `purpose` is what was asked for."""

        def __init__(self, purpose: str, value: str) -> None:
            super().__init__()
            self.purpose = purpose
            self.value = value

    class Dismissed(Message):
        """Esc was pressed."""

        def __init__(self, purpose: str) -> None:
            super().__init__()
            self.purpose = purpose

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, compact=True)
        self.purpose = ""
        self.cursor_blink = False

    def ask(self, purpose: str, placeholder: str, value: str = "") -> None:
        """Appear, take the keys, start from `value`."""
        self.purpose = purpose
        self.placeholder = placeholder
        with self.prevent(Input.Changed):
            self.value = value
        self.add_class("-open")
        self.focus()

    def close(self) -> None:
        """Disappear."""
        self.remove_class("-open")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.close()
        self.post_message(self.Answered(self.purpose, self.value.strip()))

    def action_dismiss(self) -> None:
        self.close()
        self.post_message(self.Dismissed(self.purpose))
