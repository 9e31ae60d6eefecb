"""One of a list, narrowed by typing."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option


class Choice(NamedTuple):
    """A value and the line that shows it."""

    value: str
    label: Content


class Choose(ModalScreen[str | None]):
    """The chosen value, or None. Starts on the current one."""

    BINDINGS = [
        Binding("escape", "cancel", "Back"),
        Binding("down", "step(1)", "Down", show=False, priority=True),
        Binding("up", "step(-1)", "Up", show=False, priority=True),
    ]
    AUTO_FOCUS = "Input"

    def __init__(
        self,
        title: str,
        note: str,
        choices: tuple[Choice, ...],
        current: str,
        check: Callable[[str], str] | None = None,
    ) -> None:
        """`check`: a value that is not listed may be typed, too; what is wrong with it, or an empty string."""
        super().__init__()
        self._check = check
        self._title = title
        self._note = note
        self._choices = choices
        self._shown = choices
        self._current = current

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog-box"):
            yield Static(Content(self._title), classes="dialog-title")
            yield Static(Content(self._note), classes="dialog-note")
            search = Input(placeholder="type to narrow, arrows to move, Enter to choose", compact=True)
            search.cursor_blink = False
            yield search
            yield OptionList()
            yield Static(id="choose-none")

    def on_mount(self) -> None:
        self._fill("")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._fill(event.value)

    def _fill(self, text: str) -> None:
        listing = self.query_one(OptionList)
        self._shown = tuple(c for c in self._choices if text.lower() in c.label.plain.lower())
        listing.clear_options()
        listing.add_options([Option(c.label) for c in self._shown])
        at = next((i for i, c in enumerate(self._shown) if c.value == self._current), 0)
        listing.highlighted = at if self._shown else None
        listing.display = bool(self._shown)
        typed = text.strip()
        wrong = "nothing in the list matches" if self._check is None else self._check(typed)
        said = (
            f"✗ not in the list; {wrong}"
            if wrong
            else f"Not in the list; Enter takes {typed} as typed, the check asks."
        )
        self.query_one("#choose-none", Static).update(Content("" if self._shown else said))

    def action_step(self, step: int) -> None:
        listing = self.query_one(OptionList)
        (listing.action_cursor_down if step > 0 else listing.action_cursor_up)()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        at, typed = self.query_one(OptionList).highlighted, event.value.strip()
        if at is not None:
            self.dismiss(self._shown[at].value)
        elif typed and self._check is not None and not self._check(typed):
            self.dismiss(typed)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._shown[event.option_index].value)

    def action_cancel(self) -> None:
        self.dismiss(None)
