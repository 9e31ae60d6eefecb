"""Which quotas a shape needs, by their exact names. Sources: Compute Engine and Cloud Quotas documentation."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from rhaii_tui.catalog.accelerators import CPU_DISK_GB, CPU_NODE_VCPUS, CPU_NODES, accelerator_facts
from rhaii_tui.catalog.prices import Provisioning
from rhaii_tui.catalog.shapes import Accelerator, Shape

TPU_FAMILY = "TPUS-PER-TPU-FAMILY-per-project-region"
TPU_PREEMPTIBLE = "PREEMPTIBLE-TPU-V6E-per-project-region"


class QuotaNeed(BaseModel):
    """`scope` says where it is read: regions.get, projects.get (global) or the Cloud Quotas API, which has no usage.

    `default` is the limit of a project that never asked, where that is known.
    """

    model_config = ConfigDict(frozen=True)

    metric: str
    scope: Literal["region", "global", "cloudquotas"]
    need: int
    unit: str
    dimensions: dict[str, str] = {}
    default: int | None = None
    note: str = ""


def quota_needs(
    shape: Shape, region: str, provisioning: str, replicas: int | None = None, cpu_nodes: int = CPU_NODES
) -> tuple[QuotaNeed, ...]:
    """What `replicas` more accelerator nodes (default: the shape's) and `cpu_nodes` for the operators take."""
    facts = accelerator_facts(shape.accelerator)
    nodes = shape.replicas if replicas is None else replicas
    needs: list[QuotaNeed] = []
    if shape.accelerator is Accelerator.GPU_T4:
        spot = provisioning == Provisioning.SPOT
        needs.append(
            QuotaNeed(
                metric="PREEMPTIBLE_NVIDIA_T4_GPUS" if spot else "NVIDIA_T4_GPUS",
                scope="region",
                need=nodes,
                unit="GPU",
                note="one more for a rolling update that surges",
            )
        )
        needs.append(
            QuotaNeed(
                metric="GPUS_ALL_REGIONS", scope="global", need=nodes, unit="GPU", default=0, note="0 in new projects"
            )
        )
    else:
        chips = nodes * facts.units_per_node
        if provisioning == Provisioning.ON_DEMAND:
            needs.append(
                QuotaNeed(
                    metric=TPU_FAMILY,
                    scope="cloudquotas",
                    need=chips,
                    unit="chip",
                    dimensions={"region": region, "tpu_family": "CT6E"},
                    default=0,
                    note="0 until granted; not visible in regions describe",
                )
            )
        else:
            needs.append(
                QuotaNeed(
                    metric=TPU_PREEMPTIBLE,
                    scope="cloudquotas",
                    need=chips,
                    unit="chip",
                    dimensions={"region": region},
                    default=1536,
                    note="Spot and flex-start; 1536 when unset",
                )
            )
    cpus = cpu_nodes * CPU_NODE_VCPUS + nodes * (facts.vcpus or 0)
    needs.append(QuotaNeed(metric="CPUS", scope="region", need=cpus, unit="vCPU"))
    addresses = cpu_nodes + nodes + 1
    needs.append(
        QuotaNeed(
            metric="IN_USE_ADDRESSES",
            scope="region",
            need=addresses,
            unit="address",
            default=8,
            note="one per node and one for the gateway",
        )
    )
    disks = cpu_nodes * CPU_DISK_GB + nodes * (facts.disk_gb or 0)
    needs.append(
        QuotaNeed(metric="SSD_TOTAL_GB", scope="region", need=disks, unit="GB", default=500, note="boot disks")
    )
    return tuple(needs)
