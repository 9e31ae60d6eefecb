"""Compute Engine: what there is, where, how much of it one may have; and the one change GKE has no call for.

Methods that return an ExtendedOperation are never used here: they poll the real address whatever the endpoint says.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from rhaii_tui.endpoints import Endpoints
from rhaii_tui.google.calls import change, read
from rhaii_tui.google.credentials import credentials
from rhaii_tui.google.errors import CloudError, from_text
from rhaii_tui.google.packages import load

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit and what is used of it, in the metric's own unit."""

    limit: float
    usage: float


@dataclass(frozen=True, slots=True)
class Quotas:
    """Quotas by metric. An empty mapping means that Google did not say, never that there is none; `warning` is why."""

    by_metric: dict[str, Quota]
    warning: str = ""


@dataclass(frozen=True, slots=True)
class ZoneInfo:
    """`status` is UP or DOWN."""

    name: str
    status: str
    region: str


@dataclass(frozen=True, slots=True)
class GroupSize:
    """A managed instance group: the size it is set to, and whether it has come to rest there."""

    target: int
    stable: bool


class Compute:
    """One project's view of Compute Engine. Every method raises CloudError."""

    def __init__(self, endpoints: Endpoints, project: str) -> None:
        self._endpoints = endpoints
        self._project = project
        self._clients: dict[str, Any] = {}
        self._making = threading.Lock()

    async def zone(self, name: str) -> ZoneInfo:
        """One zone; NOT_FOUND when there is none."""
        return await self._read("ZonesClient", "get", {"zone": name}, _zone)

    async def zones(self) -> tuple[ZoneInfo, ...]:
        """All zones the project sees."""
        return await self._read("ZonesClient", "list", {}, lambda pages: tuple(_zone(z) for z in pages))

    async def region_quotas(self, region: str) -> Quotas:
        """The quotas of a region."""
        return await self._read("RegionsClient", "get", {"region": region}, _quotas)

    async def project_quotas(self) -> Quotas:
        """The project-wide quotas."""
        return await self._read("ProjectsClient", "get", {}, _quotas)

    async def machine_type(self, zone: str, name: str) -> str:
        """The description of a machine type; NOT_FOUND when the zone does not offer it."""
        request = {"zone": zone, "machine_type": name}
        return await self._read("MachineTypesClient", "get", request, lambda m: str(m.description))

    async def accelerator_type(self, zone: str, name: str) -> str:
        """The description of an accelerator type; NOT_FOUND when the zone does not offer it."""
        request = {"zone": zone, "accelerator_type": name}
        return await self._read("AcceleratorTypesClient", "get", request, lambda a: str(a.description))

    async def zones_with_machine(self, name: str) -> tuple[str, ...]:
        """Zones that offer a machine type: the reliable sign for TPUs."""
        return await self._scopes("MachineTypesClient", "machine_types", name)

    async def zones_with_accelerator(self, name: str) -> tuple[str, ...]:
        """Zones that offer a GPU."""
        return await self._scopes("AcceleratorTypesClient", "accelerator_types", name)

    async def group_errors(self, group_url: str) -> tuple[CloudError, ...]:
        """What an instance group could not do, newest last: stockouts show here long before an operation fails.

        `group_url` is a node pool's instance group URL.
        """
        zone, group = _group(group_url)
        request = {"zone": zone, "instance_group_manager": group}
        return await self._read("InstanceGroupManagersClient", "list_errors", request, _group_errors)

    async def group_size(self, group_url: str) -> GroupSize:
        """The size of a node pool's instance group: GKE itself does not tell the present size of a pool."""
        zone, group = _group(group_url)
        request = {"zone": zone, "instance_group_manager": group}
        return await self._read("InstanceGroupManagersClient", "get", request, _group_size)

    async def delete_instances(self, group_url: str, names: Sequence[str]) -> None:
        """Begin to delete these very machines and make the group smaller by as many.

        This is how the cluster autoscaler removes the nodes it has emptied; GKE's own resize picks machines itself.
        """
        zone, group = _group(group_url)
        request = {
            "project": self._project,
            "zone": zone,
            "instance_group_manager": group,
            "instance_group_managers_delete_instances_request_resource": {
                "instances": [f"zones/{zone}/instances/{name}" for name in names],
                "skip_instances_on_validation_error": True,
            },
        }

        def send(**options: Any) -> None:
            self._connect("InstanceGroupManagersClient").delete_instances_unary(request=request, **options)

        await change(send)

    async def _scopes(self, client: str, field: str, name: str) -> tuple[str, ...]:
        def zones(pages: Any) -> tuple[str, ...]:
            # Scopes without a match come back too, empty and with a warning.
            return tuple(sorted(scope.removeprefix("zones/") for scope, found in pages if getattr(found, field)))

        request = {"filter": f'name = "{name}"'}
        return await self._read(client, "aggregated_list", request, zones)

    async def _read(self, client: str, method: str, request: dict[str, Any], convert: Callable[[Any], T]) -> T:
        def send(**options: Any) -> T:
            asked = {**request, "project": self._project}
            return convert(getattr(self._connect(client), method)(request=asked, **options))

        return await read(send)

    def _connect(self, client: str) -> Any:
        with self._making:
            if client not in self._clients:
                who = credentials(self._endpoints)
                make = getattr(load("google.cloud.compute_v1"), client)
                self._clients[client] = make(credentials=who, client_options={"api_endpoint": self._endpoints.compute})
            return self._clients[client]


def _group(url: str) -> tuple[str, str]:
    parts = url.split("/")
    return parts[parts.index("zones") + 1], parts[-1]


def _group_size(group: Any) -> GroupSize:
    return GroupSize(int(group.target_size), bool(group.status.is_stable))


def _zone(zone: Any) -> ZoneInfo:
    return ZoneInfo(zone.name, zone.status, zone.region.rsplit("/", 1)[-1])


def _quotas(owner: Any) -> Quotas:
    warning = getattr(owner, "quota_status_warning", None)
    text = f"{warning.code}: {warning.message}" if warning else ""
    return Quotas({q.metric: Quota(q.limit, q.usage) for q in owner.quotas}, text)


def _group_errors(pages: Any) -> tuple[CloudError, ...]:
    found = sorted(pages, key=lambda e: str(e.timestamp))
    return tuple(from_text(f"[{e.error.code}]: {e.error.message}") for e in found)
