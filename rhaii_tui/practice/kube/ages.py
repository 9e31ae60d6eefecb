"""Ages as kubectl writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def age(stamp: str | None) -> str:
    """Time since an RFC 3339 stamp; `<unknown>` without one."""
    if not stamp:
        return "<unknown>"
    moment = datetime.fromisoformat(stamp.replace("Z", "+00:00"))
    return duration((datetime.now(UTC) - moment).total_seconds())


def duration(seconds: float) -> str:
    """At most two units: `45s`, `3m20s`, `25m`, `5h3m`, `30h`, `3d4h`, `40d`, `2y30d`; zero parts are left out."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    whole = max(0, whole)
    if whole < 120:
        return f"{whole}s"
    minutes = whole // 60
    if minutes < 10:
        return _two(minutes, "m", whole % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    hours = minutes // 60
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    days = hours // 24
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    if days < 2 * 365:
        return f"{days}d"
    if days < 8 * 365:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _two(first: int, unit: str, second: int, small: str) -> str:
    return f"{first}{unit}{second}{small}" if second else f"{first}{unit}"
