"""The price list as Billing SKUs: list prices of 2026-08 among decoys that share their words."""

from __future__ import annotations

import hashlib
from typing import Any

COMPUTE_ENGINE = "6F81-5844-456A"
KUBERNETES_ENGINE = "CCD8-9BF1-090E"
_AS_OF = "2026-08-01T07:00:00Z"

_CITY = {
    "us-central1": "Iowa",
    "us-east1": "South Carolina",
    "europe-west4": "Netherlands",
    "us-south1": "Dallas",
    "us-east5": "Columbus",
    "asia-northeast1": "Tokyo",
}
# USD per hour by region: n1-standard-4, its Spot price, T4, its Spot price, e2-standard-4, v6e chip, its Spot price.
_PRICES: dict[str, tuple[float | None, float | None, float | None, float | None, float, float, float]] = {
    "us-central1": (0.1900, 0.052, 0.35, 0.175, 0.1340, 2.70, 0.544),
    "us-east1": (0.1900, 0.052, 0.35, 0.175, 0.1340, 2.70, 0.544),
    "europe-west4": (0.2092, 0.084, 0.3675, 0.175, 0.1475, 2.97, 1.782),
    "us-south1": (None, None, None, None, 0.1582, 2.70, 1.35),
    "us-east5": (None, None, None, None, 0.1340, 2.70, 1.4033),
    "asia-northeast1": (0.2438, 0.067, 0.37, 0.131, 0.1719, 3.24, 0.944),
}
_FLEX_START = {"us-east5": 1.35, "europe-west4": 1.35}
_CALENDAR = 1.89

# What one vCPU and one GB cost in a machine that costs 1 USD per hour (N1: 4 x 0.031611 + 15 x 0.004237 = 0.19).
_N1_CORE, _N1_RAM = 0.031611 / 0.19, 0.0042371 / 0.19
_E2_CORE, _E2_RAM = 0.02181159 / 0.134, 0.00292353 / 0.134


def services() -> list[dict[str, Any]]:
    """Billing services, as `services.list` gives them."""
    names = {
        COMPUTE_ENGINE: "Compute Engine",
        KUBERNETES_ENGINE: "Kubernetes Engine",
        "95FF-2EF5-5EA1": "Cloud Storage",
        "5490-F7B7-8DF6": "Cloud Logging",
    }
    return [
        {"name": f"services/{id_}", "serviceId": id_, "displayName": name, "businessEntityName": "businessEntities/GCP"}
        for id_, name in names.items()
    ]


def skus(service: str) -> list[dict[str, Any]]:
    """The SKUs of a service."""
    if service == KUBERNETES_ENGINE:
        return [
            _sku(service, "Zonal Kubernetes Clusters", "Compute", "GKE", "OnDemand", ["global"], 0.10),
            _sku(service, "Regional Kubernetes Clusters", "Compute", "GKE", "OnDemand", ["global"], 0.10),
            _sku(service, "Autopilot Kubernetes Clusters", "Compute", "GKE", "OnDemand", ["global"], 0.10),
        ]
    return [sku for region in _PRICES for sku in _regional(region)] if service == COMPUTE_ENGINE else []


def _regional(region: str) -> list[dict[str, Any]]:
    city = _CITY[region]
    n1, n1_spot, t4, t4_spot, e2, v6e, v6e_spot = _PRICES[region]
    on, spot = "OnDemand", "Preemptible"
    rows: list[tuple[str, str, str, float | None]] = [
        (f"N1 Predefined Instance Core running in {city}", "N1Standard", on, _share(n1, _N1_CORE)),
        (f"N1 Predefined Instance Ram running in {city}", "N1Standard", on, _share(n1, _N1_RAM)),
        (
            f"Spot Preemptible N1 Predefined Instance Core running in {city}",
            "N1Standard",
            spot,
            _share(n1_spot, _N1_CORE),
        ),
        (
            f"Spot Preemptible N1 Predefined Instance Ram running in {city}",
            "N1Standard",
            spot,
            _share(n1_spot, _N1_RAM),
        ),
        (f"E2 Instance Core running in {city}", "CPU", on, _share(e2, _E2_CORE)),
        (f"E2 Instance Ram running in {city}", "RAM", on, _share(e2, _E2_RAM)),
        (f"E2 Custom Instance Core running in {city}", "CPU", on, _share(e2, _E2_CORE)),
        (f"Nvidia Tesla T4 GPU running in {city}", "GPU", on, t4),
        (f"Nvidia Tesla T4 GPU attached to Spot Preemptible VMs running in {city}", "GPU", spot, t4_spot),
        (f"Commitment v1: Nvidia Tesla T4 GPU running in {city} for 1 Year", "GPU", "Commit1Yr", _share(t4, 0.63)),
        (f"TpuV6e running in {city}", "TPU", on, v6e),
        (f"TpuV6e attached to Spot Preemptible VMs running in {city}", "TPU", spot, v6e_spot),
        (f"DWS Defined Duration V6e running in {city}", "TPU", on, _FLEX_START.get(region)),
        (f"Capacity Optimized TpuV6e running in {city}", "TPU", on, v6e * 1.1),
        (f"Reserved TpuV6e in Calendar Mode running in {city}", "TPU", on, _CALENDAR),
        (f"Commitment v1: TpuV6e running in {city} for 1 Year", "TPU", "Commit1Yr", v6e * 0.7),
    ]
    return [
        _sku(COMPUTE_ENGINE, text, "Compute", group, usage, [region], price)
        for text, group, usage, price in rows
        if price is not None
    ]


def _share(price: float | None, share: float) -> float | None:
    return None if price is None else price * share


def _sku(
    service: str, description: str, family: str, group: str, usage: str, regions: list[str], usd: float
) -> dict[str, Any]:
    digest = hashlib.sha256(f"{service}/{description}/{regions}".encode()).hexdigest().upper()
    id_ = f"{digest[:4]}-{digest[4:8]}-{digest[8:12]}"
    whole, nanos = divmod(round(usd * 1e9), 10**9)
    names = {s["serviceId"]: s["displayName"] for s in services()}
    return {
        "name": f"services/{service}/skus/{id_}",
        "skuId": id_,
        "description": description,
        "category": {
            "serviceDisplayName": names[service],
            "resourceFamily": family,
            "resourceGroup": group,
            "usageType": usage,
        },
        "serviceRegions": regions,
        "pricingInfo": [
            {
                "summary": "",
                "pricingExpression": {
                    "usageUnit": "GiBy.h" if " Ram " in description else "h",
                    "displayQuantity": 1,
                    "tieredRates": [
                        {
                            "startUsageAmount": 0,
                            "unitPrice": {"currencyCode": "USD", "units": str(whole), "nanos": nanos},
                        }
                    ],
                },
                "currencyConversionRate": 1,
                "effectiveTime": _AS_OF,
            }
        ],
        "serviceProviderName": "Google",
        "geoTaxonomy": {"type": "GLOBAL" if regions == ["global"] else "REGIONAL", "regions": regions},
    }
