"""Foreign load on an engine: reckoned with, never computed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pressure:
    """Foreign requests in an engine, only reckoned with: sequences that run and wait, their share of the KV blocks.

    `wait` is the seconds a new request waits for a seat; `tokens` are prompt and output tokens per second.
    """

    running: int
    waiting: int
    kv_share: float
    wait: float
    tokens: tuple[float, float]
    preemptions: float = 0.0
