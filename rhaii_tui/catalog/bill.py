"""What a deployment costs, as a value: components with unit prices, each with source and date."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Component(BaseModel):
    """One line of a bill. `unit_price_usd` is USD per unit and hour; None means the price is unknown, never zero."""

    model_config = ConfigDict(frozen=True)

    name: str
    quantity: float
    unit: str
    unit_price_usd: float | None
    usd_per_hour: float | None
    source: str
    as_of: str


class Bill(BaseModel):
    """The sum covers the known components only; `complete` says whether anything is missing from it."""

    model_config = ConfigDict(frozen=True)

    region: str
    provisioning: str
    components: tuple[Component, ...]

    @property
    def usd_per_hour(self) -> float | None:
        """Sum of the known components, USD per hour; None when the price of a node or an accelerator is unknown."""
        if any(c.usd_per_hour is None and c.unit in ("chip", "GPU", "node") for c in self.components):
            return None
        return round(sum(c.usd_per_hour or 0.0 for c in self.components), 4)

    @property
    def usd_per_day(self) -> float | None:
        """24 hours of `usd_per_hour`."""
        return None if self.usd_per_hour is None else round(self.usd_per_hour * 24, 2)

    @property
    def complete(self) -> bool:
        """True when every component has a price."""
        return all(c.usd_per_hour is not None for c in self.components)
