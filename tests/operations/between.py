"""A Google that forgets or changes something: a server between the product and the practice cloud."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from wire import Wire

from rhaii_tui.endpoints import Endpoints

Edit = Callable[[str, str, Any], Any]
"""Method, path and the answer (None: 404), which it may change or replace."""


@asynccontextmanager
async def between(wire: Wire, endpoints: Endpoints, edit: Edit) -> AsyncIterator[Endpoints]:
    """Endpoints whose GKE answers as `edit` has it."""

    async def passed_on(request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        told = await asyncio.to_thread(wire.google, request.method, request.path_qs, body)
        answer = await asyncio.to_thread(edit, request.method, request.path, told)
        if answer is None:
            error = {"code": 404, "message": f"Not found: {request.path}.", "status": "NOT_FOUND"}
            return web.json_response({"error": error}, status=404)
        if "error" in answer and isinstance(answer["error"], dict) and "code" in answer["error"]:
            return web.json_response(answer, status=answer["error"]["code"])
        return web.json_response(answer)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", passed_on)
    async with TestServer(app) as server:
        yield replace(endpoints, container=f"http://127.0.0.1:{server.port}")
