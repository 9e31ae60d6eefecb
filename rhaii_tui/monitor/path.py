"""The request path of a service from the objects that make it: which gateway, route and pool are its own, and how
they stand. An object that may not be read is unknown, and the permission is named."""

from __future__ import annotations

from typing import Any

from rhaii_tui.monitor.collection import Collection
from rhaii_tui.monitor.state import PartNow, State
from rhaii_tui.serving import conditions
from rhaii_tui.serving.conditions import Readiness, Reading
from rhaii_tui.serving.ownership import gateways_attached, gateways_named, named_by, of_service

Obj = dict[str, Any]
STOP = "serving.kserve.io/stop"


def is_stopped(service: Obj | None) -> bool:
    """Stopped on purpose: KServe removes the workload and keeps the service."""
    marks = ((service or {}).get("metadata") or {}).get("annotations") or {}
    return str(marks.get(STOP, "")).lower() == "true"


def parts(
    now: float, service: Obj | None, services: Collection, routes: Collection, pools: Collection, gateways: Collection
) -> tuple[PartNow, ...]:
    """The path in the order of a request: gateway, route, pool, service; without parts the service does not use."""
    router = ((service or {}).get("spec") or {}).get("router") or {}
    route_names, pool_name = named_by(service)
    route = of_service(routes.objects.values(), service, route_names)
    keys = tuple("/".join(key) for key in gateways_attached(route) or gateways_named(service))
    by_key = {f"{o['metadata'].get('namespace')}/{o['metadata']['name']}": o for o in gateways.objects.values()}
    off = is_stopped(service) and services.link.live
    found: list[PartNow] = []
    if service is None or router:
        for key in keys or ("",):
            gateway = by_key.get(key)
            told = _asked(gateways, gateway, conditions.gateway(gateway))
            if not key:
                told = Readiness("unknown", "no route names a gateway yet")
            found.append(_part(now, "Gateway", key, gateways, gateway, told, stopped=off))
        told = _asked(routes, route, conditions.route(route))
        found.append(_part(now, "HTTPRoute", _name(route), routes, route, told, _parents(route), stopped=off))
    if "scheduler" in router:
        pool = of_service(pools.objects.values(), service, (pool_name,))
        told = _asked(pools, pool, conditions.pool(pool, keys))
        found.append(_part(now, "InferencePool", _name(pool), pools, pool, told, _parents(pool), stopped=off))
    told = _asked(services, service, conditions.service(service))
    found.append(_part(now, "LLMInferenceService", _name(service), services, service, told, stopped=off))
    return tuple(found)


def _asked(source: Collection, obj: Obj | None, told: Readiness) -> Readiness:
    """Absence only counts when the collection was read."""
    link = source.link
    if obj is None and not link.live:
        if link.permission:
            return Readiness("unknown", f"may not be read; it needs the permission to {link.permission}")
        return Readiness("unknown", link.problem or "not read yet")
    return told


def _part(
    now: float,
    kind: str,
    name: str,
    source: Collection,
    obj: Obj | None,
    told: Readiness,
    readings: tuple[Reading, ...] | None = None,
    *,
    stopped: bool = False,
) -> PartNow:
    state: State = told.state
    why = told.why
    if stopped and (obj is None or kind == "LLMInferenceService"):
        state, why = "stopped", "stopped on purpose" if obj is not None else "none while the service is stopped"
    if source.link.lost_since is not None and obj is not None:
        state, why = "unknown", f"was {state}: {why}"  # the past is never green
    if readings is None:
        readings = conditions.readings(obj) if obj is not None else ()
    return PartNow(
        kind=kind,
        name=name,
        state=state,
        why=why,
        address=told.address,
        conditions=readings,
        observed_at=source.seen_at(now),
        lost_since=source.link.lost_since,
    )


def _parents(obj: Obj | None) -> tuple[Reading, ...]:
    return tuple(r for _, readings in conditions.parent_readings(obj or {"metadata": {}}) for r in readings)


def _name(obj: Obj | None) -> str:
    return str(obj["metadata"]["name"]) if obj is not None else ""
