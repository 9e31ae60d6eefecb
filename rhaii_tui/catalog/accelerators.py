"""What is known of each accelerator: its node, its names in Google Cloud and Kubernetes, where it may be had."""

from __future__ import annotations

from functools import cache

from pydantic import BaseModel, ConfigDict

from rhaii_tui.catalog.load import facts
from rhaii_tui.catalog.shapes import Accelerator

CPU_MACHINE_TYPE = "e2-standard-4"
"""Nodes for the operators: cheaper than the guides' n1-standard-4, and the operators fit."""
CPU_NODES = 2
CPU_NODE_VCPUS = 4
CPU_DISK_GB = 50
"""50 GB, not the default 100: pd-balanced counts against SSD_TOTAL_GB, whose default limit is 500 GB."""


class AcceleratorFacts(BaseModel):
    """`units_per_node` chips or GPUs per node; one replica takes one node. `vcpus` counts against CPUS, None if not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accelerator: Accelerator
    title: str
    short: str
    machine_type: str
    units_per_node: int
    unit: str
    resource: str
    taint: str
    node_labels: dict[str, str]
    memory_gib: float
    zone: str
    cluster: str
    pool: str
    service: str
    image: str
    zones: tuple[str, ...]
    zones_source: str
    vcpus: int | None = None
    gke_accelerator: str | None = None
    disk_gb: int | None = None
    disk_type: str | None = None

    @property
    def regions(self) -> tuple[str, ...]:
        """Regions of the zone hints, in the order of the hints."""
        return tuple(dict.fromkeys(zone.rsplit("-", 1)[0] for zone in self.zones))


@cache
def accelerator_facts(accelerator: Accelerator) -> AcceleratorFacts:
    """The facts of one accelerator."""
    return AcceleratorFacts(accelerator=accelerator, **facts("accelerators")[accelerator.value])


def parse_accelerator(text: str) -> Accelerator:
    """`gpu`, `tpu`, `gpu-t4`, `tpu-v6e` in any case. Raises ValueError naming the choices."""
    wanted = text.strip().lower()
    for accelerator in Accelerator:
        if wanted in (accelerator.value, accelerator_facts(accelerator).short):
            return accelerator
    raise ValueError(f"{text!r} is not an accelerator; choose gpu (T4) or tpu (v6e)")
