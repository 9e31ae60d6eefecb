"""Google Cloud's REST APIs on one loopback port: their paths do not collide."""

from __future__ import annotations

import logging
from collections import deque

from aiohttp import web
from aiohttp.typedefs import Handler

from rhaii_tui.practice.control_planes import ControlPlanes
from rhaii_tui.practice.google.billing import Billing
from rhaii_tui.practice.google.cloudquotas import CloudQuotas
from rhaii_tui.practice.google.compute import Compute
from rhaii_tui.practice.google.container import Container
from rhaii_tui.practice.google.errors import GoogleError, answer
from rhaii_tui.practice.google.gke import KubernetesEngine
from rhaii_tui.practice.google.instance_groups import InstanceGroups
from rhaii_tui.practice.google.instances import Instances
from rhaii_tui.practice.google.projects import Projects
from rhaii_tui.practice.world import World

_REMEMBERED = 1000
_log = logging.getLogger(__name__)


class GoogleCloud:
    """All imitated Google APIs over one state. `requests` remembers the last calls as (method, path, status)."""

    def __init__(self, world: World, planes: ControlPlanes) -> None:
        self._world = world
        self._instances = Instances(world)
        self.engine = KubernetesEngine(world, planes, self._instances.held)
        self.requests: deque[tuple[str, str, int]] = deque(maxlen=_REMEMBERED)
        self.app = web.Application(middlewares=[self._guard])
        Container(self.engine).add_to(self.app)
        Compute(world, self.engine.held).add_to(self.app)
        InstanceGroups(self.engine).add_to(self.app)
        self._instances.add_to(self.app, self.engine)
        CloudQuotas(world).add_to(self.app)
        Projects(world).add_to(self.app)
        Billing().add_to(self.app)

    async def stop(self) -> None:
        """Abandon every operation."""
        await self.engine.operations.stop()
        await self._instances.stop()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await self._respond(request, handler)
        self.requests.append((request.method, request.path, response.status))
        return response

    async def _respond(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        bearer = request.headers.get("Authorization")
        try:
            known = bearer is None or bearer == f"Bearer {self._world.token}"
            if not known or self._world.faults.on("token-expired"):
                raise GoogleError.unauthenticated()
            return await handler(request)
        except GoogleError as error:
            return answer(error)
        except web.HTTPException as error:
            return answer(GoogleError(error.status, f"{request.method} {request.path}: {error.reason}"))
        except Exception:  # noqa: BLE001 - a defect is Google's internal error to the client, a trace in our log
            _log.exception("%s %s", request.method, request.path)
            return answer(GoogleError(500, "Internal error encountered."))
