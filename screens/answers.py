"""What the user has answered so far: one frozen value that every screen can go back to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from rhaii_tui.advisor.options import Option, options
from rhaii_tui.catalog.shapes import Accelerator, Shape, Topology
from rhaii_tui.settings import Settings

SUGGESTED = Shape(Accelerator.GPU_T4, Topology.SCALE_OUT)
"""Where the cursor starts: the cheapest shape in which prefix-cache-aware routing can be proven."""


@dataclass(frozen=True, slots=True)
class Answers:
    """`given` holds what was chosen, by the name of its command-line flag; a zone belongs to an accelerator."""

    shape: Shape = SUGGESTED
    zones: Mapping[Accelerator, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)

    def with_zone(self, zone: str) -> Answers:
        """The same with another zone for this accelerator."""
        return replace(self, zones={**self.zones, self.shape.accelerator: zone})

    def with_given(self, name: str, value: str) -> Answers:
        """The same with one more answer; an empty one is taken back."""
        rest = {k: v for k, v in self.given.items() if k != name}
        return replace(self, given={**rest, name: value} if value else rest)

    def flags(self) -> dict[str, object]:
        """As the command line would give them to `settings.resolve`."""
        shape = self.shape
        flags: dict[str, object] = {"accelerator": shape.accelerator.value, "topology": shape.topology.value}
        flags |= self.given
        if shape.topology is not Topology.SCALE_OUT:
            flags.pop("replicas", None)
        if shape.accelerator in self.zones:
            flags["zone"] = self.zones[shape.accelerator]
        return flags

    def table(self, settings: Settings) -> tuple[Option, ...]:
        """The decision table under these answers. Pure and instant. Raises ValueError for an unknown provisioning."""
        zones = dict(self.zones)
        if chosen := settings.get("zone"):
            zones[self.shape.accelerator] = chosen
        regions = {accelerator: zone.rsplit("-", 1)[0] for accelerator, zone in zones.items()}
        replicas = self.given.get("replicas")
        return options(
            regions, settings.get("provisioning") or "on-demand", replicas=int(replicas) if replicas else None
        )
