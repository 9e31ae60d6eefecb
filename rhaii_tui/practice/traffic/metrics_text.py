"""Prometheus' text format 0.0.4: counters, gauges and histograms, written as the Python client writes them."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[tuple[str, str], ...]


def number(value: float) -> str:
    """A sample's value."""
    if value == float("inf"):
        return "+Inf"
    return repr(float(value))


def labels_of(values: Mapping[str, str]) -> Labels:
    """Labels in a fixed order."""
    return tuple(sorted(values.items()))


def sample(name: str, labels: Labels, value: float) -> str:
    """One line."""
    if not labels:
        return f"{name} {number(value)}"
    inside = ",".join(f'{key}="{_escape(text)}"' for key, text in labels)
    return f"{name}{{{inside}}} {number(value)}"


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


class Counter:
    """A counter family. `name` without `_total`; every label set given at the start is exposed from zero."""

    def __init__(self, name: str, text: str, *start: Mapping[str, str]) -> None:
        self.name, self.text = name, text
        self.values: dict[Labels, float] = {labels_of(labels): 0.0 for labels in start}
        self._created = time.time()

    def add(self, amount: float, labels: Mapping[str, str]) -> None:
        """Count."""
        at = labels_of(labels)
        self.values[at] = self.values.get(at, 0.0) + amount

    def lines(self) -> list[str]:
        """The family, with its `_created` series."""
        total, created = f"{self.name}_total", f"{self.name}_created"
        return [
            f"# HELP {total} {self.text}",
            f"# TYPE {total} counter",
            *(sample(total, labels, value) for labels, value in self.values.items()),
            f"# HELP {created} {self.text}",
            f"# TYPE {created} gauge",
            *(sample(created, labels, self._created) for labels in self.values),
        ]


class Histogram:
    """A histogram family of one label set. `bounds` are upper bounds, ascending, without infinity."""

    def __init__(self, name: str, text: str, bounds: Sequence[float], labels: Mapping[str, str]) -> None:
        self.name, self.text, self.bounds = name, text, tuple(bounds)
        self.labels = labels_of(labels)
        self.sum = 0.0
        self._counts = [0] * (len(self.bounds) + 1)
        self._created = time.time()

    @property
    def count(self) -> int:
        """Observations so far."""
        return sum(self._counts)

    def observe(self, value: float) -> None:
        """Count one value."""
        self.sum += value
        self._counts[bisect_left(self.bounds, value)] += 1

    def lines(self) -> list[str]:
        """The family: cumulative buckets, count, sum and `_created`."""
        lines = [f"# HELP {self.name} {self.text}", f"# TYPE {self.name} histogram"]
        running = 0
        for bound, count in zip((*self.bounds, float("inf")), self._counts, strict=True):
            running += count
            lines.append(sample(f"{self.name}_bucket", (*self.labels, ("le", number(bound))), running))
        lines += [sample(f"{self.name}_count", self.labels, running), sample(f"{self.name}_sum", self.labels, self.sum)]
        created = f"{self.name}_created"
        return [
            *lines,
            f"# HELP {created} {self.text}",
            f"# TYPE {created} gauge",
            sample(created, self.labels, self._created),
        ]


def gauge(name: str, text: str, *samples: tuple[Mapping[str, str], float]) -> list[str]:
    """A gauge family read at scrape time."""
    return [
        f"# HELP {name} {text}",
        f"# TYPE {name} gauge",
        *(sample(name, labels_of(labels), value) for labels, value in samples),
    ]


def steps_1_2_5(limit: int) -> list[float]:
    """1, 2, 5, 10, 20, 50 ... up to `limit`: the buckets of token counts."""
    bounds: list[float] = []
    magnitude = 1
    while True:
        for factor in (1, 2, 5):
            if factor * magnitude > limit:
                return bounds
            bounds.append(float(factor * magnitude))
        magnitude *= 10
