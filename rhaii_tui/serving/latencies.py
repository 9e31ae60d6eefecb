"""A vLLM scrape with its latency histograms, read cheaply enough for hundreds of replicas.

A real scrape is 59 kB and 500 samples; only the lines of wanted families are parsed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from rhaii_tui.serving import metrics
from rhaii_tui.serving.metrics import Sample, Scrape

HISTOGRAMS: Mapping[str, tuple[str, ...]] = {
    "ttft": ("vllm:time_to_first_token_seconds",),
    "itl": ("vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds"),
}
"""Newest name first: time per output token was renamed to inter-token latency in vLLM 0.11."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Cumulative counts by upper bound in seconds (the last bound is infinite), sum of values in seconds, count."""

    bounds: tuple[float, ...]
    counts: tuple[float, ...]
    sum: float
    count: float


@dataclass(frozen=True, slots=True)
class Latency:
    """What a histogram gained in a window. `mean` is exact; a percentile is only known to lie within a bucket.

    Seconds. `p50_bucket` and `p95_bucket` are that bucket's upper bound, infinite beyond the last one.
    """

    count: float
    mean: float
    p50_bucket: float
    p95_bucket: float


@dataclass(frozen=True, slots=True)
class EngineReading:
    """One replica's counters, gauges and latency histograms at a moment."""

    scrape: Scrape
    histograms: Mapping[str, Histogram]


def read(text: str) -> EngineReading:
    """A replica's `/metrics`. What it does not publish is missing, never zero."""
    rows = metrics.samples("\n".join(_WANTED.findall(text)))
    found = {}
    for key, names in HISTOGRAMS.items():
        for name in names:
            if (histogram := _histogram(rows, name)) is not None:
                found[key] = histogram
                break
    return EngineReading(metrics.vllm_rows(rows), found)


def gained(before: Histogram | None, after: Histogram | None) -> Latency | None:
    """The window between two readings; None when it holds no observation or the process started over."""
    if before is None or after is None or before.bounds != after.bounds:
        return None
    count, total = after.count - before.count, after.sum - before.sum
    steps = [b - a for a, b in zip(before.counts, after.counts, strict=True)]
    if count <= 0 or total < 0 or any(step < 0 for step in steps):
        return None
    return Latency(count, total / count, _bucket(after.bounds, steps, 0.5), _bucket(after.bounds, steps, 0.95))


def _bucket(bounds: tuple[float, ...], cumulative: list[float], share: float) -> float:
    rank = share * cumulative[-1]
    return next((b for b, n in zip(bounds, cumulative, strict=True) if n >= rank), math.inf)


def _histogram(rows: list[Sample], name: str) -> Histogram | None:
    buckets: dict[float, float] = {}
    total = count = 0.0
    for row in rows:
        if row.name == f"{name}_bucket":
            try:
                bound = float(row.labels.get("le", ""))
            except ValueError:
                continue
            buckets[bound] = buckets.get(bound, 0.0) + row.value
        elif row.name == f"{name}_sum":
            total += row.value
        elif row.name == f"{name}_count":
            count += row.value
    if not buckets or math.isnan(total) or math.isnan(count):
        return None
    bounds = tuple(sorted(buckets))
    return Histogram(bounds, tuple(buckets[b] for b in bounds), total, count)


_NAMES = {
    *(name for names in metrics.VLLM_ALIASES.values() for name in names),
    *(f"{name}_{part}" for names in HISTOGRAMS.values() for name in names for part in ("bucket", "sum", "count")),
    "vllm:cache_config_info",
}
_WANTED = re.compile(rf"^(?:{'|'.join(sorted(map(re.escape, _NAMES)))})[{{ \t].*$", re.MULTILINE)
