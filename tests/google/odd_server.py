"""A server on loopback that answers oddly, as proxies and failing back ends do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from rhaii_tui.clock import Clock
from rhaii_tui.endpoints import Endpoints

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Odd:
    """Where it is, what it has been asked, and what it says next."""

    endpoints: Endpoints
    answer: Answer
    requests: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)


@asynccontextmanager
async def odd_server(answer: Answer, token: Path) -> AsyncIterator[Odd]:
    """Serve until the context ends."""

    async def handle(request: web.Request) -> web.StreamResponse:
        odd.requests.append(f"{request.method} {request.path}")
        odd.tokens.append(request.headers.get("Authorization", ""))
        return await odd.answer(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    url = f"http://{host}:{port}"
    endpoints = Endpoints("odd", url, url, url, url, url, url, Clock(600), token_file=token, trust_env=False)
    odd = Odd(endpoints, answer)
    try:
        yield odd
    finally:
        await runner.cleanup()
