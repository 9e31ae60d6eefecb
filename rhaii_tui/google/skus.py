"""Finds our prices among tens of thousands of SKUs. Matching is by category, region and the description's beginning,
for decoys share words: Calendar Mode, Commitment, Capacity Optimized. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rhaii_tui.catalog.prices import EVERYWHERE, Key, Price

SOURCE = "Cloud Billing Catalog"

_ANCHORS: tuple[tuple[str, str, str, str, tuple[str, ...]], ...] = (
    ("tpu-v6e", "on-demand", "TpuV6e running in ", "OnDemand", ("TPU",)),
    ("tpu-v6e", "flex-start", "DWS Defined Duration V6e running in ", "OnDemand", ()),
    ("tpu-v6e", "spot", "TpuV6e attached to Spot Preemptible VMs running in ", "Preemptible", ("TPU",)),
    ("nvidia-tesla-t4", "on-demand", "Nvidia Tesla T4 GPU running in ", "OnDemand", ("GPU",)),
    ("nvidia-tesla-t4", "spot", "Nvidia Tesla T4 GPU attached to Spot Preemptible VMs running in ", "Preemptible",
     ("GPU",)),
    ("n1-core", "on-demand", "N1 Predefined Instance Core running in ", "OnDemand", ()),
    ("n1-ram", "on-demand", "N1 Predefined Instance Ram running in ", "OnDemand", ()),
    ("n1-core", "spot", "Spot Preemptible N1 Predefined Instance Core running in ", "Preemptible", ()),
    ("n1-ram", "spot", "Spot Preemptible N1 Predefined Instance Ram running in ", "Preemptible", ()),
    ("e2-core", "on-demand", "E2 Instance Core running in ", "OnDemand", ()),
    ("e2-ram", "on-demand", "E2 Instance Ram running in ", "OnDemand", ()),
    ("gke-cluster", "on-demand", "Zonal Kubernetes Clusters", "OnDemand", ()),
)  # fmt: skip
"""Item, provisioning, beginning of the description, usage type, allowed resource groups (empty: any)."""

_MACHINES = {"n1-standard-4": ("n1-core", 4, "n1-ram", 15), "e2-standard-4": ("e2-core", 4, "e2-ram", 16)}
"""A machine is billed by its cores and its GiB of memory."""


def prices_of(skus: Iterable[Mapping[str, Any]]) -> dict[Key, Price]:
    """Prices per hour by item, region and provisioning; what does not match is left out, never guessed.

    Two SKUs that claim the same item at different prices contradict each other: that price is unknown.
    """
    found: dict[Key, Price] = {}
    disputed: set[Key] = set()
    for sku in skus:
        named = _item(sku)
        price = _price(sku) if named else None
        if named is None or price is None:
            continue
        for region in sku.get("serviceRegions") or ():
            key = (named[0], EVERYWHERE if region == "global" or named[0] == "gke-cluster" else str(region), named[1])
            if key in found and found[key].usd != price.usd:
                disputed.add(key)
            found.setdefault(key, price)
    for key in disputed:
        del found[key]
    return _machines(found)


def _machines(found: dict[Key, Price]) -> dict[Key, Price]:
    """Machines in place of their cores and memory."""
    parts = {part for core, _, ram, _ in _MACHINES.values() for part in (core, ram)}
    whole = {key: price for key, price in found.items() if key[0] not in parts}
    for machine, (core, cores, ram, gib) in _MACHINES.items():
        for (item, region, provisioning), per_core in found.items():
            per_gib = found.get((ram, region, provisioning))
            if item == core and per_gib is not None and per_core.usd is not None and per_gib.usd is not None:
                usd = round(per_core.usd * cores + per_gib.usd * gib, 6)
                as_of = min(per_core.as_of, per_gib.as_of)
                whole[machine, region, provisioning] = Price(usd=usd, source=SOURCE, as_of=as_of)
    return whole


def _item(sku: Mapping[str, Any]) -> tuple[str, str] | None:
    category = sku.get("category") or {}
    description = str(sku.get("description", ""))
    for item, provisioning, beginning, usage, groups in _ANCHORS:
        fits = description.startswith(beginning) and category.get("usageType") == usage
        if fits and (not groups or category.get("resourceGroup") in groups):
            return item, provisioning
    return None


def _price(sku: Mapping[str, Any]) -> Price | None:
    """USD per hour of the last tier: the first may be a free allowance."""
    try:
        info = sku["pricingInfo"][-1]
        expression = info["pricingExpression"]
        unit = expression["tieredRates"][-1]["unitPrice"]
        if unit.get("currencyCode", "USD") != "USD" or expression.get("usageUnit", "h") not in ("h", "GiBy.h"):
            return None
        usd = round(int(unit.get("units", 0)) + int(unit.get("nanos", 0)) / 1e9, 9)
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    return Price(usd=usd, source=SOURCE, as_of=str(info.get("effectiveTime", ""))[:10]) if usd >= 0 else None
