"""The lines behind a log view: a bounded ring, a filter, a search. No Textual here."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable

LIMIT = 50_000
"""Lines kept: about 11 MB of vLLM-length lines (213 B each, measured)."""
SLACK = 5_000
"""Trimmed at once, so that dropping from the front of a list costs nothing per line."""
_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
_CONTROL = dict.fromkeys((*range(32), *range(127, 160)), " ")

Predicate = Callable[[str], bool]


def pattern(text: str) -> tuple[re.Pattern[str], bool]:
    """`plain` (case ignored), `/regular expression/`, and a leading `!` for the opposite: (pattern, inverted).

    Raises re.error on a bad expression.
    """
    inverted = text.startswith("!")
    body = text[1:] if inverted else text
    if len(body) > 1 and body.startswith("/") and body.endswith("/"):
        return re.compile(body[1:-1]), inverted
    return re.compile(re.escape(body), re.IGNORECASE), inverted


def clean(line: str) -> str:
    """The line as it may be shown: no terminal escapes, control characters as single spaces."""
    if "\x1b" in line:
        line = _ESCAPE.sub("", line)
    return line if line.isprintable() else line.translate(_CONTROL)


class LogLines:
    """`len()` and `[y]` speak of the lines the filter shows; numbers are stable until the ring drops the oldest."""

    def __init__(self, limit: int = LIMIT, slack: int = SLACK) -> None:
        self._limit = limit
        self._slack = min(slack, limit)
        self._lines: list[str] = []
        self._first = 0
        self._keep: Predicate | None = None
        self._shown: list[int] = []
        self.filter = ""
        self.width = 0
        """Cells of the longest line so far."""

    def __len__(self) -> int:
        return len(self._lines) if self._keep is None else len(self._shown)

    def __getitem__(self, y: int) -> str:
        return self._lines[y] if self._keep is None else self._lines[self._shown[y] - self._first]

    @property
    def total(self) -> int:
        """All lines in the ring, shown or not."""
        return len(self._lines)

    def extend(self, batch: Iterable[str]) -> int:
        """Add lines; returns how many of the shown ones fell out at the front."""
        fresh = [clean(line) for line in batch]
        if not fresh:
            return 0
        self.width = max(self.width, max(map(len, fresh)))
        start = self._first + len(self._lines)
        self._lines.extend(fresh)
        if self._keep is not None:
            keep = self._keep
            self._shown.extend(start + i for i, line in enumerate(fresh) if keep(line))
        return self._trim()

    def _trim(self) -> int:
        excess = len(self._lines) - self._limit
        if excess <= 0:
            return 0
        drop = min(len(self._lines), excess + self._slack)
        del self._lines[:drop]
        self._first += drop
        if self._keep is None:
            return drop
        gone = bisect_left(self._shown, self._first)
        del self._shown[:gone]
        return gone

    def clear(self) -> None:
        """Forget all lines; the filter stays."""
        self._first += len(self._lines)
        self._lines.clear()
        self._shown.clear()
        self.width = 0

    def set_filter(self, text: str) -> None:
        """Show only what matches; an empty text shows all. Raises re.error and then changes nothing."""
        if not text:
            self._keep, self._shown = None, []
        else:
            found, inverted = pattern(text)
            search = found.search
            keep: Predicate = (lambda s: search(s) is None) if inverted else (lambda s: search(s) is not None)
            self._keep = keep
            self._shown = [self._first + i for i, line in enumerate(self._lines) if keep(line)]
        self.filter = text

    def find(self, wanted: re.Pattern[str], start: int, step: int) -> int | None:
        """The next shown line that matches, from `start` in direction `step` (1 or -1), around the end once."""
        count = len(self)
        for i in range(count):
            y = (start + i * step) % count
            if wanted.search(self[y]):
                return y
        return None

    def matches(self, wanted: re.Pattern[str]) -> int:
        """How many shown lines match."""
        return sum(1 for y in range(len(self)) if wanted.search(self[y]))

    def text(self, start: int = 0, end: int | None = None) -> str:
        """Shown lines `start` to `end` (exclusive) as text."""
        return "\n".join(self[y] for y in range(start, len(self) if end is None else min(end, len(self))))
