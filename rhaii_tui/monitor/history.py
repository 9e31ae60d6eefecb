"""The last minutes of every replica, one slot per second: what heat strips and sparklines are drawn from."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from typing import Literal

SECONDS = 600
"""Slots per replica; with five figures and a sign about 13 KB."""
MOST = 512
"""Replicas remembered, gone ones included: at most 7 MB."""

Metric = Literal["load", "kv", "hit", "tokens", "ttft"]
METRICS: tuple[Metric, ...] = ("load", "kv", "hit", "tokens", "ttft")
"""Requests running and waiting; KV use 0..1; hit ratio 0..1; generated tokens/s; mean time to first token, seconds."""

ABSENT, READY, NOT_READY, NOT_LIVE, RESTARTED = range(5)
"""Signs, in the order of rising weight: the heaviest within a cell is the one shown."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A stretch of time: the highest value in it, None when nothing was measured, and the heaviest sign."""

    value: float | None
    sign: int


class _Ring:
    __slots__ = ("last", "signs", "values")

    def __init__(self) -> None:
        self.values: dict[Metric, array[float]] = {m: array("f", [math.nan]) * SECONDS for m in METRICS}
        self.signs = array("B", [ABSENT]) * SECONDS
        self.last: int | None = None


class History:
    """Rings by replica. Seconds are whole Unix seconds; a slot older than the ring is gone."""

    def __init__(self) -> None:
        self._rings: dict[str, _Ring] = {}

    def names(self) -> tuple[str, ...]:
        """Replicas remembered, oldest first."""
        return tuple(self._rings)

    def mark(self, name: str, at: float, sign: int) -> None:
        """How the replica stood in this second."""
        ring = self._ring(name, int(at))
        slot = int(at) % SECONDS
        ring.signs[slot] = max(ring.signs[slot], sign)

    def put(self, name: str, since: float, at: float, values: dict[Metric, float | None]) -> None:
        """Figures that hold for the seconds after `since` up to `at` (at most a ring's length)."""
        second = int(at)
        ring = self._ring(name, second)
        first = max(int(since) + 1, second - SECONDS + 1)
        for t in range(min(first, second), second + 1):
            for metric, value in values.items():
                ring.values[metric][t % SECONDS] = math.nan if value is None else value

    def cells(self, name: str, metric: Metric, now: float, columns: int, width: int = 1) -> list[Cell]:
        """`columns` cells of `width` seconds, oldest first; the newest ends with the second before `now`.

        Cells end on multiples of `width`, so that a strip shifts by whole cells instead of flickering.
        """
        ring = self._rings.get(name)
        end = int(now) // width * width
        if ring is None or ring.last is None:
            return [Cell(None, ABSENT)] * columns
        oldest = ring.last - SECONDS + 1
        values, signs = ring.values[metric], ring.signs
        found = []
        for start in range(end - columns * width, end, width):
            value, sign = None, ABSENT
            for t in range(max(start, oldest), min(start + width, ring.last + 1)):
                sign = max(sign, signs[t % SECONDS])
                v = values[t % SECONDS]
                if v == v and (value is None or v > value):
                    value = v
            found.append(Cell(value, sign))
        return found

    def _ring(self, name: str, second: int) -> _Ring:
        ring = self._rings.get(name)
        if ring is None:
            while len(self._rings) >= MOST:
                del self._rings[min(self._rings, key=lambda n: self._rings[n].last or 0)]
            ring = self._rings[name] = _Ring()
        if ring.last is None or second > ring.last:
            start = second if ring.last is None else max(ring.last + 1, second - SECONDS + 1)
            for t in range(start, second + 1):
                ring.signs[t % SECONDS] = ABSENT
                for values in ring.values.values():
                    values[t % SECONDS] = math.nan
            ring.last = second
        return ring
