"""What Google says about the place: cluster, operations, instance groups, APIs, quotas. Each on its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from rhaii_tui.doctor.pieces import LOG_IN, Piece, Read, Unread
from rhaii_tui.doctor.place import Place
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.google.errors import CloudError, Kind

if TYPE_CHECKING:
    from rhaii_tui.google.compute import Compute

LIMIT = 8.0
"""Wall seconds for all of Google's answers together."""
SERVICES = ("container.googleapis.com", "compute.googleapis.com")
PERMISSIONS = {
    "GKE cluster": "container.clusters.get",
    "GKE operations": "container.operations.list",
    "Google APIs": "serviceusage.services.list",
    "instance group errors": "compute.instanceGroupManagers.get",
    "region quotas": "compute.regions.get",
    "project quotas": "compute.projects.get",
    "TPU quota": "cloudquotas.quotas.get",
}
NAMES = tuple(PERMISSIONS)


async def facts(place: Place, endpoints: Endpoints) -> dict[str, Piece[Any]]:
    """One piece per name. A place outside Google, or no access to it, gives Unread pieces."""
    if not place.on_google:
        return {n: Unread(n, "this context does not name a GKE cluster", absent=True) for n in NAMES}
    from rhaii_tui.google.compute import Compute
    from rhaii_tui.google.gke import Gke
    from rhaii_tui.google.projects import service_states
    from rhaii_tui.google.rest import Rest

    gke, compute, rest = (
        Gke(endpoints, place.project),
        Compute(endpoints, place.project),
        Rest(endpoints, place.project),
    )
    region = place.zone.rsplit("-", 1)[0]
    cluster = asyncio.ensure_future(_piece("GKE cluster", gke.get_cluster(place.zone, place.cluster)))
    asked: dict[str, Awaitable[Piece[Any]]] = {
        "GKE cluster": cluster,
        "GKE operations": _piece("GKE operations", gke.list_operations(place.zone)),
        "Google APIs": _piece("Google APIs", service_states(rest, endpoints.serviceusage, place.project, SERVICES)),
        "region quotas": _piece("region quotas", compute.region_quotas(region)),
        "project quotas": _piece("project quotas", compute.project_quotas()),
        "instance group errors": _groups(cluster, compute, place),
        "TPU quota": _tpu_quota(rest, place, endpoints),
    }
    found = await asyncio.gather(*asked.values())
    return dict(zip(asked, found, strict=True))


async def _piece(name: str, asked: Awaitable[Any]) -> Piece[Any]:
    try:
        return Read(await asyncio.wait_for(asked, LIMIT), time.time())
    except TimeoutError:
        return Unread(name, f"no answer within {LIMIT:.0f} s")
    except CloudError as error:
        return _unread(name, error)


def _unread(name: str, error: CloudError) -> Unread:
    reason = f"{error.kind.value}: {error.message}"
    if error.kind is Kind.AUTH:
        return Unread(name, reason, remedy=LOG_IN)
    permission = (error.permission or PERMISSIONS.get(name, "")) if error.kind is Kind.PERMISSION else ""
    return Unread(name, reason, permission, absent=error.kind is Kind.NOT_FOUND)


async def _groups(cluster: Awaitable[Piece[Any]], compute: Compute, place: Place) -> Piece[Any]:
    """Errors of the instance groups behind the pools with accelerators, newest last."""
    found = await asyncio.shield(asyncio.ensure_future(cluster))
    if isinstance(found, Unread):
        return Unread("instance group errors", found.reason, found.permission, absent=True)
    pools = [p for p in found.value.pools if p.name == place.pool or p.accelerator or "tpu" in p.machine_type]
    pools += [p for p in found.value.pools if p not in pools and p.machine_type.startswith("ct")]
    urls = [url for p in pools for url in p.instance_groups]

    async def all_of() -> tuple[CloudError, ...]:
        told = await asyncio.gather(*(compute.group_errors(url) for url in urls))
        return tuple(error for group in told for error in group)

    return await _piece("instance group errors", all_of())


async def _tpu_quota(rest: Any, place: Place, endpoints: Endpoints) -> Piece[Any]:
    target = place.target
    if target is None or not target.accelerator.value.startswith("tpu"):
        return Unread("TPU quota", "no TPU is asked for", absent=True)
    from rhaii_tui.catalog.quotas import quota_needs
    from rhaii_tui.google.quotas import quota_limit

    needs = quota_needs(target.shape, target.region, target.provisioning, target.replicas)
    (need,) = (n for n in needs if n.scope == "cloudquotas")
    limit = quota_limit(rest, endpoints.cloudquotas, place.project, need.metric, need.dimensions)
    return await _piece("TPU quota", limit)
