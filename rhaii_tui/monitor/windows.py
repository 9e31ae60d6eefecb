"""Counters of one process over time: rates and ratios over a window, none across a restart."""

from __future__ import annotations

from collections import deque

from rhaii_tui.monitor.state import Figures
from rhaii_tui.serving import metrics
from rhaii_tui.serving.latencies import EngineReading, gained

SPAN = 60.0
"""Wall seconds behind ratios and latencies: long enough for a figure at a few requests a minute."""
BRISK = 8.0
"""Wall seconds behind rates per second."""
KEPT = 16
"""Readings kept per process, so that 200 replicas take a few MB."""


class Window:
    """Readings of one process, oldest first. A reading that is older or smaller than its forerunner starts over."""

    def __init__(self, span: float = SPAN) -> None:
        self._span = span
        self._readings: deque[tuple[float, EngineReading]] = deque()
        self.restarted_at: float | None = None

    @property
    def last_at(self) -> float | None:
        """When the newest reading was taken."""
        return self._readings[-1][0] if self._readings else None

    def add(self, at: float, reading: EngineReading) -> None:
        """Take a reading over."""
        if self._readings and metrics.delta(self._readings[-1][1].scrape, reading.scrape) is None:
            self._readings.clear()
            self.restarted_at = at
        step = self._span / KEPT
        if len(self._readings) >= 2 and self._readings[-1][0] - self._readings[-2][0] < step:
            # The newest but one may go once the brisk rates have an older neighbour.
            self._readings.pop()
        self._readings.append((at, reading))
        while len(self._readings) > 2 and at - self._readings[1][0] >= self._span:
            self._readings.popleft()

    def clear(self) -> None:
        """After a gap the old readings say nothing about a rate."""
        self._readings.clear()

    def figures(self) -> Figures:
        """The newest reading with what the window adds."""
        if not self._readings:
            return Figures()
        at, newest = self._readings[-1]
        values = newest.scrape.values
        first_at, first = self._readings[0]
        long = metrics.delta(first.scrape, newest.scrape) or {}
        brisk_at, brisk = next(((t, r) for t, r in reversed(self._readings) if at - t >= BRISK), (first_at, first))
        short = metrics.delta(brisk.scrape, newest.scrape) or {}
        seconds = at - brisk_at

        def rate(name: str) -> float | None:
            return short[name] / seconds if seconds > 0 and name in short else None

        queries, hits = long.get("prefix_queries", 0.0), long.get("prefix_hits")
        ratio = min(1.0, hits / queries) if queries > 0 and hits is not None else values.get("hit_rate")
        return Figures(
            at=at,
            window=at - first_at,
            running=_whole(values.get("running")),
            waiting=_whole(values.get("waiting")),
            kv_usage=values.get("kv_usage"),
            hit_ratio=ratio,
            lookups=long.get("prefix_queries"),
            tokens_per_s=rate("generation_tokens"),
            prompt_tokens_per_s=rate("prompt_tokens"),
            requests_per_s=rate("requests"),
            ttft=gained(first.histograms.get("ttft"), newest.histograms.get("ttft")),
            itl=gained(first.histograms.get("itl"), newest.histograms.get("itl")),
            restarted_at=self.restarted_at,
        )


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
