"""Which objects are a service's own: what it names, else what KServe made for it. Long names are hashed, so that
ownership counts and not spelling."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Obj = dict[str, Any]
COMPONENT = "app.kubernetes.io/component"


def of_service(
    found: Iterable[Obj], service: Obj | None, refs: tuple[str, ...] = (), component: str = ""
) -> Obj | None:
    """The one of `found` that the service names in `refs`, or owns, or whose label names it; None when none does.

    With `component` only objects whose label says so are looked at: a service owns two Deployments.
    """
    if service is None:
        return None
    meta = service["metadata"]
    rows = sorted(found, key=lambda o: str(o["metadata"]["name"]))
    rows = [o for o in rows if o["metadata"].get("namespace") == meta.get("namespace")]
    for obj in rows:
        if obj["metadata"]["name"] in refs:
            return obj
    if component:
        rows = [o for o in rows if (o["metadata"].get("labels") or {}).get(COMPONENT) == component]
    for obj in rows:
        owners = obj["metadata"].get("ownerReferences") or []
        if any(o.get("uid") == meta.get("uid") for o in owners):
            return obj
    for obj in rows:
        labels = obj["metadata"].get("labels") or {}
        if labels.get("app.kubernetes.io/name") == meta["name"]:
            return obj
    return None


def named_by(service: Obj | None) -> tuple[tuple[str, ...], str]:
    """Names of the HTTPRoutes and of the InferencePool that a service brings along instead of having them written."""
    router = ((service or {}).get("spec") or {}).get("router") or {}
    routes = ((router.get("route") or {}).get("http") or {}).get("refs") or []
    pool = ((router.get("scheduler") or {}).get("pool") or {}).get("ref") or {}
    return tuple(str(r["name"]) for r in routes if r.get("name")), str(pool.get("name") or "")


def gateways_named(service: Obj | None) -> tuple[tuple[str, str], ...]:
    """Namespace and name of the gateways that the service's own manifest names; empty when it leaves them to KServe."""
    spec = (service or {}).get("spec") or {}
    refs = ((spec.get("router") or {}).get("gateway") or {}).get("refs") or []
    return _keys(refs, service)


def gateways_attached(route: Obj | None) -> tuple[tuple[str, str], ...]:
    """Namespace and name of the gateways that a route wants to be served by."""
    refs = ((route or {}).get("spec") or {}).get("parentRefs") or []
    return _keys([r for r in refs if r.get("kind", "Gateway") == "Gateway"], route)


def _keys(refs: Iterable[Obj], owner: Obj | None) -> tuple[tuple[str, str], ...]:
    home = ((owner or {}).get("metadata") or {}).get("namespace", "")
    return tuple(dict.fromkeys((str(r.get("namespace") or home), str(r.get("name"))) for r in refs))
