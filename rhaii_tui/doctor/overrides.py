"""The picker's filter on the route's rules: EnvoyFilters that carry it, answers that lack its mark, the fix."""

from __future__ import annotations

from typing import Any

from rhaii_tui.catalog.findings import Command, Evidence, Status
from rhaii_tui.doctor import edits
from rhaii_tui.doctor.evidence import Snapshot
from rhaii_tui.doctor.rule import Change, Fix
from rhaii_tui.kube.objects import name_of
from rhaii_tui.serving import manifests
from rhaii_tui.serving.stack import route_name

Json = dict[str, Any]
FILTER = "envoy.filters.http.ext_proc"


def filters(s: Snapshot) -> list[tuple[Json, list[str]]]:
    """EnvoyFilters with a per-route override for one of the service's routes, and the Envoy routes they name."""
    found = []
    route = s.route
    start = f"{s.place.namespace}.{name_of(route) if route else route_name(s.place.service)}."
    for one in s.items("EnvoyFilter"):
        names = []
        for patch in (one.get("spec") or {}).get("configPatches") or []:
            value = (patch.get("patch") or {}).get("value") or {}
            if FILTER not in (value.get("typed_per_filter_config") or {}):
                continue
            vhost = ((patch.get("match") or {}).get("routeConfiguration") or {}).get("vhost") or {}
            names.append(str((vhost.get("route") or {}).get("name") or ""))
        if any(n.startswith(start) for n in names):
            found.append((one, names))
    return found


def unmarked(s: Snapshot) -> Evidence | None:
    """The answer that came without the picker's mark. Raises Missing without an answer."""
    answer = s.answers.completion
    if not s.routed or answer.status is not Status.WARN:
        return None
    source = answer.evidence[0].source if answer.evidence else "POST /v1/completions"
    return Evidence(source=source, text=answer.message, observed_at=answer.observed_at)


def override(s: Snapshot, title: str, extra: tuple[Change, ...] = ()) -> Fix | None:
    """Apply the per-route override for the live route; None where no rule leads to a pool."""
    route = s.route
    if route is None or not manifests.pool_rules(route):
        return None
    document = manifests.body_forwarding(edits.target_of(s), route, s.stack)
    meta = document["metadata"]
    return Fix(
        title=title,
        changes=(Change("apply", "EnvoyFilter", meta["namespace"], meta["name"], document), *extra),
        commands=(
            Command(
                text="kubectl apply -f manifests/envoyfilter-extproc-body.yaml",
                why="with this service's names, one entry per rule that leads to the pool",
            ),
        ),
        settle=60.0,
    )
