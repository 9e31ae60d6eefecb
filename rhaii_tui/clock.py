"""The clock of a cloud: real, or compressed by a constant rate.

Cloud durations are what a user waits for on Google Cloud. The practice cloud lives through them faster, so every
wait, poll interval and time-out of the product is written in cloud seconds and divided by the rate in one place: here.
Time stamps are always wall time (Unix seconds); only durations are converted. Request latency is never converted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Clock:
    """`rate` cloud seconds pass in one wall second; 1.0 is the real cloud."""

    rate: float = 1.0

    def now(self) -> float:
        """Wall time, Unix seconds."""
        return time.time()

    def cloud(self, wall_seconds: float) -> float:
        """A measured wall duration in cloud seconds."""
        return wall_seconds * self.rate

    def wall(self, cloud_seconds: float) -> float:
        """How long a cloud duration takes here, in wall seconds."""
        return cloud_seconds / self.rate

    async def sleep(self, cloud_seconds: float, *, least: float = 0.05) -> None:
        """Pause between two looks at the cloud; `least` wall seconds keep a fast clock from spinning."""
        await asyncio.sleep(max(self.wall(cloud_seconds), least))

    async def within(self, cloud_seconds: float, awaitable: Awaitable[T], *, least: float = 5.0) -> T:
        """Await with a limit in cloud seconds, at least `least` wall seconds. Raises TimeoutError."""
        return await asyncio.wait_for(awaitable, max(self.wall(cloud_seconds), least))
