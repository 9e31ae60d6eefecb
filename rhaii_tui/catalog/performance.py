"""Speed figures with provenance. None is a capacity, and none is an acceptance threshold."""

from __future__ import annotations

from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict

from rhaii_tui.catalog.load import facts
from rhaii_tui.catalog.shapes import Shape


class Fact(BaseModel):
    """One figure someone gave. `value_cached` holds with a warm prefix cache; `concurrency` is requests in flight."""

    model_config = ConfigDict(frozen=True)

    text: str
    value: float
    unit: str
    provenance: Literal["measured", "claimed"]
    source: str
    as_of: str
    value_cached: float | None = None
    concurrency: int | None = None


@cache
def performance(shape: Shape, kind: Literal["throughput", "latency"]) -> tuple[Fact, ...]:
    """What is known of a shape, measured before claimed; empty when nobody said anything."""
    found = [f for f in facts("performance")["fact"] if f["shape"] == shape.id and f["kind"] == kind]
    ordered = sorted(found, key=lambda f: f["provenance"] != "measured")
    return tuple(Fact(**{k: v for k, v in f.items() if k not in ("shape", "kind")}) for f in ordered)
