"""The keys of the screen that was asked about, with what each one means."""

from __future__ import annotations

from typing import Any

from textual.content import Content
from textual.screen import Screen

from screens.dialogs.reader import Reader


def help_page(screen: Screen[Any]) -> Reader:
    """A page made from the bindings that are active now; nothing to keep in step by hand."""
    summary = getattr(screen, "SUMMARY", "")
    lines: list[Content] = [Content(summary), Content("")] if summary else []
    seen: set[tuple[str, str]] = set()
    for active in screen.active_bindings.values():
        binding = active.binding
        if not binding.tooltip or not binding.id or (binding.action, binding.description) in seen:
            continue
        seen.add((binding.action, binding.description))
        keys = [
            screen.app.get_key_display(other.binding)
            for other in screen.active_bindings.values()
            if other.binding.action == binding.action and other.binding.tooltip
        ]
        shown = " ".join(dict.fromkeys(keys))
        refusal = screen.refusal(binding.action) if hasattr(screen, "refusal") else ""
        off = f"  (not now: {refusal})" if refusal else ""
        lines.append(_line(shown, binding.description, binding.tooltip + off))
    lines += [
        Content(""),
        Content.assemble(
            (f"{'^p':<10}", "$accent bold"), f"{'Palette':<16}", ("Everything possible now, by name", "$dim")
        ),
        Content.assemble((f"{'Tab':<10}", "$accent bold"), f"{'Next pane':<16}", ("Shift+Tab goes back", "$dim")),
        Content(""),
        Content("Signs: ✓ PASS  ! WARN  ✗ FAIL  ▸ running  ? UNKNOWN: could not be read, never good"),
        Content("Clock: steps show cloud time. The practice cloud lives through it faster, as the top line says."),
    ]
    return Reader("Help", Content("\n").join(lines))


def _line(keys: str, name: str, meaning: str) -> Content:
    return Content.assemble((f"{keys:<10}", "$accent bold"), f"{name:<16}", (meaning, "$dim"))
