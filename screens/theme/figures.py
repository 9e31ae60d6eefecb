"""Figures as text: fixed forms, units always there, unknown never shown as zero."""

from __future__ import annotations

import textwrap


def usd(amount: float | None, per: str = "") -> str:
    """`$12.34/day`; a missing price reads `unknown`."""
    suffix = f"/{per}" if per else ""
    if amount is None:
        return "unknown"
    return f"${amount:,.2f}{suffix}"


def duration(seconds: float) -> str:
    """`42s`, `3m05s`, `1h02m`: at most six cells below ten hours."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def clip(text: str, width: int) -> str:
    """`text` in at most `width` cells; a cut is marked with an ellipsis."""
    if len(text) <= width:
        return text
    return text[: max(0, width - 1)] + "…" if width > 0 else ""


def count(number: int, one: str) -> str:
    """`1 replica`, `3 replicas`."""
    return f"{number} {one}{'' if number == 1 else 's'}"


def hang(text: str, width: int, indent: int) -> str:
    """`text` wrapped at `width` cells, every line led by `indent` spaces: a second line stays under the first."""
    lead = " " * indent
    return textwrap.fill(text, max(20, width), initial_indent=lead, subsequent_indent=lead, break_on_hyphens=False)


def tail(text: str, width: int) -> str:
    """The end of `text` in at most `width` cells: for names that differ at their end, as pods do."""
    if len(text) <= width:
        return text
    return "…" + text[len(text) - width + 1 :] if width > 0 else ""


def gauge(done: float, total: float, width: int) -> str:
    """A bar of `width` cells that reads without colour: filled, then light."""
    share = 0.0 if total <= 0 else max(0.0, min(1.0, done / total))
    full = round(share * width)
    return "█" * full + "░" * (width - full)
