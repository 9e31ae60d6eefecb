"""List prices with source and date. An unknown price is a value of its own, never zero."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache

from pydantic import BaseModel, ConfigDict, Field

from rhaii_tui.catalog.load import facts

EVERYWHERE = "everywhere"


class Provisioning(StrEnum):
    """How a node is bought. flex-start is Dynamic Workload Scheduler with a defined duration."""

    ON_DEMAND = "on-demand"
    SPOT = "spot"
    FLEX_START = "flex-start"


class Price(BaseModel):
    """`usd` per unit and hour, None when unknown; `as_of` a date or month."""

    model_config = ConfigDict(frozen=True)

    usd: float | None = Field(default=None, ge=0)
    source: str
    as_of: str = ""


UNKNOWN = Price(usd=None, source="price unknown")
Key = tuple[str, str, str]
"""Item, region, provisioning."""


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices by item (a machine type, an accelerator, gke-cluster, load-balancer), region and provisioning."""

    prices: Mapping[Key, Price] = field(default_factory=dict)

    def get(self, item: str, region: str, provisioning: str = Provisioning.ON_DEMAND) -> Price:
        """The price, one that holds everywhere, or UNKNOWN."""
        return (
            self.prices.get((item, region, provisioning))
            or self.prices.get((item, EVERYWHERE, provisioning))
            or UNKNOWN
        )

    def over(self, newer: Mapping[Key, Price]) -> PriceTable:
        """This table with newer prices on top; an unknown newer price hides nothing."""
        return PriceTable({**self.prices, **{k: p for k, p in newer.items() if p.usd is not None}})

    def regions(self, items: Iterable[str]) -> tuple[str, ...]:
        """Regions in which any of the items has a price."""
        wanted = set(items)
        found = {region: None for item, region, _ in self.prices if item in wanted and region != EVERYWHERE}
        return tuple(found)


@cache
def shipped() -> PriceTable:
    """The dated table that ships with the package: the fallback while the live catalogue has not been read."""
    data = dict(facts("prices"))
    sources: dict[str, str] = data.pop("sources")
    table: dict[Key, Price] = {}
    for region, items in data.items():
        for item, classes in items.items():
            for provisioning, price in classes.items():
                table[item, region, provisioning] = Price(
                    usd=price["usd"], source=sources[price["source"]], as_of=price["as_of"]
                )
    return PriceTable(table)
