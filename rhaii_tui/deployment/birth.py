"""Who made an object that bears our name for it: told by what the API server keeps of every object."""

from __future__ import annotations

from typing import Any

Obj = dict[str, Any]
SKEW = 60.0
"""Wall seconds that the clocks of this machine and of an API server may be apart."""


def applied_by_us(obj: Obj, since: float) -> bool:
    """Whether our field manager has applied an object that was born no earlier than `since` (Unix seconds), when we
    asked for it. With nobody's word that it was absent before, this is no proof."""
    from rhaii_tui.kube import timestamps

    born = timestamps.unix(obj["metadata"].get("creationTimestamp"))
    return born is not None and born >= since - SKEW and bool(_times(obj, ours=True))


def made_by_us(obj: Obj, since: float) -> bool:
    """`applied_by_us`, and nobody else has written a field of it before we did."""
    mine = _times(obj, ours=True)
    return applied_by_us(obj, since) and min(_times(obj, ours=False), default=min(mine)) >= min(mine)


def _times(obj: Obj, *, ours: bool) -> list[float]:
    """When each manager has written last, status aside: our applies, or everybody else's changes."""
    from rhaii_tui.kube import timestamps
    from rhaii_tui.kube.connect import FIELD_MANAGER

    return [
        timestamps.unix(entry.get("time")) or 0.0
        for entry in obj["metadata"].get("managedFields") or []
        if not entry.get("subresource")
        and ((entry.get("manager"), entry.get("operation")) == (FIELD_MANAGER, "Apply") if ours
             else entry.get("manager") != FIELD_MANAGER)
    ]  # fmt: skip
