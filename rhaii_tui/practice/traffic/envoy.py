"""What Envoy says itself: its local replies, its response headers, and headers that EnvoyFilters add."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rhaii_tui.practice.traffic.exchange import Answer
from rhaii_tui.practice.traffic.objects import Object
from rhaii_tui.practice.traffic.routes import Match

SERVER = {"server": "istio-envoy"}
_CONNECT = "upstream connect error or disconnect/reset before headers. "
_TRANSPORT = "reset reason: remote connection failure, transport failure reason: "
_PLACES = {"HTTP_ROUTE", "VIRTUAL_HOST", "ROUTE_CONFIGURATION"}

NO_ROUTE = Answer(404)
BAD_BACKEND = Answer(500)
TOO_LARGE = Answer(413, b"Payload Too Large", {"content-type": "text/plain"})


def unavailable(text: str) -> Answer:
    """A 503 of Envoy's own."""
    return Answer(503, text.encode(), {"content-type": "text/plain"})


NO_HEALTHY_UPSTREAM = unavailable("no healthy upstream")
NO_CA = unavailable(_CONNECT + _TRANSPORT + "TLS error: Secret is not supplied by SDS")
PLAIN_UPSTREAM = unavailable(
    _CONNECT + _TRANSPORT + "TLS_error:|268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end"
)
REFUSED = unavailable(_CONNECT + _TRANSPORT + "delayed connect error: Connection refused")
TIMED_OUT = unavailable(_CONNECT + "reset reason: connection timeout")
RESET = unavailable(_CONNECT + "reset reason: connection termination")


def added_headers(found: Match, upstream: str) -> dict[str, str]:
    """Response headers that EnvoyFilters in the gateway's namespace add to this route; `upstream` is `ip:port`."""
    headers: dict[str, str] = {}
    for patch in patches(found):
        headers |= _headers(patch, upstream)
    return headers


def patches(found: Match) -> Iterator[Object]:
    """The config patches of EnvoyFilters in the gateway's namespace that meet this gateway and route."""
    meta = found.gateway["metadata"]
    for envoy_filter in found.cluster.store.list("EnvoyFilter", meta["namespace"]):
        spec = envoy_filter["spec"]
        wanted = (spec.get("workloadSelector") or {}).get("labels") or {}
        if any(text != meta["name"] for name, text in wanted.items() if name.endswith("/gateway-name")):
            continue
        for patch in spec.get("configPatches") or ():
            if patch.get("applyTo") in _PLACES and _route_matches(patch, found.name):
                yield patch


def _route_matches(patch: Object, name: str) -> bool:
    match: dict[str, Any] = patch.get("match") or {}
    if match.get("context", "ANY") not in ("ANY", "GATEWAY"):
        return False
    vhost = (match.get("routeConfiguration") or {}).get("vhost") or {}
    wanted = (vhost.get("route") or {}).get("name")
    return wanted in (None, name)


def _headers(patch: Object, upstream: str) -> dict[str, str]:
    value: dict[str, Any] = (patch.get("patch") or {}).get("value") or {}
    entries = value.get("response_headers_to_add") or value.get("responseHeadersToAdd") or ()
    pairs = [entry.get("header") or {} for entry in entries]
    return {str(p["key"]).lower(): str(p["value"]).replace("%UPSTREAM_HOST%", upstream) for p in pairs if "key" in p}
