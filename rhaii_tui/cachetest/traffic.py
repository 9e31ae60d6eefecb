"""The parent's end of the load generator: start it, give it work, read its records, and see that it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Any

from rhaii_tui.cachetest.records import Record

LINE_LIMIT = 16 * 1024 * 1024
_FIELDS = tuple(Record.__dataclass_fields__)


class GeneratorDied(RuntimeError):
    """The load generator's process ended in the middle of its work."""


class Traffic:
    """`async with Traffic(base, model) as traffic`: a load generator process for one endpoint."""

    def __init__(self, base: str, model: str) -> None:
        self._hello = {"base": base, "model": model}
        self.process: asyncio.subprocess.Process | None = None
        self.lag_p99_ms = 0.0

    async def __aenter__(self) -> Traffic:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "rhaii_tui.cachetest.loadgen",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            limit=LINE_LIMIT,
        )  # fmt: skip
        await self._send(self._hello)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, value: BaseException | None,
                        trace: TracebackType | None) -> None:  # fmt: skip
        process = self.process
        if process is None or process.stdin is None:
            return
        if kind is not None and process.returncode is None:
            process.kill()
        process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 5)
        if process.returncode is None:
            process.kill()
            await process.wait()

    async def ask(self, request: dict[str, Any]) -> Record:
        """Send one request and wait for its end. Raises GeneratorDied."""
        await self._send({"ask": [request], "concurrency": 1})
        records = [record async for record in self._records()]
        return records[0]

    async def load(
        self, phase: str, prompts: Sequence[str], seconds: float, concurrency: int, max_tokens: int
    ) -> AsyncIterator[Record]:
        """A closed loop over `prompts` in turn for `seconds` of wall time. Raises GeneratorDied."""
        request = {"id": 0, "phase": phase, "family": "", "repeat": 0, "prompt": "", "max_tokens": max_tokens}
        spec = {"seconds": seconds, "concurrency": concurrency, "request": request, "families": list(prompts)}
        await self._send({"load": spec})
        async for record in self._records():
            yield record

    async def _records(self) -> AsyncIterator[Record]:
        assert self.process is not None
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            message = json.loads(line)
            if "done" in message:
                self.lag_p99_ms = max(self.lag_p99_ms, float(message["lag_p99_ms"]))
                return
            yield Record(**{k: v for k, v in message["record"].items() if k in _FIELDS})
        raise GeneratorDied("the load generator ended before its work was done")

    async def _send(self, message: dict[str, Any]) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            await self.process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError) as fault:
            raise GeneratorDied("the load generator ended") from fault
