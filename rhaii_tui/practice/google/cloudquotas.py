"""Routes of cloudquotas.googleapis.com v1 and v1beta: the only API that knows the TPU v6e quota (never its usage)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from rhaii_tui.practice.faults import Faults
from rhaii_tui.practice.google import admission
from rhaii_tui.practice.google.errors import GoogleError
from rhaii_tui.practice.google.geography import REGIONS
from rhaii_tui.practice.google.listing import page
from rhaii_tui.practice.google.quota import GLOBAL_GPUS, REGIONAL, TPU_FAMILY, TPU_REGIONS, TPU_SPOT, limit
from rhaii_tui.practice.world import PROJECT_NUMBER, World

FAMILY_ID = "TPUS-PER-TPU-FAMILY-per-project-region"
SPOT_ID = "PREEMPTIBLE-TPU-V6E-per-project-region"
_INFOS = "/{version:v1|v1beta}/projects/{project}/locations/global/services/{service}/quotaInfos"


class CloudQuotas:
    """Quota limits with their dimensions."""

    def __init__(self, world: World) -> None:
        self._faults: Faults = world.faults

    def add_to(self, app: web.Application) -> None:
        """Register every route."""
        app.router.add_get(_INFOS, self._list)
        app.router.add_get(_INFOS + "/{id}", self._get)

    async def _list(self, request: web.Request) -> web.Response:
        admission.check_project(request.match_info["project"])
        if request.match_info["service"] != "compute.googleapis.com":
            return web.json_response({})
        shown, token = page([self._info(id_) for id_ in _IDS], request, "pageSize")
        return web.json_response({"quotaInfos": shown, **({"nextPageToken": token} if token else {})})

    async def _get(self, request: web.Request) -> web.Response:
        admission.check_project(request.match_info["project"])
        id_, service = request.match_info["id"], request.match_info["service"]
        if service != "compute.googleapis.com" or id_ not in _IDS:
            raise GoogleError(404, f"Quota info {id_} of service {service} was not found.")
        return web.json_response(self._info(id_))

    def _info(self, id_: str) -> dict[str, Any]:
        metric, dimensions = _IDS[id_]
        service = "compute.googleapis.com"
        info: dict[str, Any] = {
            "name": f"projects/{PROJECT_NUMBER}/locations/global/services/{service}/quotaInfos/{id_}",
            "quotaId": id_,
            "metric": f"{service}/{metric.lower()}",
            "service": service,
            "isPrecise": True,
            "containerType": "PROJECT",
            "dimensions": dimensions,
            "metricDisplayName": metric.replace("_", " ").capitalize(),
            "quotaDisplayName": metric.replace("_", " ").capitalize(),
            "metricUnit": "1",
            "quotaIncreaseEligibility": {"isEligible": True},
        }
        if not self._faults.on("quotas-unknown"):
            info["dimensionsInfos"] = self._limits(metric, dimensions)
        return info

    def _limits(self, metric: str, dimensions: list[str]) -> list[dict[str, Any]]:
        if not dimensions:
            return [_limit({}, limit(metric, "", self._faults), ["global"])]
        if metric == TPU_SPOT:  # nobody asked for more, so one value holds everywhere
            return [_limit({}, limit(metric, "", self._faults), list(REGIONS))]
        if metric == TPU_FAMILY:
            default = _limit({}, 0.0, list(REGIONS))
            if self._faults.on("tpu-quota-unset"):
                return [default]
            granted = (
                _limit({"region": r, "tpu_family": "CT6E"}, limit(metric, r, self._faults), [r]) for r in TPU_REGIONS
            )
            return [*granted, default]
        return [_limit({"region": r}, limit(metric, r, self._faults), [r]) for r in REGIONS]


def _limit(dimensions: dict[str, str], value: float, places: list[str]) -> dict[str, Any]:
    shown: dict[str, Any] = {"details": {"value": str(int(value))}, "applicableLocations": places}
    return {"dimensions": dimensions, **shown} if dimensions else shown


_IDS: dict[str, tuple[str, list[str]]] = {
    **{f"{m.replace('_', '-')}-per-project-region": (m, ["region"]) for m in REGIONAL},
    f"{GLOBAL_GPUS.replace('_', '-')}-per-project": (GLOBAL_GPUS, []),
    FAMILY_ID: (TPU_FAMILY, ["region", "tpu_family"]),
    SPOT_ID: (TPU_SPOT, ["region"]),
}
"""Quota id -> metric and dimensions."""
