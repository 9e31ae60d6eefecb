"""What Google offers where: regions, zones, machine types and accelerators (public zone lists of 2026)."""

from __future__ import annotations

from dataclasses import dataclass

T4 = "nvidia-tesla-t4"

_T4_ZONES = """
asia-east1-a asia-east1-c asia-east2-a asia-east2-c asia-northeast1-a asia-northeast1-c asia-northeast3-b
asia-northeast3-c asia-south1-a asia-south1-b asia-southeast1-a asia-southeast1-b asia-southeast1-c
asia-southeast2-a asia-southeast2-b australia-southeast1-a australia-southeast1-c europe-central2-b
europe-central2-c europe-west1-b europe-west1-c europe-west1-d europe-west2-a europe-west2-b europe-west3-b
europe-west4-a europe-west4-b europe-west4-c me-west1-b me-west1-c northamerica-northeast1-c
southamerica-east1-a southamerica-east1-b southamerica-east1-c us-central1-a us-central1-b us-central1-c
us-central1-f us-east1-b us-east1-c us-east1-d us-east4-a us-east4-b us-east4-c us-west1-a us-west1-b
us-west2-b us-west2-c us-west3-b us-west4-a us-west4-b
"""
_V6E_ZONES = """
asia-northeast1-b asia-south1-b asia-south1-c asia-southeast1-b europe-west4-a southamerica-west1-a us-central1-a
us-central1-b us-central1-c us-east1-d us-east4-a us-east5-a us-east5-b us-east5-c us-south1-a us-south1-b us-south1-c
us-west1-c
"""
T4_ZONES = frozenset(_T4_ZONES.split())
V6E_ZONES = frozenset(_V6E_ZONES.split())
ZONES = tuple(sorted(T4_ZONES | V6E_ZONES))
REGIONS = tuple(sorted({zone.rsplit("-", 1)[0] for zone in ZONES}))
_NO_N1 = frozenset({"us-east5", "us-south1"})


@dataclass(frozen=True, slots=True)
class MachineType:
    """`memory_mb` as the API says it; `chips` is the number of TPU chips."""

    name: str
    cpus: int
    memory_mb: int
    description: str
    chips: int = 0


MACHINES = {
    m.name: m
    for m in (
        MachineType("e2-standard-2", 2, 8192, "Efficient Instance, 2 vCPUs, 8 GB RAM"),
        MachineType("e2-standard-4", 4, 16384, "Efficient Instance, 4 vCPUs, 16 GB RAM"),
        MachineType("e2-standard-8", 8, 32768, "Efficient Instance, 8 vCPUs, 32 GB RAM"),
        MachineType("e2-medium", 2, 4096, "Efficient Instance, 2 vCPU (1 shared physical core) and 4 GB RAM"),
        MachineType("n1-standard-4", 4, 15360, "4 vCPUs, 15 GB RAM"),
        MachineType("n1-standard-8", 8, 30720, "8 vCPUs, 30 GB RAM"),
        MachineType("ct6e-standard-1t", 44, 180224, "44 vCPUs, 176 GB RAM, 1 Google TPU v6e", 1),
        MachineType("ct6e-standard-4t", 180, 737280, "180 vCPUs, 720 GB RAM, 4 Google TPUs v6e", 4),
        MachineType("ct6e-standard-8t", 180, 1474560, "180 vCPUs, 1440 GB RAM, 8 Google TPUs v6e", 8),
    )
}


def region_of(zone: str) -> str:
    """`us-central1-b` -> `us-central1`."""
    return zone.rsplit("-", 1)[0]


def is_offered(machine: str, zone: str) -> bool:
    """Whether a zone has a machine type."""
    if machine not in MACHINES or zone not in ZONES:
        return False
    if machine.startswith("ct6e-"):
        return zone in V6E_ZONES
    return not machine.startswith("n1-") or region_of(zone) not in _NO_N1


def has_accelerator(accelerator: str, zone: str) -> bool:
    """Whether a zone has a GPU type. TPUs are machine types, but have an accelerator type as well."""
    return (accelerator == T4 and zone in T4_ZONES) or (accelerator == "ct6e" and zone in V6E_ZONES)
