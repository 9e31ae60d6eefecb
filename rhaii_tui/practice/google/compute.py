"""Routes of compute.googleapis.com v1 that read: projects, regions, zones, machine and accelerator types."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import web

from rhaii_tui.practice.faults import Faults
from rhaii_tui.practice.google import admission
from rhaii_tui.practice.google.geography import MACHINES, REGIONS, T4, ZONES, has_accelerator, is_offered, region_of
from rhaii_tui.practice.google.listing import COMPUTE, aggregated, listed, not_found
from rhaii_tui.practice.google.quota import PROJECT_WIDE, REGIONAL, Holding, limit, usage
from rhaii_tui.practice.world import PROJECT, PROJECT_NUMBER, World

PREFIX = "/compute/v1/projects/{project}"
_CREATED = "1969-12-31T16:00:00.000-08:00"
_LINK = f"{COMPUTE}/projects/{PROJECT}"
_ACCELERATORS = {T4: ("10004", "NVIDIA T4", 4), "ct6e": ("10032", "Cloud TPU v6e", 8)}


class Compute:
    """What there is, where, and how much of it one may have."""

    def __init__(self, world: World, held: Callable[[], list[Holding]]) -> None:
        self._faults: Faults = world.faults
        self._held = held

    def add_to(self, app: web.Application) -> None:
        """Register every route."""
        for path, handler in (
            ("", self._get_project),
            ("/regions", self._list_regions),
            ("/regions/{region}", self._get_region),
            ("/zones", self._list_zones),
            ("/zones/{zone}", self._get_zone),
            ("/zones/{zone}/machineTypes", self._list_machine_types),
            ("/zones/{zone}/machineTypes/{name}", self._get_machine_type),
            ("/aggregated/machineTypes", self._aggregated_machine_types),
            ("/zones/{zone}/acceleratorTypes", self._list_accelerator_types),
            ("/zones/{zone}/acceleratorTypes/{name}", self._get_accelerator_type),
            ("/aggregated/acceleratorTypes", self._aggregated_accelerator_types),
        ):
            app.router.add_get(PREFIX + path, handler)

    async def _get_project(self, request: web.Request) -> web.Response:
        admission.check_project(request.match_info["project"])
        project = {
            "kind": "compute#project",
            "id": PROJECT_NUMBER,
            "name": PROJECT,
            "creationTimestamp": "2026-01-05T02:14:11.000-08:00",
            "defaultServiceAccount": f"{PROJECT_NUMBER}-compute@developer.gserviceaccount.com",
            "selfLink": _LINK,
            "xpnProjectStatus": "UNSPECIFIED_XPN_PROJECT_STATUS",
            **self._quotas(PROJECT_WIDE, None),
        }
        return web.json_response(project)

    def _quotas(self, metrics: Iterable[str], region: str | None) -> dict[str, Any]:
        if self._faults.on("quotas-unknown"):
            message = "Quota information is currently unavailable."
            return {"quotaStatusWarning": {"code": "QUOTA_INFO_UNAVAILABLE", "message": message}}
        taken = usage(self._held(), region)
        quotas = [
            {"metric": m, "limit": limit(m, region or "", self._faults), "usage": float(taken[m])} for m in metrics
        ]
        return {"quotas": quotas}

    def _region(self, name: str) -> dict[str, Any]:
        return {
            "kind": "compute#region",
            "id": str(1000 + REGIONS.index(name)),
            "name": name,
            "description": name,
            "creationTimestamp": _CREATED,
            "status": "UP",
            "zones": [f"{_LINK}/zones/{z}" for z in ZONES if region_of(z) == name],
            "selfLink": f"{_LINK}/regions/{name}",
            **self._quotas(REGIONAL, name),
        }

    async def _list_regions(self, request: web.Request) -> web.Response:
        admission.check_project(request.match_info["project"])
        return listed("region", map(self._region, REGIONS), request)

    async def _get_region(self, request: web.Request) -> web.Response:
        admission.check_project(request.match_info["project"])
        name = request.match_info["region"]
        if name not in REGIONS:
            raise not_found(f"projects/{PROJECT}/regions/{name}")
        return web.json_response(self._region(name))

    async def _list_zones(self, request: web.Request) -> web.Response:
        admission.check_project(request.match_info["project"])
        return listed("zone", map(_zone, ZONES), request)

    async def _get_zone(self, request: web.Request) -> web.Response:
        return web.json_response(_zone(zone_of(request)))

    async def _list_machine_types(self, request: web.Request) -> web.Response:
        return listed("machineType", _machine_types(zone_of(request)), request)

    async def _get_machine_type(self, request: web.Request) -> web.Response:
        return _named("machineTypes", _machine_types(zone_of(request)), request)

    async def _aggregated_machine_types(self, request: web.Request) -> web.Response:
        admission.check_project(request.match_info["project"])
        return aggregated("machineType", {f"zones/{z}": _machine_types(z) for z in ZONES}, request)

    async def _list_accelerator_types(self, request: web.Request) -> web.Response:
        return listed("acceleratorType", _accelerator_types(zone_of(request)), request)

    async def _get_accelerator_type(self, request: web.Request) -> web.Response:
        return _named("acceleratorTypes", _accelerator_types(zone_of(request)), request)

    async def _aggregated_accelerator_types(self, request: web.Request) -> web.Response:
        admission.check_project(request.match_info["project"])
        return aggregated("acceleratorType", {f"zones/{z}": _accelerator_types(z) for z in ZONES}, request)


def zone_of(request: web.Request) -> str:
    """The zone in a request's path. Raises GoogleError 404."""
    admission.check_project(request.match_info["project"])
    zone = request.match_info["zone"]
    if zone not in ZONES:
        raise not_found(f"projects/{PROJECT}/zones/{zone}")
    return zone


def _named(collection: str, items: list[dict[str, Any]], request: web.Request) -> web.Response:
    name, zone = request.match_info["name"], request.match_info["zone"]
    for item in items:
        if item["name"] == name:
            return web.json_response(item)
    raise not_found(f"projects/{PROJECT}/zones/{zone}/{collection}/{name}")


def _zone(name: str) -> dict[str, Any]:
    return {
        "kind": "compute#zone",
        "id": str(2000 + ZONES.index(name)),
        "name": name,
        "description": name,
        "creationTimestamp": _CREATED,
        "status": "UP",
        "region": f"{_LINK}/regions/{region_of(name)}",
        "selfLink": f"{_LINK}/zones/{name}",
    }


def _machine_types(zone: str) -> list[dict[str, Any]]:
    return [
        {
            "kind": "compute#machineType",
            "id": str(3000 + number),
            "name": m.name,
            "description": m.description,
            "creationTimestamp": _CREATED,
            "guestCpus": m.cpus,
            "memoryMb": m.memory_mb,
            "maximumPersistentDisks": 128,
            "maximumPersistentDisksSizeGb": "263168",
            "isSharedCpu": m.name == "e2-medium",
            "zone": zone,
            "selfLink": f"{_LINK}/zones/{zone}/machineTypes/{m.name}",
            **(
                {"accelerators": [{"guestAcceleratorType": "ct6e", "guestAcceleratorCount": m.chips}]}
                if m.chips
                else {}
            ),
        }
        for number, m in enumerate(MACHINES.values())
        if is_offered(m.name, zone)
    ]


def _accelerator_types(zone: str) -> list[dict[str, Any]]:
    return [
        {
            "kind": "compute#acceleratorType",
            "id": id_,
            "name": name,
            "description": description,
            "creationTimestamp": _CREATED,
            "maximumCardsPerInstance": most,
            "zone": f"{_LINK}/zones/{zone}",
            "selfLink": f"{_LINK}/zones/{zone}/acceleratorTypes/{name}",
        }
        for name, (id_, description, most) in _ACCELERATORS.items()
        if has_accelerator(name, zone)
    ]
