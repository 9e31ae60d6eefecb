"""Cloud time, compressed: durations are divided by the rate; time stamps stay wall time, so kubectl's AGE is sane."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime


class CloudClock:
    """`rate` cloud seconds pass in one wall second."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    async def sleep(self, cloud_seconds: float) -> None:
        """Let cloud seconds pass."""
        await asyncio.sleep(max(0.0, cloud_seconds) / self.rate)

    def monotonic(self) -> float:
        """Cloud seconds on a monotonic scale: differences are cloud durations."""
        return time.monotonic() * self.rate

    @staticmethod
    def stamp() -> str:
        """Now, as Kubernetes writes it: whole seconds, UTC."""
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    @staticmethod
    def stamp_micro() -> str:
        """Now with microseconds: leases, event times, log lines."""
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
