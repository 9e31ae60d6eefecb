"""How a status looks: glyph, word and style together, so that nothing is said by colour alone."""

from __future__ import annotations

from typing import NamedTuple

from textual.content import Content


class Sign(NamedTuple):
    """One status on screen. `style` is a Textual style that may use theme variables."""

    glyph: str
    word: str
    style: str

    def content(self, width: int = 0) -> Content:
        """Glyph and word, padded to `width` cells."""
        return Content.styled(f"{self.glyph} {self.word}".ljust(width), self.style)


_NONE = Sign("·", "", "$dim")

STATUS = {
    "PASS": Sign("✓", "PASS", "$success"),
    "WARN": Sign("!", "WARN", "$warning bold"),
    "FAIL": Sign("✗", "FAIL", "$error bold"),
    "SKIP": Sign("–", "SKIP", "$dim"),
    "UNKNOWN": Sign("?", "UNKNOWN", "$warning"),
}

STEP = {
    "waiting": Sign("·", "waiting", "$dim"),
    "running": Sign("▸", "running", "$accent bold"),
    "done": Sign("✓", "done", "$success"),
    "already": Sign("=", "already there", "$success"),
    "skipped": Sign("–", "skipped", "$dim"),
    "failed": Sign("✗", "failed", "$error bold"),
    "cancelled": Sign("■", "stopped", "$warning"),
}

CONDITION = {
    "True": Sign("✓", "True", "$success"),
    "False": Sign("✗", "False", "$error"),
    "Unknown": Sign("?", "Unknown", "$warning"),
}

VERDICT = {
    "PROVEN": Sign("✓", "PROVEN", "$success bold"),
    "NOT PROVEN": Sign("✗", "NOT PROVEN", "$error bold"),
    "NOT APPLICABLE": Sign("–", "NOT APPLICABLE", "$dim"),
    "UNKNOWN": Sign("?", "UNKNOWN", "$warning bold"),
}

ALL = {**STATUS, **STEP, **CONDITION, **VERDICT}


def sign(status: str) -> Sign:
    """The sign of any status word; an unlisted one keeps its word and no colour."""
    return ALL.get(status, _NONE._replace(word=status))
