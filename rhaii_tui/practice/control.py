"""The control path: which faults exist, which are on, and the switch. Not a part of any imitated API."""

from __future__ import annotations

import json
from collections.abc import Iterable

from aiohttp import web

from rhaii_tui.practice.faults import CATALOGUE
from rhaii_tui.practice.world import World


class Control:
    """`GET /faults`, `POST /faults/NAME {"on": true}`, `GET /requests` (the last calls to the Google APIs)."""

    def __init__(self, world: World, requests: Iterable[tuple[str, str, int]]) -> None:
        self._world = world
        self._requests = requests
        self.app = web.Application()
        self.app.router.add_get("/faults", self._list)
        self.app.router.add_get("/faults/{name}", self._one)
        self.app.router.add_get("/requests", self._calls)
        self.app.router.add_post("/faults/{name}", self._switch)

    def _record(self, name: str) -> dict[str, object] | None:
        fault = next((f for f in CATALOGUE if f.name == name), None)
        if fault is None:
            return None
        return {"name": fault.name, "where": fault.where, "summary": fault.summary, "on": self._world.faults.on(name)}

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response({"faults": [self._record(f.name) for f in CATALOGUE]})

    async def _one(self, request: web.Request) -> web.Response:
        record = self._record(request.match_info["name"])
        return web.json_response(record) if record else self._unknown(request)

    async def _switch(self, request: web.Request) -> web.Response:
        try:
            body = await request.json()
        except (json.JSONDecodeError, UnicodeDecodeError):
            body = None
        if not isinstance(body, dict) or not isinstance(body.get("on"), bool):
            return web.json_response({"error": 'the body must be {"on": true} or {"on": false}'}, status=400)
        try:
            await self._world.faults.switch(request.match_info["name"], body["on"])
        except KeyError:
            return self._unknown(request)
        return web.json_response(self._record(request.match_info["name"]))

    async def _calls(self, request: web.Request) -> web.Response:
        return web.json_response({"requests": [{"method": m, "path": p, "status": s} for m, p, s in self._requests]})

    @staticmethod
    def _unknown(request: web.Request) -> web.Response:
        names = [f.name for f in CATALOGUE]
        return web.json_response({"error": f"no fault named {request.match_info['name']}", "names": names}, status=404)
