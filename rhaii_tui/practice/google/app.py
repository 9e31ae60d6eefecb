"""Google Cloud's REST APIs on one loopback port: their paths do not collide."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from rhaii_tui.practice.control_planes import ControlPlanes
from rhaii_tui.practice.google.container import Container
from rhaii_tui.practice.google.errors import GoogleError, answer
from rhaii_tui.practice.google.gke import KubernetesEngine
from rhaii_tui.practice.world import World


class GoogleCloud:
    """All imitated Google APIs over one state."""

    def __init__(self, world: World, planes: ControlPlanes) -> None:
        self._world = world
        self.engine = KubernetesEngine(world, planes, list)
        self.app = web.Application(middlewares=[self._guard])
        Container(self.engine).add_to(self.app)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        bearer = request.headers.get("Authorization")
        try:
            if bearer is not None and bearer != f"Bearer {self._world.token}":
                raise GoogleError.unauthenticated()
            return await handler(request)
        except GoogleError as error:
            return answer(error)
        except web.HTTPException as error:
            return answer(GoogleError(error.status, f"{request.method} {request.path}: {error.reason}"))
