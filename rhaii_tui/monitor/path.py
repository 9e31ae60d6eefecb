"""The request path of a service from the objects that make it: which gateway, route and pool are its own, and how
they stand. An object that may not be read is unknown, and the permission is named."""

from __future__ import annotations

from typing import Any

from rhaii_tui.monitor.collection import Collection
from rhaii_tui.monitor.state import PartNow, State
from rhaii_tui.serving import conditions
from rhaii_tui.serving.conditions import Readiness, Reading

Obj = dict[str, Any]
STOP = "serving.kserve.io/stop"


def is_stopped(service: Obj | None) -> bool:
    """Stopped on purpose: KServe removes the workload and keeps the service."""
    marks = ((service or {}).get("metadata") or {}).get("annotations") or {}
    return str(marks.get(STOP, "")).lower() == "true"


def mine(found: Collection, service: Obj | None, refs: tuple[str, ...] = ()) -> Obj | None:
    """The object the service names, or owns. Names are hashed when long, so that ownership counts, not spelling."""
    if service is None:
        return None
    meta = service["metadata"]
    rows = sorted(found.objects.values(), key=lambda o: str(o["metadata"]["name"]))
    for obj in rows:
        if obj["metadata"]["name"] in refs:
            return obj
    for obj in rows:
        owners = obj["metadata"].get("ownerReferences") or []
        if any(o.get("uid") == meta.get("uid") for o in owners):
            return obj
    for obj in rows:
        labels = obj["metadata"].get("labels") or {}
        if labels.get("app.kubernetes.io/name") == meta["name"]:
            return obj
    return None


def parts(
    now: float, service: Obj | None, services: Collection, routes: Collection, pools: Collection, gateways: Collection
) -> tuple[PartNow, ...]:
    """The path in the order of a request: gateway, route, pool, service; without parts the service does not use."""
    router = ((service or {}).get("spec") or {}).get("router") or {}
    route_refs = tuple(
        str(r.get("name")) for r in ((router.get("route") or {}).get("http") or {}).get("refs") or [] if r.get("name")
    )
    pool_ref = ((router.get("scheduler") or {}).get("pool") or {}).get("ref") or {}
    route = mine(routes, service, route_refs)
    keys = _gateway_keys(router, route)
    by_key = {f"{o['metadata'].get('namespace')}/{o['metadata']['name']}": o for o in gateways.objects.values()}
    found: list[PartNow] = []
    if service is None or router:
        for key in keys or ("",):
            gateway = by_key.get(key)
            told = _asked(gateways, gateway, conditions.gateway(gateway))
            if not key:
                told = Readiness("unknown", "no route names a gateway yet")
            found.append(_part(now, "Gateway", key, gateways, gateway, told))
        told = _asked(routes, route, conditions.route(route))
        found.append(_part(now, "HTTPRoute", _name(route), routes, route, told, _parents(route)))
    if "scheduler" in router:
        pool = mine(pools, service, (str(pool_ref.get("name") or ""),))
        told = _asked(pools, pool, conditions.pool(pool, keys))
        found.append(_part(now, "InferencePool", _name(pool), pools, pool, told, _parents(pool)))
    told = _asked(services, service, conditions.service(service))
    part = _part(now, "LLMInferenceService", _name(service), services, service, told)
    found.append(part)
    return tuple(found)


def _gateway_keys(router: Obj, route: Obj | None) -> tuple[str, ...]:
    if route is not None:
        home = route["metadata"].get("namespace", "")
        refs = (route.get("spec") or {}).get("parentRefs") or []
        keys = [f"{r.get('namespace') or home}/{r.get('name')}" for r in refs if r.get("kind", "Gateway") == "Gateway"]
        if keys:
            return tuple(dict.fromkeys(keys))
    refs = (router.get("gateway") or {}).get("refs") or []
    return tuple(dict.fromkeys(f"{r.get('namespace', '')}/{r.get('name')}" for r in refs))


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
) -> PartNow:
    state: State = told.state
    why = told.why
    if kind == "LLMInferenceService" and is_stopped(obj):
        state = "stopped"
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
