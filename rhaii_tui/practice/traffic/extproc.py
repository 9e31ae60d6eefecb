"""Whether the gateway's proxy asks the endpoint picker: the ext_proc override of each route to an InferencePool.

Istio writes that override itself. It is lost for all but one HTTPRoute of a gateway when several are attached
(istio#58392, Istio before 1.28); which one keeps it is Istio's order, here the first by namespace and name. An
EnvoyFilter in the gateway's namespace that names the route puts it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rhaii_tui.practice.traffic.envoy import patches
from rhaii_tui.practice.traffic.objects import key
from rhaii_tui.practice.traffic.routes import Match, attached

if TYPE_CHECKING:
    from rhaii_tui.practice.faults import Faults

LOST = ("extproc-lost", "envoyfilter-wrong-namespace", "envoyfilter-wrong-index")
FILTER = "envoy.filters.http.ext_proc"


def asks_picker(found: Match, faults: Faults) -> bool:
    """Whether the route of a request has the override."""
    return _written_by_istio(found, faults) or any(_overrides(patch) for patch in patches(found))


def _written_by_istio(found: Match, faults: Faults) -> bool:
    if any(faults.on(name) for name in LOST):
        return False
    mine = found.gateway["metadata"]["uid"]
    routes = [key(route) for gateway, route in attached(found.cluster) if gateway["metadata"]["uid"] == mine]
    return key(found.route) == min(routes, default="")


def _overrides(patch: dict[str, dict[str, dict[str, object]]]) -> bool:
    """A patch that sends the body as a stream: every other mode hangs the picker or loses the body."""
    value = (patch.get("patch") or {}).get("value") or {}
    filters = value.get("typed_per_filter_config")
    own = filters.get(FILTER) if isinstance(filters, dict) else None
    mode = ((own or {}).get("overrides") or {}).get("processing_mode") or {}
    return bool(mode.get("request_body_mode") == "FULL_DUPLEX_STREAMED")
