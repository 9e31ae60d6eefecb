"""The last line: the keys that work now, the screen's own first, the general ones at the right end."""

from __future__ import annotations

from textual import events
from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

_GENERAL = ("road.help", "road.back", "road.quit")


def _not_typed(key: str) -> bool:
    """A key that an input line does not take as text, such as `escape` or `enter`."""
    return len(key) > 1 and "_" not in key and "," not in key


class KeyBar(Widget):
    """Keys that do not fit are left out from the end; `?` always stays and lists them all."""

    DEFAULT_CSS = "KeyBar { dock: bottom; height: 1; background: $panel; padding: 0 1; }"

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[object]) -> None:
        self.refresh()

    def _shown(self) -> list[tuple[Binding, bool]]:
        found: dict[str, tuple[Binding, bool]] = {}
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if binding.show and binding.id:
                found.setdefault(binding.id, (binding, active.enabled and not self._refused(binding.action)))
        if isinstance(self.screen.focused, Input):
            found = {id: shown for id, shown in found.items() if _not_typed(shown[0].key)}
        first = getattr(self.screen, "FIRST_KEY", "")
        return sorted(found.values(), key=lambda shown: shown[0].id != first)

    def _refused(self, action: str) -> bool:
        refusal = getattr(self.screen, "refusal", None)
        return bool(refusal and refusal(action))

    def _part(self, binding: Binding, enabled: bool) -> Content:
        key = self.app.get_key_display(binding)
        style = "$accent bold" if enabled else "$dim"
        return Content.assemble((key, style), (f" {binding.description}", "" if enabled else "$dim"))

    def render(self) -> Content:
        shown = self._shown()
        own = [self._part(b, on) for b, on in shown if b.id not in _GENERAL]
        general = [self._part(b, on) for key in _GENERAL for b, on in shown if b.id == key]
        end = Content("  ").join(general)
        room = self.size.width - end.cell_length - 2
        line = Content("")
        for part in own:
            longer = Content.assemble(line, "  " if line else "", part)
            if longer.cell_length > room:
                break
            line = longer
        gap = max(2, self.size.width - line.cell_length - end.cell_length)
        return Content.assemble(line, " " * gap, end)

    def on_click(self, event: events.Click) -> None:
        """A click on a key does what the key does."""
        x, at = event.x - 1, 0
        for binding, _ in [s for s in self._shown() if s[0].id not in _GENERAL]:
            width = self._part(binding, True).cell_length
            if at <= x < at + width:
                self.app.simulate_key(binding.key.split(",")[0])
                return
            at += width + 2
