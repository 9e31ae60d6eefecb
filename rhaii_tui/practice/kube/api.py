"""The API server: who may enter, what a request is about, which part answers it."""

from __future__ import annotations

import asyncio
import hmac
import logging
from typing import TYPE_CHECKING

from aiohttp import web

from rhaii_tui.practice.kube import discovery, logs, metrics, openapi, proxying, reading, reviews, scale, writing
from rhaii_tui.practice.kube.call import Call, Path, parse
from rhaii_tui.practice.kube.errors import StatusError, resource
from rhaii_tui.practice.kube.permissions import lacks, refusal
from rhaii_tui.practice.kube.watching import Watch

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster

LOG = logging.getLogger(__name__)

OPEN_PATHS = ("/version", "/version/", "/healthz", "/livez", "/readyz")
BURST_PAGE = "<html><head><title>503</title></head><body><h1>503 Service Unavailable</h1></body></html>\n"
# Seconds of an answer while "api-slow" is on.
SLOW = 6.0
_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class Api:
    """The request handler of one cluster."""

    def __init__(self, cluster: KubeCluster) -> None:
        self.cluster = cluster
        self._requests = 0

    def application(self) -> web.Application:
        """An aiohttp application that routes everything here."""
        app = web.Application(client_max_size=16 * 2**20)
        app.router.add_route("*", "/{path:.*}", self.handle)
        return app

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; failures become `Status` bodies."""
        self._requests += 1
        if self.cluster.world.faults.on("api-503-burst") and self._requests % 3:
            return web.Response(status=503, text=BURST_PAGE, content_type="text/html")
        try:
            return await self._answer(request)
        except StatusError as error:
            return web.json_response(error.body(), status=error.code)
        except (ConnectionResetError, web.HTTPException):
            raise
        except Exception as error:
            LOG.exception("%s %s failed", request.method, request.path)
            status = StatusError(500, f"Internal error occurred: {type(error).__name__}: {error}")
            return web.json_response(status.body(), status=500)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = parse(request.rel_url.raw_path)
        self._enter(request, path)
        if request.path in ("/healthz", "/livez", "/readyz"):
            return web.Response(text="ok")
        kinds = self.cluster.store.kinds
        if path is None:
            found = discovery.answer(request, kinds) or openapi.answer(request, kinds)
            if found is None:
                raise StatusError(404, "the server could not find the requested resource", details={})
            return found
        kind = kinds.by_plural(path.group, path.version, path.plural)
        if kind is None:
            raise StatusError(404, "the server could not find the requested resource", details={})
        call = Call(request, self.cluster, kind, path)
        if self.cluster.world.faults.on("api-slow"):
            await asyncio.sleep(SLOW)
        return await _named(call) if path.name else await _collection(call)

    def _enter(self, request: web.Request, path: Path | None) -> None:
        """Refuse strangers: 401 for a wrong token, 403 without one."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if token and scheme.lower() == "bearer":
            world = self.cluster.world
            known = hmac.compare_digest(token.strip().encode(), world.token.encode())
            if not known or world.faults.on("token-expired"):
                raise StatusError(401, "Unauthorized")
            if path is not None:
                self._check_permission(request, path)
            return
        if request.path in OPEN_PATHS:
            return
        verb = _verb(request, path)
        if path is None:
            text = f'forbidden: User "system:anonymous" cannot {verb} path "{request.path}"'
            raise StatusError(403, text, details={})
        name = f' "{path.name}"' if path.name else ""
        scope = f'in the namespace "{path.namespace}"' if path.namespace else "at the cluster scope"
        where = f'resource "{path.plural}" in API group "{path.group}" {scope}'
        text = f'{resource(path.plural, path.group)}{name} is forbidden: User "system:anonymous" cannot {verb} {where}'
        details = {"kind": path.plural} | ({"name": path.name} if path.name else {})
        raise StatusError(403, text, details=details | ({"group": path.group} if path.group else {}))

    def _check_permission(self, request: web.Request, path: Path) -> None:
        """Refuse what a fault has taken from the account. Raises 403."""
        verb = _verb(request, path)
        permission = lacks(self.cluster.world.faults, verb, path.group, path.plural, path.subresource)
        if permission:
            names = (path.group, path.plural, path.subresource, path.namespace, path.name)
            details = {"kind": path.plural} | ({"name": path.name} if path.name else {})
            raise StatusError(403, refusal(permission, verb, *names), details=details)


def _verb(request: web.Request, path: Path | None) -> str:
    """The verb that permissions speak of."""
    verb = _VERBS.get(request.method, request.method.lower())
    if verb == "get" and path is not None and not path.name:
        return "watch" if request.query.get("watch") in ("true", "1") else "list"
    return verb


def _refused(call: Call) -> StatusError:
    return StatusError(405, "the server does not allow this method on the requested resource", details={})


async def _collection(call: Call) -> web.StreamResponse:
    """A path that names no object."""
    if call.kind.group == "metrics.k8s.io" and call.request.method == "GET":
        return metrics.answer(call)
    if call.kind.verbs == ("create",):
        if call.request.method != "POST":
            raise _refused(call)
        return await reviews.review(call)
    match call.request.method:
        case "GET" if call.flag("watch"):
            return await Watch(call).serve()
        case "GET":
            return reading.list_(call)
        case "POST":
            return await writing.create(call)
        case "DELETE":
            return await writing.delete_collection(call)
    raise _refused(call)


async def _named(call: Call) -> web.StreamResponse:
    """A path that names an object, or a part of one."""
    method, part = call.request.method, call.path.subresource
    if call.kind.group == "metrics.k8s.io" and method == "GET" and not part:
        return metrics.answer(call)
    if part and part not in call.kind.subresources:
        raise StatusError(404, "the server could not find the requested resource", details={})
    match part, method:
        case "proxy", _:
            return await proxying.proxy(call)
        case "log", "GET":
            return await logs.get(call)
        case "scale", "GET":
            return scale.get(call)
        case "scale", "PUT" | "PATCH":
            return await scale.write(call)
        case "token", "POST":
            return await reviews.token(call)
        case "eviction", "POST":
            return await writing.evict(call)
        case "" | "status", "GET" if call.flag("watch"):
            return await Watch(call).serve()
        case "" | "status", "GET":
            return reading.get(call)
        case "" | "status" | "finalize", "PUT":
            return await writing.replace(call)
        case "" | "status", "PATCH":
            return await writing.patch(call)
        case "", "DELETE":
            return await writing.delete(call)
    raise _refused(call)
