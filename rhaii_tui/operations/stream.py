"""A light, constant stream of requests beside an operation: whether it was felt outside is counted, not assumed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rhaii_tui.catalog.findings import Status
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.serving.gateway_path import GatewayPath

STREAMS = 3
PAUSE = 0.4
"""Requests at a time, and wall seconds between two of one sender: a few short completions a second."""


class RequestStream:
    """`async with`; sends until the block ends, and waits for the answers that are still due.

    `sent` counts requests that have been answered or lost; `lost` those without a 200 with text in it; no request is
    repeated. `told` hears of each.
    """

    def __init__(self, url: str, endpoints: Endpoints, told: Callable[[RequestStream], None]) -> None:
        self.sent = 0
        self.lost = 0
        self.reason = ""
        self._url = url
        self._trust_env = endpoints.trust_env
        self._told = told
        self._ending = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> RequestStream:
        self._tasks = [asyncio.create_task(self._send(), name=f"requests {n}") for n in range(STREAMS)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ending.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send(self) -> None:
        async with GatewayPath(self._url, trust_env=self._trust_env) as path:
            while not self._ending.is_set():
                answer = await path.completion()
                self.sent += 1
                if answer.status is Status.FAIL:
                    self.lost += 1
                    self.reason = answer.message
                self._told(self)
                try:
                    await asyncio.wait_for(self._ending.wait(), PAUSE)
                except TimeoutError:
                    continue
