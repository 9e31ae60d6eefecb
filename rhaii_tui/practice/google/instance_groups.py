"""Routes for the managed instance groups behind node pools: size, errors, and what becomes of each machine."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from aiohttp import web

from rhaii_tui.practice.clock import CloudClock
from rhaii_tui.practice.google.compute import PREFIX, zone_of
from rhaii_tui.practice.google.errors import GoogleError
from rhaii_tui.practice.google.gke import KubernetesEngine
from rhaii_tui.practice.google.listing import COMPUTE, listed, not_found
from rhaii_tui.practice.google.messages import parse
from rhaii_tui.practice.google.records import Pool
from rhaii_tui.practice.world import PROJECT

_GROUP = PREFIX + "/zones/{zone}/instanceGroupManagers/{name}"


class InstanceGroups:
    """GKE owns these groups; what others may do with them is to read, and to delete machines by name."""

    def __init__(self, engine: KubernetesEngine) -> None:
        self._engine = engine
        self._tasks: set[asyncio.Task[None]] = set()

    def add_to(self, app: web.Application) -> None:
        """Register every route."""
        app.router.add_get(PREFIX + "/zones/{zone}/instanceGroupManagers", self._list)
        app.router.add_get(_GROUP, self._get)
        app.router.add_get(PREFIX + "/zones/{zone}/instanceGroups/{name}", self._get)
        app.router.add_get(_GROUP + "/listErrors", self._list_errors)
        app.router.add_post(_GROUP + "/listManagedInstances", self._list_instances)
        app.router.add_post(_GROUP + "/deleteInstances", self._delete_instances)

    def _pools(self, zone: str) -> list[Pool]:
        return [pool for cluster in self._engine.clusters(zone) for pool in cluster.pools.values()]

    def _pool(self, request: web.Request) -> Pool:
        zone, name = zone_of(request), request.match_info["name"]
        for pool in self._pools(zone):
            if pool.group == name:
                return pool
        raise not_found(f"projects/{PROJECT}/zones/{zone}/instanceGroupManagers/{name}")

    async def _list(self, request: web.Request) -> web.Response:
        return listed("instanceGroupManager", map(_view, self._pools(zone_of(request))), request)

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(_view(self._pool(request)))

    async def _list_errors(self, request: web.Request) -> web.Response:
        errors = self._pool(request).errors
        return web.json_response({"items": errors} if errors else {})

    async def _list_instances(self, request: web.Request) -> web.Response:
        pool = self._pool(request)
        places = sorted({*pool.nodes, *pool.free()})
        managed = [_managed(pool, place) for place in places]
        return web.json_response({"managedInstances": managed} if managed else {})

    async def _delete_instances(self, request: web.Request) -> web.Response:
        pool = self._pool(request)
        self._engine.check_instances(pool)
        body = await parse(request, "compute_v1", "InstanceGroupManagersDeleteInstancesRequest")
        names = {str(link).rpartition("/")[2] for link in body.get("instances", ())}
        places = [place for place in pool.nodes if pool.machine(place) in names]
        if len(places) < len(names) and not body.get("skipInstancesOnValidationError"):
            missing = sorted(names - {pool.machine(place) for place in places})
            raise GoogleError(400, f"Invalid value for field 'instances[0]': '{missing[0]}'. The instance is not a "
                              "member of the instance group manager.")  # fmt: skip
        task = asyncio.create_task(self._engine.delete_machines(pool, places))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        zone = f"{COMPUTE}/projects/{PROJECT}/zones/{pool.cluster.location}"
        name = f"operation-{uuid.uuid4()}"
        return web.json_response(
            {
                "kind": "compute#operation",
                "name": name,
                "operationType": "compute.instanceGroupManagers.deleteInstances",
                "status": "RUNNING",
                "progress": 0,
                "zone": zone,
                "targetLink": f"{zone}/instanceGroupManagers/{pool.group}",
                "selfLink": f"{zone}/operations/{name}",
                "insertTime": CloudClock.stamp_micro(),
            }
        )


def _managed(pool: Pool, place: int) -> dict[str, Any]:
    alive = place in pool.nodes
    link = f"{COMPUTE}/projects/{PROJECT}/zones/{pool.cluster.location}/instances/{pool.machine(place)}"
    managed: dict[str, Any] = {"instance": link, "currentAction": "NONE" if alive else "CREATING"}
    if alive:
        managed["instanceStatus"] = "RUNNING"
    elif pool.errors:
        managed["lastAttempt"] = {"errors": {"errors": [pool.errors[-1]["error"]]}}
    return managed


def _view(pool: Pool) -> dict[str, Any]:
    zone = f"{COMPUTE}/projects/{PROJECT}/zones/{pool.cluster.location}"
    creating = max(0, pool.wanted - len(pool.nodes))
    deleting = max(0, len(pool.nodes) - pool.wanted)
    actions = dict.fromkeys(
        ("abandoning", "creatingWithoutRetries", "recreating", "refreshing", "restarting", "verifying"), 0
    )
    return {
        "kind": "compute#instanceGroupManager",
        "id": str(int.from_bytes(pool.group.encode()[-8:], "big") >> 1),
        "name": pool.group,
        "baseInstanceName": pool.group.removesuffix("-grp"),
        "zone": zone,
        "targetSize": pool.wanted,
        "size": len(pool.nodes),
        "currentActions": {**actions, "creating": creating, "deleting": deleting, "none": len(pool.nodes) - deleting},
        "status": {"isStable": creating == deleting == 0},
        "instanceGroup": f"{zone}/instanceGroups/{pool.group}",
        "selfLink": f"{zone}/instanceGroupManagers/{pool.group}",
    }
