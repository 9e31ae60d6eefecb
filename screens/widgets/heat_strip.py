"""Replica x time as text: how high is a shape, what went wrong is a letter, colour only repeats both."""

from __future__ import annotations

import math
from typing import NamedTuple

from textual.content import Content

from rhaii_tui.monitor.history import (
    ABSENT,
    METRICS,
    NOT_LIVE,
    NOT_READY,
    READY,
    RESTARTED,
    SECONDS,
    Cell,
    History,
    Metric,
)

LEVELS = "▁▂▃▄▅▆▇█"
LETTERS = {NOT_READY: ("x", "$error bold"), NOT_LIVE: ("?", "$warning"), RESTARTED: ("R", "$warning bold")}
LEGEND = "· nothing   x not ready   R restarted   ? not live"


class Scale(NamedTuple):
    """`name` of the figure, `unit` behind a value, `top` what a full block stands for; None: the highest on show."""

    name: str
    unit: str
    top: float | None


SCALES: dict[Metric, Scale] = {
    "load": Scale("requests running and waiting", "", None),
    "kv": Scale("KV cache in use", "%", 1.0),
    "hit": Scale("prefix hit ratio", "%", 1.0),
    "tokens": Scale("generated tokens/s", "/s", None),
    "ttft": Scale("mean time to first token", " s", None),
}
LEAST_TOP: dict[Metric, float] = {"load": 4.0, "tokens": 10.0, "ttft": 0.1}
"""A full block stands for at least this, so that a single request does not look like a fire."""


def next_metric(metric: Metric) -> Metric:
    """The figure after this one, around."""
    return METRICS[(METRICS.index(metric) + 1) % len(METRICS)]


_WIDTHS = (1, 2, 3, 5, 10, 15, 20, 30, 60)


def seconds_per_cell(columns: int, interval: float, seen: float) -> int:
    """So wide that every cell holds a scrape, and all of them together the `seen` seconds, at most what is kept."""
    wanted = min(float(SECONDS), seen + 10.0)
    return next((w for w in _WIDTHS if w >= interval and w * columns >= wanted), max(_WIDTHS[-1], math.ceil(interval)))


def top_of(rows: list[list[Cell]], metric: Metric) -> float:
    """What a full block stands for."""
    fixed = SCALES[metric].top
    if fixed is not None:
        return fixed
    highest = max((c.value for row in rows for c in row if c.value is not None), default=0.0)
    return max(LEAST_TOP[metric], highest)


def strip(cells: list[Cell], top: float) -> Content:
    """One row of cells."""
    parts: list[tuple[str, str]] = []
    for cell in cells:
        glyph, style = _cell(cell, top)
        if parts and parts[-1][1] == style:
            parts[-1] = (parts[-1][0] + glyph, style)
        else:
            parts.append((glyph, style))
    return Content.assemble(*parts)


def _cell(cell: Cell, top: float) -> tuple[str, str]:
    if cell.sign in LETTERS:
        return LETTERS[cell.sign]
    if cell.value is None:
        return (" ", "") if cell.sign == ABSENT else ("·", "$dim")
    assert cell.sign in (ABSENT, READY)
    share = 0.0 if top <= 0 else max(0.0, min(1.0, cell.value / top))
    if share == 0.0:
        return "·", "$dim"
    level = min(len(LEVELS) - 1, int(share * len(LEVELS)))
    return LEVELS[level], "$accent bold" if level >= 6 else "$accent"


def spark(
    history: History, name: str, metric: Metric, now: float, columns: int, interval: float, top: float
) -> Content:
    """A short strip of the newest `columns` scrapes."""
    return strip(history.cells(name, metric, now, columns, max(1, math.ceil(interval))), top)


def top_text(metric: Metric, top: float) -> str:
    """What a full block stands for, in words."""
    scale = SCALES[metric]
    shown = f"{top * 100:.0f}" if scale.unit == "%" else f"{top:.2g}" if top < 1 else f"{top:.0f}"
    return f"full block {shown}{scale.unit}"


def axis(columns: int, per_cell: int) -> str:
    """`10m ago ... 5m ... now` under the cells."""
    line = [" "] * columns
    for share in (0.0, 0.25, 0.5, 0.75):
        at = round(columns * share)
        back = (columns - at) * per_cell
        text = f"{round(back / 60)}m" if back >= 120 else f"{back}s"
        if at + len(text) + 4 < columns:
            line[at : at + len(text)] = text
    line[max(0, columns - 3) :] = "now"[: min(3, columns)]
    return "".join(line)
