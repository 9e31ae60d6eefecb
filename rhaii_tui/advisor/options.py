"""The decision table: what each of the six shapes costs, does and needs. Pure: nothing here asks the cloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from rhaii_tui.advisor.bill import bill_of
from rhaii_tui.catalog.accelerators import accelerator_facts
from rhaii_tui.catalog.bill import Bill
from rhaii_tui.catalog.performance import Fact, performance
from rhaii_tui.catalog.prices import PriceTable, Provisioning
from rhaii_tui.catalog.quotas import QuotaNeed, quota_needs
from rhaii_tui.catalog.shapes import SHAPES, Accelerator, Shape


class Option(BaseModel):
    """One row. `zones` are offline hints of the region; an empty tuple means the region is not known to have it."""

    model_config = ConfigDict(frozen=True)

    shape: Shape
    region: str
    provisioning: Provisioning
    replicas: int
    accelerators: int
    unit: str
    bill: Bill
    throughput: tuple[Fact, ...]
    latency: tuple[Fact, ...]
    quota: tuple[QuotaNeed, ...]
    zones: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """The row as `options --json` writes it."""
        return {
            "shape": self.shape.id,
            "accelerator": self.shape.accelerator.value,
            "topology": self.shape.topology.value,
            "region": self.region,
            "provisioning": self.provisioning.value,
            "usd_per_hour": self.bill.usd_per_hour,
            "usd_per_day": self.bill.usd_per_day,
            "components": [c.model_dump(mode="json") for c in self.bill.components],
            "throughput": [f.model_dump(mode="json") for f in self.throughput] or None,
            "latency": [f.model_dump(mode="json") for f in self.latency] or None,
            "quota": [q.model_dump(mode="json") for q in self.quota],
            "replicas": self.replicas,
            "accelerators": self.accelerators,
            "zones": list(self.zones),
            "notes": list(self.notes),
        }


def options(
    regions: Mapping[Accelerator, str] | None = None,
    provisioning: str = Provisioning.ON_DEMAND,
    *,
    replicas: int | None = None,
    prices: PriceTable | None = None,
) -> tuple[Option, ...]:
    """All six shapes, in each accelerator's own default region unless `regions` says otherwise.

    `replicas` changes the scale-out rows only. Raises ValueError for a provisioning that does not exist.
    """
    bought = Provisioning(provisioning)
    rows: list[Option] = []
    for shape in SHAPES:
        facts = accelerator_facts(shape.accelerator)
        region = (regions or {}).get(shape.accelerator) or facts.zone.rsplit("-", 1)[0]
        count = replicas if replicas and shape.replicas > 1 else shape.replicas
        the_bill = bill_of(shape.accelerator, region, bought, count, prices)
        zones = tuple(zone for zone in facts.zones if zone.rsplit("-", 1)[0] == region)
        rows.append(
            Option(
                shape=shape,
                region=region,
                provisioning=bought,
                replicas=count,
                accelerators=count * facts.units_per_node,
                unit=facts.unit,
                bill=the_bill,
                throughput=performance(shape, "throughput"),
                latency=performance(shape, "latency"),
                quota=quota_needs(shape, region, bought, count),
                zones=zones,
                notes=_notes(the_bill, facts.title, region, bought, zones),
            )
        )
    return tuple(rows)


def _notes(the_bill: Bill, title: str, region: str, bought: Provisioning, zones: tuple[str, ...]) -> tuple[str, ...]:
    notes: list[str] = []
    if not zones:
        notes.append(f"no zone of {region} is known to offer {title}")
    missing = dict.fromkeys(c.name.partition(" (")[0] for c in the_bill.components if c.usd_per_hour is None)
    if missing:
        notes.append("price unknown: " + ", ".join(missing))
    if bought is not Provisioning.ON_DEMAND:
        notes.append("Spot and flex-start: prices change, nodes come late or are taken away")
    return tuple(notes)
