"""Routes for single machines, as a capacity probe uses them, and for the zone operations that make and delete them."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Coroutine
from typing import Any

from aiohttp import web

from rhaii_tui.practice.clock import CloudClock
from rhaii_tui.practice.google.compute import PREFIX, zone_of
from rhaii_tui.practice.google.errors import GoogleError
from rhaii_tui.practice.google.geography import MACHINES, is_offered, region_of
from rhaii_tui.practice.google.gke import KubernetesEngine
from rhaii_tui.practice.google.listing import COMPUTE, listed, not_found
from rhaii_tui.practice.google.messages import parse
from rhaii_tui.practice.google.quota import Holding, shortages
from rhaii_tui.practice.world import PROJECT, World

_ZONE = PREFIX + "/zones/{zone}"
INSERT, DELETE = 30.0, 45.0
"""Cloud seconds."""
_LONGEST_WAIT = 120.0
"""`operations.wait` answers after two minutes at the latest (Compute API reference)."""


class Instances:
    """Machines outside node pools."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._engine: KubernetesEngine | None = None
        self._instances: dict[tuple[str, str], dict[str, Any]] = {}
        self._operations: dict[str, dict[str, Any]] = {}
        self._done: dict[str, asyncio.Event] = {}
        self._by_request: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def add_to(self, app: web.Application, engine: KubernetesEngine) -> None:
        """Register every route; `engine` knows what else counts into quota usage."""
        self._engine = engine
        app.router.add_get(_ZONE + "/instances", self._list)
        app.router.add_post(_ZONE + "/instances", self._insert)
        app.router.add_get(_ZONE + "/instances/{name}", self._get)
        app.router.add_delete(_ZONE + "/instances/{name}", self._delete)
        app.router.add_get(_ZONE + "/operations", self._list_operations)
        app.router.add_get(_ZONE + "/operations/{operation}", self._get_operation)
        app.router.add_post(_ZONE + "/operations/{operation}/wait", self._wait)

    def held(self) -> list[Holding]:
        """What counts into quota usage."""
        return [_holding(i, zone) for (zone, _), i in self._instances.items()]

    async def stop(self) -> None:
        """Abandon what is still running."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _list(self, request: web.Request) -> web.Response:
        zone = zone_of(request)
        return listed("instance", [i for (z, _), i in self._instances.items() if z == zone], request)

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(self._instance(request))

    def _instance(self, request: web.Request) -> dict[str, Any]:
        zone, name = zone_of(request), request.match_info["name"]
        if (zone, name) not in self._instances:
            raise not_found(f"projects/{PROJECT}/zones/{zone}/instances/{name}")
        return self._instances[zone, name]

    async def _insert(self, request: web.Request) -> web.Response:
        zone = zone_of(request)
        repeated = self._by_request.get(request.query.get("requestId", ""))
        if repeated is not None:
            return web.json_response(self._operations[repeated])
        instance = await parse(request, "compute_v1", "Instance")
        name = str(instance.get("name", ""))
        machine = str(instance.get("machineType", "")).rpartition("/")[2]
        if not name or not is_offered(machine, zone):
            field = "machineType" if name else "name"
            raise GoogleError(400, f"Invalid value for field 'resource.{field}': '{instance.get(field, '')}'.")
        link = f"{COMPUTE}/projects/{PROJECT}/zones/{zone}"
        if (zone, name) in self._instances:
            raise GoogleError(409, f"The resource 'projects/{PROJECT}/zones/{zone}/instances/{name}' already exists")
        shown = {
            **instance,
            "kind": "compute#instance",
            "id": str(uuid.uuid4().int >> 66),
            "creationTimestamp": CloudClock.stamp_micro(),
            "status": "PROVISIONING",
            "zone": link,
            "machineType": f"{link}/machineTypes/{machine}",
            "selfLink": f"{link}/instances/{name}",
        }
        failure = self._failure(shown, zone)
        if failure is None:
            self._instances[zone, name] = shown
        operation = self._begin("insert", zone, name, self._boot(shown, zone, failure))
        if request.query.get("requestId"):
            self._by_request[request.query["requestId"]] = operation["name"]
        return web.json_response(operation)

    def _failure(self, instance: dict[str, Any], zone: str) -> tuple[int, str, str] | None:
        wanted = _holding(instance, zone)
        accelerated = MACHINES[wanted.config["machineType"]].chips or wanted.config["accelerators"]
        if accelerated and self._world.faults.on("stockout"):
            text = (
                f"The zone 'projects/{PROJECT}/zones/{zone}' does not have enough resources available to fulfill the "
            )
            return 503, "ZONE_RESOURCE_POOL_EXHAUSTED", text + "request.  '(resource type:compute)'."
        held = self._engine.held() if self._engine else self.held()
        for shortage in shortages(wanted, held, self._world.faults):
            return 403, "QUOTA_EXCEEDED", shortage.inside()
        return None

    async def _boot(self, instance: dict[str, Any], zone: str, failure: tuple[int, str, str] | None) -> None:
        await self._world.clock.sleep(INSERT / 3 if failure else INSERT)
        if failure is not None:
            raise _Failed(*failure)
        instance["status"] = "RUNNING"
        seconds = instance.get("scheduling", {}).get("maxRunDuration", {}).get("seconds")
        if seconds is not None:
            self._spawn(self._expire(instance, zone, float(seconds)))

    async def _expire(self, instance: dict[str, Any], zone: str, seconds: float) -> None:
        await self._world.clock.sleep(seconds)
        if self._instances.get((zone, instance["name"])) is instance:
            instance["status"] = "STOPPING"
            if instance["scheduling"].get("instanceTerminationAction") == "DELETE":
                del self._instances[zone, instance["name"]]

    async def _delete(self, request: web.Request) -> web.Response:
        instance, zone = self._instance(request), request.match_info["zone"]
        instance["status"] = "STOPPING"

        async def work() -> None:
            await self._world.clock.sleep(DELETE)
            self._instances.pop((zone, instance["name"]), None)

        return web.json_response(self._begin("delete", zone, instance["name"], work()))

    def _begin(self, type_: str, zone: str, target: str, work: Coroutine[Any, Any, None]) -> dict[str, Any]:
        link = f"{COMPUTE}/projects/{PROJECT}/zones/{zone}"
        name = f"operation-{int(time.time() * 1000)}-{uuid.uuid4().hex[:13]}"
        operation: dict[str, Any] = {
            "kind": "compute#operation",
            "id": str(uuid.uuid4().int >> 66),
            "name": name,
            "operationType": type_,
            "status": "RUNNING",
            "progress": 0,
            "zone": link,
            "targetLink": f"{link}/instances/{target}",
            "selfLink": f"{link}/operations/{name}",
            "insertTime": CloudClock.stamp_micro(),
            "startTime": CloudClock.stamp_micro(),
        }
        self._operations[name] = operation
        self._done[name] = asyncio.Event()
        self._spawn(self._follow(operation, work))
        return operation

    async def _follow(self, operation: dict[str, Any], work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except _Failed as failure:
            operation["error"] = {"errors": [{"code": failure.reason, "message": str(failure)}]}
            operation["httpErrorStatusCode"] = failure.code
            operation["httpErrorMessage"] = "SERVICE UNAVAILABLE" if failure.code == 503 else "FORBIDDEN"
        operation |= {"status": "DONE", "progress": 100, "endTime": CloudClock.stamp_micro()}
        self._done[operation["name"]].set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _list_operations(self, request: web.Request) -> web.Response:
        zone = zone_of(request)
        return listed("operation", [o for o in self._operations.values() if o["zone"].endswith(f"/{zone}")], request)

    async def _get_operation(self, request: web.Request) -> web.Response:
        zone, name = zone_of(request), request.match_info["operation"]
        if name not in self._operations:
            raise not_found(f"projects/{PROJECT}/zones/{zone}/operations/{name}")
        return web.json_response(self._operations[name])

    async def _wait(self, request: web.Request) -> web.Response:
        done = self._done.get(request.match_info["operation"])
        if done is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), _LONGEST_WAIT)
        return await self._get_operation(request)


class _Failed(Exception):
    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason


def _holding(instance: dict[str, Any], zone: str) -> Holding:
    scheduling = instance.get("scheduling", {})
    config = {
        "machineType": str(instance["machineType"]).rpartition("/")[2],
        "diskSizeGb": sum(int(d.get("initializeParams", {}).get("diskSizeGb", 10)) for d in instance.get("disks", ())),
        "accelerators": instance.get("guestAccelerators", []),
        "spot": scheduling.get("provisioningModel") == "SPOT" or scheduling.get("preemptible", False),
    }
    return Holding(config, 1, region_of(zone))
