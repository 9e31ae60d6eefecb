"""An API server over a real TLS socket whose faults are written by the test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web

from rhaii_tui.endpoints import Endpoints, google_cloud
from rhaii_tui.practice.kube.certificates import authority

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
TOKEN = "token-one"
PODS = "/api/v1/namespaces/ns/pods"


class ScriptedApi:
    """`answer` handles every request; `asked` keeps (method, path, query) in order."""

    def __init__(self, folder: Path) -> None:
        self._authority = authority("scripted")
        self.ca_pem = self._authority.ca_pem
        self.token_file = folder / "token"
        self.token_file.write_text(TOKEN)
        self.answer: Answer = not_there
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.arrived = asyncio.Condition()
        self.address = ""
        self._runner: web.AppRunner | None = None

    def endpoints(self) -> Endpoints:
        """Real addresses of Google that nothing here uses, and the token file."""
        return replace(google_cloud(), token_file=self.token_file, trust_env=False)

    async def start(self) -> None:
        """Listen; on the same port as before after `stop`."""
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._handle)
        port = int(self.address.rpartition(":")[2]) if self.address else 0
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=self._authority.server_context())
        await site.start()
        self.address = f"127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Cut everything."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def requests(self, count: int) -> None:
        """Wait until so many requests have arrived."""
        async with self.arrived:
            await asyncio.wait_for(self.arrived.wait_for(lambda: len(self.asked) >= count), 20)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        async with self.arrived:
            self.asked.append((request.method, request.path, dict(request.query)))
            self.headers.append(dict(request.headers))
            self.bodies.append(await request.read())
            self.arrived.notify_all()
        return await self.answer(request)


async def not_there(request: web.Request) -> web.StreamResponse:
    """A Status 404."""
    return status(404, "NotFound", f"{request.path} not found")


def status(code: int, reason: str, message: str, **extra: Any) -> web.Response:
    """A Status object as the API server writes it."""
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code, **extra}
    if reason:
        body["reason"] = reason
    return web.json_response(body, status=code)


def pod(name: str, version: int, **labels: str) -> dict[str, Any]:
    """A pod with managedFields, as every real one has."""
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "resourceVersion": str(version),
            "labels": labels,
            "managedFields": [{"manager": "kubelet"}],
        },
    }


def pod_list(version: int, *pods: dict[str, Any], token: str = "") -> web.Response:
    """A PodList page."""
    meta = {"resourceVersion": str(version)} | ({"continue": token} if token else {})
    return web.json_response({"kind": "PodList", "apiVersion": "v1", "metadata": meta, "items": list(pods)})


def event(type_: str, obj: dict[str, Any]) -> bytes:
    """One line of a watch."""
    return json.dumps({"type": type_, "object": obj}).encode() + b"\n"


async def stream(request: web.Request, *chunks: bytes, hold: bool = True) -> web.StreamResponse:
    """A chunked answer; with `hold` it stays open in silence."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    for chunk in chunks:
        await response.write(chunk)
    if hold:
        await asyncio.Event().wait()
    return response


def cut(request: web.Request) -> None:
    """Break the connection below HTTP, in the middle of whatever was being sent."""
    assert request.transport is not None
    request.transport.abort()
