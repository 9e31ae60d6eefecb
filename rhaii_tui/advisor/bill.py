"""Turns a target into a bill: one line for each thing that costs money, each with its price's source and date."""

from __future__ import annotations

from rhaii_tui.catalog.accelerators import CPU_DISK_GB, CPU_MACHINE_TYPE, CPU_NODES, accelerator_facts
from rhaii_tui.catalog.bill import Bill, Component
from rhaii_tui.catalog.prices import UNKNOWN, Price, PriceTable, Provisioning, shipped
from rhaii_tui.catalog.shapes import Accelerator
from rhaii_tui.catalog.target import Target


def component(name: str, quantity: float, unit: str, price: Price) -> Component:
    """One line; its sum is None when the price is."""
    return Component(
        name=name,
        quantity=quantity,
        unit=unit,
        unit_price_usd=price.usd,
        usd_per_hour=None if price.usd is None else round(price.usd * quantity, 6),
        source=price.source,
        as_of=price.as_of,
    )


def bill_of(
    accelerator: Accelerator, region: str, provisioning: str, replicas: int, prices: PriceTable | None = None
) -> Bill:
    """The bill of `replicas` accelerator nodes with the cluster around them; provisioning concerns those nodes only.

    A ct6e machine is billed by its chips, the machine included; an N1 machine and its GPU are billed apart.
    """
    table = prices or shipped()
    facts = accelerator_facts(accelerator)
    lines: list[Component] = []
    if accelerator is Accelerator.GPU_T4:
        lines.append(
            component(
                "NVIDIA T4",
                replicas * facts.units_per_node,
                facts.unit,
                table.get(facts.gke_accelerator or "", region, provisioning),
            )
        )
        lines.append(
            component(facts.machine_type, replicas, "node", table.get(facts.machine_type, region, provisioning))
        )
        lines.append(component(f"Boot disks {facts.disk_type}", replicas * (facts.disk_gb or 0), "GB", UNKNOWN))
    else:
        chips = replicas * facts.units_per_node
        lines.append(component("TPU v6e chip", chips, facts.unit, table.get(accelerator.value, region, provisioning)))
        lines.append(component("Boot disks of the TPU nodes", replicas, "disk", UNKNOWN))
    lines.append(component(f"{CPU_MACHINE_TYPE} (operators)", CPU_NODES, "node", table.get(CPU_MACHINE_TYPE, region)))
    lines.append(component("Boot disks pd-balanced (operators)", CPU_NODES * CPU_DISK_GB, "GB", UNKNOWN))
    lines.append(component("GKE cluster fee", 1, "cluster", table.get("gke-cluster", region)))
    lines.append(component("Load balancer", 1, "forwarding rule", table.get("load-balancer", region)))
    return Bill(region=region, provisioning=str(Provisioning(provisioning)), components=tuple(lines))


def bill(target: Target, prices: PriceTable | None = None) -> Bill:
    """The bill of a target, from the shipped table unless a newer one is given. Raises ValueError for a provisioning
    that does not exist."""
    return bill_of(target.accelerator, target.region, target.provisioning, target.replicas, prices)
