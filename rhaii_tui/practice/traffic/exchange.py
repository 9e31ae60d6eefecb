"""A request and its answer on their way through the data plane, before they are HTTP again."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from aiohttp import web

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Call:
    """One request as the server behind the route sees it: `path` is rewritten, `request_id` is Envoy's."""

    method: str
    path: str
    body: bytes
    request_id: str


@dataclass(slots=True)
class Answer:
    """Status, headers and either a whole body or a stream of its parts."""

    status: int
    body: bytes | AsyncGenerator[bytes, None] = b""
    headers: dict[str, str] = field(default_factory=dict)


class ConnectionLost(Exception):
    """The server went away while it was answering."""


async def send(request: web.Request, answer: Answer, headers: Mapping[str, str]) -> web.StreamResponse:
    """Write an answer to the client with extra headers; a stream is flushed part by part."""
    merged = {**answer.headers, **headers}
    if isinstance(answer.body, bytes):
        return web.Response(status=answer.status, body=answer.body, headers=merged)
    response = web.StreamResponse(status=answer.status, headers=merged)
    await response.prepare(request)
    try:
        async with aclosing(answer.body) as parts:
            async for part in parts:
                await response.write(part)
    except ConnectionLost:
        # The status is out already: a cut stream is how a client learns of it.
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response
