"""Quotas: limits of the practice project, usage from what is alive, and what a request needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rhaii_tui.practice.faults import Faults
from rhaii_tui.practice.google.geography import MACHINES, T4_ZONES, V6E_ZONES, region_of

GLOBAL_GPUS = "GPUS_ALL_REGIONS"
TPU_FAMILY = "TPUS_PER_TPU_FAMILY"
TPU_SPOT = "PREEMPTIBLE_TPU_V6E"

REGIONAL: dict[str, float] = {
    "CPUS": 200.0,
    "DISKS_TOTAL_GB": 8192.0,
    "SSD_TOTAL_GB": 4096.0,
    "HDB_TOTAL_GB": 4096.0,
    "IN_USE_ADDRESSES": 32.0,
    "STATIC_ADDRESSES": 16.0,
    "INSTANCES": 720.0,
    "INSTANCE_GROUP_MANAGERS": 150.0,
    "FORWARDING_RULES": 150.0,
    "PREEMPTIBLE_CPUS": 0.0,
    "NVIDIA_T4_GPUS": 8.0,
    "PREEMPTIBLE_NVIDIA_T4_GPUS": 8.0,
    "COMMITTED_NVIDIA_T4_GPUS": 0.0,
    "NVIDIA_L4_GPUS": 0.0,
    "NVIDIA_A100_GPUS": 0.0,
}
PROJECT_WIDE: dict[str, float] = {
    GLOBAL_GPUS: 8.0,
    "CPUS_ALL_REGIONS": 400.0,
    "NETWORKS": 15.0,
    "FIREWALLS": 200.0,
    "SNAPSHOTS": 1000.0,
    "IMAGES": 2000.0,
}
TPU_CHIPS = 32.0
TPU_SPOT_CHIPS = 1536.0
"""Google's value for a project that never asked."""

# Where other teams run theirs: regions' own limits are not touched.
_ELSEWHERE = "me-west1"
_T4_REGIONS = frozenset(map(region_of, T4_ZONES))
TPU_REGIONS = tuple(sorted(set(map(region_of, V6E_ZONES))))


@dataclass(frozen=True, slots=True)
class Holding:
    """Virtual machines that are alive or asked for: a GKE NodeConfig (JSON), how many, and where."""

    config: Mapping[str, Any]
    count: int
    region: str


def needs(config: Mapping[str, Any], count: int) -> Counter[str]:
    """What `count` machines of a NodeConfig take, by metric."""
    machine = MACHINES[config.get("machineType", "e2-medium")]
    spot = bool(config.get("spot") or config.get("preemptible"))
    disk = {"pd-standard": "DISKS_TOTAL_GB", "hyperdisk-balanced": "HDB_TOTAL_GB"}
    need: Counter[str] = Counter()
    need["INSTANCES"] += count
    need["IN_USE_ADDRESSES"] += count
    disk_metric = disk.get(str(config.get("diskType", "pd-balanced")), "SSD_TOTAL_GB")
    need[disk_metric] += count * int(config.get("diskSizeGb", 100))
    if machine.chips:
        need[TPU_SPOT if spot or config.get("flexStart") else TPU_FAMILY] += count * machine.chips
    else:
        need["CPUS"] += count * machine.cpus
        need["CPUS_ALL_REGIONS"] += count * machine.cpus
    for accelerator in config.get("accelerators", ()):
        gpus = count * int(accelerator.get("acceleratorCount", 0))
        need["PREEMPTIBLE_NVIDIA_T4_GPUS" if spot else "NVIDIA_T4_GPUS"] += gpus
        need[GLOBAL_GPUS] += gpus
    return need


def limit(metric: str, region: str, faults: Faults) -> float:
    """The limit of a metric, regional ones in a region."""
    if metric == "NVIDIA_T4_GPUS" and faults.on("gpu-quota-zero"):
        return 0.0
    if metric == "FORWARDING_RULES" and faults.on("gateway-no-address"):
        return 0.0
    if metric == GLOBAL_GPUS and faults.on("gpus-all-regions-zero"):
        return 0.0
    if metric == TPU_FAMILY:
        return 0.0 if faults.on("tpu-quota-unset") or region not in TPU_REGIONS else TPU_CHIPS
    if metric == TPU_SPOT:
        return TPU_SPOT_CHIPS
    if "T4" in metric and region not in _T4_REGIONS:
        return 0.0
    return PROJECT_WIDE[metric] if metric in PROJECT_WIDE else REGIONAL[metric]


def usage(holdings: Iterable[Holding], region: str | None = None) -> Counter[str]:
    """What is taken, in a region or everywhere."""
    taken: Counter[str] = Counter()
    for holding in holdings:
        if region in (None, holding.region):
            taken += needs(holding.config, holding.count)
    return taken


def others(alive: list[Holding], faults: Faults) -> list[Holding]:
    """What other teams have taken, everything that was left, while "quota-in-operation" is on."""
    if not faults.on("quota-in-operation"):
        return []
    gpus = int(PROJECT_WIDE[GLOBAL_GPUS] - usage(alive)[GLOBAL_GPUS])
    card = {"acceleratorType": "nvidia-tesla-t4", "acceleratorCount": "1"}
    taken = [Holding({"machineType": "n1-standard-4", "accelerators": [card]}, gpus, _ELSEWHERE)] if gpus > 0 else []
    for region in TPU_REGIONS:
        chips = int(TPU_CHIPS - usage(alive, region)[TPU_FAMILY])
        if chips >= 4:
            taken.append(Holding({"machineType": "ct6e-standard-4t"}, chips // 4, region))
    return taken


@dataclass(frozen=True, slots=True)
class Shortage:
    """A metric that does not suffice."""

    metric: str
    required: float
    limit: float
    available: float
    region: str

    @property
    def is_regional(self) -> bool:
        """Compute Engine's regional metrics are what GKE looks at before it starts."""
        return self.metric in REGIONAL

    def refusal(self, project: str) -> str:
        """GKE's own check before it starts (403)."""
        return (
            f'Insufficient regional quota to satisfy request: resource "{self.metric}": request requires '
            f"'{self.required}' and is short '{self.required - self.available}'. project has a quota of '{self.limit}' "
            f"with '{self.available}' available. View and manage quotas at "
            f"https://console.cloud.google.com/iam-admin/quotas?usage=USED&project={project}."
        )

    def inside(self) -> str:
        """Compute Engine's words when the first machine is created."""
        where = "globally" if self.metric == GLOBAL_GPUS else f"in region {self.region}"
        return f"Quota '{self.metric}' exceeded.  Limit: {self.limit} {where}."


def shortages(wanted: Holding, held: list[Holding], faults: Faults) -> list[Shortage]:
    """Every metric that more machines would overrun, the regional ones (which GKE checks beforehand) first."""
    found = []
    region = wanted.region
    regional, everywhere = usage(held, region), usage(held)
    for metric, required in needs(wanted.config, wanted.count).items():
        most = limit(metric, region, faults)
        taken = everywhere[metric] if metric in PROJECT_WIDE else regional[metric]
        available = max(0.0, most - taken)
        if required > available:
            found.append(Shortage(metric, float(required), most, available, region))
    return sorted(found, key=lambda s: not s.is_regional)
