"""The load generator: a program of its own, so that no user interface shares its interpreter and blurs its clock.

Reads JSON lines on standard input, writes JSON lines on standard output; ends with its input.
  {"base": URL, "model": ID}                                            first line
  {"ask": [REQUEST, ...], "concurrency": N}                             send these, at most N at once
  {"load": {"seconds": S, "concurrency": N, "request": REQUEST, "families": [PROMPT, ...]}}   closed loop
REQUEST: {"id", "phase", "family", "repeat", "prompt", "max_tokens"}. Answers: {"record": {...}} per request, then
{"done": phase, "lag_p99_ms": L}. One client per worker: a shared pool slows down tenfold with concurrency.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx

TIMEOUT = httpx.Timeout(60.0, connect=5.0)
MARKER = "x-went-into-resp-headers"
UPSTREAM = "x-rhaii-upstream"


class Lag:
    """How late the loop wakes a 10 ms ticker: the generator's own health."""

    def __init__(self) -> None:
        self.late: list[float] = []

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            due = time.perf_counter() + 0.01
            await asyncio.sleep(0.01)
            self.late.append((time.perf_counter() - due) * 1000)
            del self.late[:-2000]

    def p99(self) -> float:
        """Milliseconds; 0 before there is anything."""
        late, self.late = sorted(self.late), []
        return late[int(len(late) * 0.99)] if late else 0.0


async def ask(client: httpx.AsyncClient, model: str, request: dict[str, Any]) -> dict[str, Any]:
    """Send one streamed completion and time it. Never raises for what a server or a network may do."""
    body = {
        "model": model, "prompt": request["prompt"], "max_tokens": request["max_tokens"], "temperature": 0,
        "stream": True, "stream_options": {"include_usage": True},
    }  # fmt: skip
    record: dict[str, Any] = {k: request[k] for k in ("id", "phase", "family", "repeat")}
    record |= {"status": 0, "ttft_ms": None, "total_ms": None, "error": "", "picked": False, "upstream": ""}
    sent, complete = time.perf_counter(), False
    try:
        async with client.stream("POST", "v1/completions", json=body) as response:
            record["status"] = response.status_code
            record["picked"] = response.headers.get(MARKER) == "true"
            record["upstream"] = response.headers.get(UPSTREAM, "")
            if response.status_code != 200:
                record["error"] = (await response.aread()).decode(errors="replace")[:300] or "empty body"
            else:
                async for data in _events(response):
                    complete = complete or data == "[DONE]"
                    _take(record, data, sent)
                if not complete:
                    record["error"] = "the stream ended before [DONE]"
    except (httpx.HTTPError, ValueError) as fault:
        record["error"] = f"{type(fault).__name__}: {fault}"[:300]
    record["total_ms"] = (time.perf_counter() - sent) * 1000
    return record


async def _events(response: httpx.Response) -> AsyncIterator[str]:
    async for line in response.aiter_lines():
        if line.startswith("data:"):
            yield line[5:].strip()


def _take(record: dict[str, Any], data: str, sent: float) -> None:
    if data == "[DONE]":
        return
    chunk = json.loads(data)
    if chunk.get("choices") and record["ttft_ms"] is None:
        record["ttft_ms"] = (time.perf_counter() - sent) * 1000
    if usage := chunk.get("usage"):
        record["prompt_tokens"] = usage.get("prompt_tokens")
        record["output_tokens"] = usage.get("completion_tokens")
        record["cached_tokens"] = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")


class Generator:
    """Workers with a warm client each."""

    def __init__(self, base: str, model: str) -> None:
        self._base = base.rstrip("/") + "/"
        self._model = model
        self._clients: list[httpx.AsyncClient] = []
        self.lag = Lag()

    async def clients(self, count: int) -> list[httpx.AsyncClient]:
        """The first `count` clients; new ones send one discarded request: no measured one pays for connecting."""
        fresh = [httpx.AsyncClient(base_url=self._base, timeout=TIMEOUT, trust_env=not _loopback(self._base))
                 for _ in range(count - len(self._clients))]  # fmt: skip
        self._clients += fresh
        await asyncio.gather(*(c.get("v1/models") for c in fresh), return_exceptions=True)
        return self._clients[:count]

    async def ask_all(self, requests: list[dict[str, Any]], concurrency: int) -> None:
        """Send the requests in order, at most `concurrency` at once."""
        queue = list(reversed(requests))

        async def work(client: httpx.AsyncClient) -> None:
            while queue:
                write({"record": await ask(client, self._model, queue.pop())})

        await asyncio.gather(*(work(c) for c in await self.clients(concurrency)))

    async def load(self, spec: dict[str, Any]) -> None:
        """Closed loop: each worker sends its next request as soon as the last one ended, until the time is over."""
        clients, count = await self.clients(spec["concurrency"]), 0
        end = time.monotonic() + spec["seconds"]

        async def work(client: httpx.AsyncClient) -> None:
            nonlocal count
            while time.monotonic() < end:
                count += 1
                prompts = spec["families"]
                request = dict(spec["request"], id=count, prompt=prompts[count % len(prompts)],
                               family=str(count % len(prompts)), repeat=count // len(prompts))  # fmt: skip
                write({"record": await ask(client, self._model, request)})

        await asyncio.gather(*(work(c) for c in clients))

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(c.aclose() for c in self._clients))


def _loopback(base: str) -> bool:
    return httpx.URL(base).host in ("127.0.0.1", "localhost", "::1")


def write(message: dict[str, Any]) -> None:
    """One line out, at once."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


async def serve() -> None:
    """Follow the commands on standard input until it closes."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=16 * 1024 * 1024)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    hello = json.loads(await reader.readline())
    generator = Generator(hello["base"], hello["model"])
    watcher = asyncio.create_task(generator.lag.watch())
    try:
        while line := await reader.readline():
            command = json.loads(line)
            generator.lag.p99()
            if "load" in command:
                await generator.load(command["load"])
            else:
                await generator.ask_all(command["ask"], command["concurrency"])
            write({"done": True, "lag_p99_ms": generator.lag.p99()})
    finally:
        watcher.cancel()
        await generator.close()


if __name__ == "__main__":
    asyncio.run(serve())
