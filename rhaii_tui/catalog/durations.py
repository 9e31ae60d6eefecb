"""How long things usually take, in cloud seconds, and who says so."""

from __future__ import annotations

from functools import cache

from pydantic import BaseModel, ConfigDict

from rhaii_tui.catalog.load import facts
from rhaii_tui.catalog.shapes import Accelerator


class Duration(BaseModel):
    """Usual, least and most cloud seconds."""

    model_config = ConfigDict(frozen=True)

    seconds: float
    source: str
    least: float | None = None
    most: float | None = None


@cache
def usual(thing: str, accelerator: Accelerator | None = None) -> Duration:
    """The duration of `thing` (cluster, pool, pods, operators …; see durations.toml). Raises KeyError for others."""
    data = facts("durations")
    special = data.get(accelerator.value, {}) if accelerator else {}
    return Duration(**(special.get(thing) or data["any"][thing]))
