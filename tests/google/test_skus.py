"""Prices from the catalogue: anchored matches only, decoys never."""

from __future__ import annotations

from typing import Any

from rhaii_tui.google.quotas import pick
from rhaii_tui.google.skus import prices_of

REGION = "europe-west4"


def sku(description: str, group: str, usage: str, usd: float, unit: str = "h", region: str = REGION) -> dict[str, Any]:
    units = int(usd)
    price = {"currencyCode": "USD", "units": str(units), "nanos": round((usd - units) * 1e9)}
    return {
        "description": description,
        "category": {"resourceGroup": group, "usageType": usage},
        "serviceRegions": [region],
        "pricingInfo": [
            {
                "effectiveTime": "2026-08-11T00:00:00Z",
                "pricingExpression": {
                    "usageUnit": unit,
                    "tieredRates": [
                        {"unitPrice": {"currencyCode": "USD", "units": "0", "nanos": 0}},
                        {"unitPrice": price},
                    ],
                },
            }
        ],
    }


def test_the_right_one_among_decoys() -> None:
    prices = prices_of(
        [
            sku("Capacity Optimized TpuV6e running in Netherlands", "TPU", "OnDemand", 9),
            sku("Reserved TpuV6e in Calendar Mode running in Netherlands", "TPU", "OnDemand", 1.89),
            sku("Commitment v1: TpuV6e in Netherlands for 1 Year", "TPU", "Commit1Yr", 1.89),
            sku("TpuV6e running in Netherlands", "TPU", "OnDemand", 2.97),
            sku("TpuV6e attached to Spot Preemptible VMs running in Netherlands", "TPU", "Preemptible", 1.782),
            sku("DWS Defined Duration V6e running in Netherlands", "TPU", "OnDemand", 1.35),
            sku("N1 Predefined Instance Core running in Netherlands", "N1Standard", "OnDemand", 0.0348),
            sku("N1 Predefined Instance Ram running in Netherlands", "N1Standard", "OnDemand", 0.00466, "GiBy.h"),
            sku("N1 Custom Instance Core running in Netherlands", "CPU", "OnDemand", 7),
            sku("Zonal Kubernetes Clusters", "GKE", "OnDemand", 0.10, region="global"),
        ]
    )
    assert prices["tpu-v6e", REGION, "on-demand"].usd == 2.97
    assert prices["tpu-v6e", REGION, "on-demand"].as_of == "2026-08-11"
    assert prices["tpu-v6e", REGION, "spot"].usd == 1.782
    assert prices["tpu-v6e", REGION, "flex-start"].usd == 1.35
    assert round(prices["n1-standard-4", REGION, "on-demand"].usd or 0, 4) == 0.2091
    assert prices["gke-cluster", "everywhere", "on-demand"].usd == 0.10
    assert len(prices) == 5


def test_contradicting_or_broken_entries_are_unknown() -> None:
    twice = [sku("TpuV6e running in X", "TPU", "OnDemand", usd) for usd in (2.7, 2.9)]
    assert prices_of(twice) == {}
    euros = sku("TpuV6e running in X", "TPU", "OnDemand", 2.7)
    euros["pricingInfo"][0]["pricingExpression"]["tieredRates"][-1]["unitPrice"]["currencyCode"] = "EUR"
    assert prices_of([euros, {"description": "TpuV6e running in X"}, {}]) == {}
    half = [sku("E2 Instance Core running in X", "CPU", "OnDemand", 0.02)]
    assert prices_of(half) == {}


def test_the_most_specific_quota_entry_wins() -> None:
    wanted = {"region": "us-east5", "tpu_family": "CT6E"}
    info = {
        "dimensionsInfos": [
            {"details": {"value": "1"}},
            {"dimensions": {"region": "us-east5"}, "details": {"value": "2"}},
            {"dimensions": {"tpu_family": "CT6E"}, "details": {"value": "3"}},
            {"dimensions": {"region": "us-east5", "tpu_family": "CT6E"}, "details": {"value": "12"}},
            {"dimensions": {"region": "us-east1", "tpu_family": "CT6E"}, "details": {"value": "99"}},
        ]
    }
    values = []
    while info["dimensionsInfos"]:
        found = pick(info, wanted)
        values.append(found.value)
        info["dimensionsInfos"] = [
            e for e in info["dimensionsInfos"] if dict(e.get("dimensions") or {}) != found.matched
        ]  # fmt: skip
        if found.value is None:
            break
    assert values == [12, 3, 2, 1, None]


def test_no_value_is_zero_and_no_entry_is_unknown() -> None:
    assert pick({"dimensionsInfos": [{"details": {}}]}, {}).value == 0
    assert pick({"dimensionsInfos": [{}]}, {}).value is None
    assert pick({}, {"region": "x"}).value is None
    elsewhere = {"dimensionsInfos": [{"details": {"value": "5"}, "applicableLocations": ["us-east1"]}]}
    assert pick(elsewhere, {"region": "us-east5"}).value is None
