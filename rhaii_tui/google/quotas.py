"""The Cloud Quotas API: the only place that knows the TPU v6e limit. It never knows the usage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rhaii_tui.google.rest import Rest


@dataclass(frozen=True, slots=True)
class QuotaLimit:
    """`value` None means that the answer holds no matching limit. `matched` are the dimensions of the entry used."""

    value: int | None
    matched: dict[str, str]
    text: str


async def quota_limit(rest: Rest, base: str, project: str, quota_id: str, dimensions: Mapping[str, str]) -> QuotaLimit:
    """The limit of a Compute Engine quota for these dimensions. Raises CloudError."""
    name = f"projects/{project}/locations/global/services/compute.googleapis.com/quotaInfos/{quota_id}"
    return pick(await rest.get(f"{base}/v1/{name}"), dimensions)


def pick(info: Mapping[str, Any], wanted: Mapping[str, str]) -> QuotaLimit:
    """The most specific entry that fits: region and family before family before region before the default."""
    best: tuple[int, bool, dict[str, str], Any] | None = None
    for entry in info.get("dimensionsInfos") or []:
        own = {str(k): str(v) for k, v in (entry.get("dimensions") or {}).items()}
        if any(wanted.get(k, "").lower() != v.lower() for k, v in own.items()):
            continue
        places = entry.get("applicableLocations") or []
        region = wanted.get("region")
        if region and places and region not in places and "global" not in places:
            continue
        rank = (len(own), "tpu_family" in own)
        if best is None or rank > best[:2]:
            best = (*rank, own, entry.get("details"))
    if best is None:
        return QuotaLimit(None, {}, "no entry fits")
    details = best[3]
    if not isinstance(details, dict):
        return QuotaLimit(None, best[2], "the entry has no details")
    # A limit of zero is left out of the JSON, as proto3 does; present details without a value say zero.
    value = int(details.get("value", 0))
    where = ", ".join(f"{k}={v}" for k, v in best[2].items()) or "default"
    return QuotaLimit(value, best[2], f"limit {value} ({where})")
