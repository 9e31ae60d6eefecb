"""Live list prices from the Cloud Billing Catalog, kept on disk for a day."""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rhaii_tui.catalog.prices import Key, Price
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.google.calls import call
from rhaii_tui.google.rest import Rest
from rhaii_tui.google.skus import prices_of

COMPUTE_ENGINE = "services/6F81-5844-456A"
_GKE_NAMES = ("Kubernetes Engine", "Google Kubernetes Engine")
KEEP = 24 * 3600.0
"""Seconds. The full list is tens of thousands of SKUs."""
_MOST_PAGES = 40


@dataclass(frozen=True, slots=True)
class LivePrices:
    """Prices as the cloud gave them at `read_at` (Unix seconds)."""

    prices: dict[Key, Price]
    read_at: float


async def live_prices(rest: Rest, endpoints: Endpoints, folder: Path) -> LivePrices:
    """From the disk when not older than a day, else from the cloud. Raises CloudError."""
    path = folder / f"prices-{endpoints.name.partition(':')[0]}.json"
    kept = await call(_load, path, endpoints.name)
    if kept is not None:
        return kept
    skus = await _skus(rest, endpoints.billing, COMPUTE_ENGINE)
    gke = await _gke_service(rest, endpoints.billing)
    if gke:
        skus += await _skus(rest, endpoints.billing, gke)
    fresh = LivePrices(await call(prices_of, skus), time.time())
    await call(_save, path, endpoints.name, fresh)
    return fresh


def kept_prices(endpoints: Endpoints, folder: Path) -> LivePrices | None:
    """What an earlier look left on disk, None when there is nothing or it is older than a day. Reads one small file."""
    return _load(folder / f"prices-{endpoints.name.partition(':')[0]}.json", endpoints.name)


async def _skus(rest: Rest, base: str, service: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    token = ""
    for _ in range(_MOST_PAGES):
        query = (("pageSize", "5000"), *((("pageToken", token),) if token else ()))
        page = await rest.get(f"{base}/v1/{service}/skus", query)
        found += page.get("skus") or []
        token = str(page.get("nextPageToken") or "")
        if not token:
            break
    return found


async def _gke_service(rest: Rest, base: str) -> str | None:
    page = await rest.get(f"{base}/v1/services", (("pageSize", "5000"),))
    for service in page.get("services") or []:
        if service.get("displayName") in _GKE_NAMES:
            return str(service["name"])
    return None


def _load(path: Path, cloud: str) -> LivePrices | None:
    try:
        data = json.loads(path.read_text("utf-8"))
        age = time.time() - float(data["read_at"])
        if data["cloud"] != cloud or not 0 <= age < KEEP:
            return None
        return LivePrices({(i, r, p): Price(**price) for i, r, p, price in data["prices"]}, float(data["read_at"]))
    except (OSError, ValueError, KeyError, TypeError):
        # Missing, cut or written by another version: the cloud is asked instead.
        return None


def _save(path: Path, cloud: str, live: LivePrices) -> None:
    prices = [[*key, price.model_dump()] for key, price in live.prices.items()]
    text = json.dumps({"cloud": cloud, "read_at": live.read_at, "prices": prices})
    own = path.with_suffix(f".{os.getpid()}")
    # A full or read-only disk costs a second look tomorrow, nothing more.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        own.write_text(text, "utf-8")
        own.replace(path)
