"""What the nodes that exist cost, by dated list prices: now, since they were created, and while nobody asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rhaii_tui.advisor.bill import component
from rhaii_tui.catalog.bill import Bill, Component
from rhaii_tui.catalog.prices import UNKNOWN, PriceTable, Provisioning
from rhaii_tui.clock import Clock
from rhaii_tui.monitor.state import Cost, NodeNow, ReplicaNow

_TPU_MACHINES = {"ct6e-": "tpu-v6e"}
"""Machine families that are billed by their chips, the machine included, by the price table's item."""


@dataclass(frozen=True, slots=True)
class Priced:
    """A node with its bill lines and their sum in USD per hour, None when an accelerator or machine has no price."""

    node: NodeNow
    lines: tuple[Component, ...]
    per_hour: float | None


def provisioning(labels: Mapping[str, Any]) -> Provisioning:
    """How a node was bought, by GKE's labels."""
    if labels.get("cloud.google.com/gke-spot") == "true":
        return Provisioning.SPOT
    if labels.get("cloud.google.com/gke-flex-start") == "true":
        return Provisioning.FLEX_START
    return Provisioning.ON_DEMAND


def priced(node: NodeNow, labels: Mapping[str, Any], prices: PriceTable) -> Priced:
    """One node; region and provisioning are read from its labels."""
    region = str(labels.get("topology.kubernetes.io/region") or "")
    bought = provisioning(labels)
    item = next((name for family, name in _TPU_MACHINES.items() if node.machine.startswith(family)), "")
    lines = []
    if item or node.accelerator.startswith(("tpu-", "google.com/")):
        name = node.accelerator or item
        lines.append(component(name, node.units, "chip", prices.get(item, region, bought) if item else UNKNOWN))
    else:
        if node.accelerator:
            lines.append(component(node.accelerator, node.units, "GPU", prices.get(node.accelerator, region, bought)))
        lines.append(component(node.machine or "machine", 1, "node", prices.get(node.machine, region, bought)))
    bill = Bill(region=region, provisioning=bought, components=tuple(lines))
    return Priced(node, bill.components, bill.usd_per_hour)


class Meter:
    """Adds up idle money while someone watches; everything else is reckoned anew each time."""

    def __init__(self, clock: Clock, prices: PriceTable) -> None:
        self._clock = clock
        self._prices = prices
        self._idle_spent = 0.0
        self._idle_known = False
        self._last: float | None = None
        self._kinds: dict[tuple[str, str, int, str, Provisioning], Priced] = {}

    def read(
        self,
        now: float,
        nodes: Iterable[tuple[NodeNow, Mapping[str, Any]]],
        replicas: Iterable[ReplicaNow],
        *,
        elsewhere: frozenset[str] | None,
        gateway: bool,
        seen_at: float | None,
        lost_since: float | None,
    ) -> Cost:
        """The cost at `now`. While nodes are not live the last ones count on: they are billed whether seen or not.

        `elsewhere`: nodes that carry replicas of other services; None where that may not be read.
        """
        all_nodes = [self._priced(node, labels) for node, labels in nodes]
        if not all_nodes:
            return Cost(observed_at=seen_at, lost_since=lost_since)
        bill = self._bill(all_nodes, gateway)
        carrying = [p for p in all_nodes if p.node.accelerator]
        idle, unknown = self._idle(carrying, {r.pod: r for r in replicas}, elsewhere)
        self._count(now, idle)
        accelerators = _sum(p.per_hour for p in all_nodes if p.node.accelerator)
        starts = [p.node.created_at for p in all_nodes if p.node.created_at]
        fees = sum(c.usd_per_hour or 0.0 for c in bill.components if c.unit in ("cluster", "forwarding rule"))
        since = None
        if bill.usd_per_hour is not None and starts:
            hours = [(p.per_hour or 0.0) * self._hours(p.node.created_at, now) for p in all_nodes]
            since = sum(hours) + fees * self._hours(min(starts), now)
        return Cost(
            bill=bill,
            per_hour=bill.usd_per_hour,
            accelerators_per_hour=accelerators,
            since_start=since,
            started_at=min(starts, default=None),
            idle_per_hour=idle,
            idle_spent=self._idle_spent if self._idle_known else None,
            idle_unknown=unknown,
            complete=bill.complete,
            observed_at=seen_at,
            lost_since=lost_since,
        )

    def _priced(self, node: NodeNow, labels: Mapping[str, Any]) -> Priced:
        """A pool's nodes are alike: each kind is worked out once."""
        region = str(labels.get("topology.kubernetes.io/region") or "")
        kind = (node.machine, node.accelerator, node.units, region, provisioning(labels))
        if (known := self._kinds.get(kind)) is None:
            known = self._kinds[kind] = priced(node, labels, self._prices)
        return replace(known, node=node)

    def _hours(self, start: float, now: float) -> float:
        return self._clock.cloud(max(0.0, now - start)) / 3600 if start else 0.0

    def _bill(self, all_nodes: list[Priced], gateway: bool) -> Bill:
        lines: dict[tuple[str, float | None, str], Component] = {}
        for line in (line for p in all_nodes for line in p.lines):
            key = (line.name, line.unit_price_usd, line.unit)
            same = lines.get(key)
            quantity = line.quantity + (same.quantity if same else 0.0)
            cost = None if line.unit_price_usd is None else round(line.unit_price_usd * quantity, 6)
            lines[key] = line.model_copy(update={"quantity": quantity, "usd_per_hour": cost})
        found = [*lines.values(), component("Boot disks", len(all_nodes), "disk", UNKNOWN)]
        found.append(component("GKE cluster fee", 1, "cluster", self._prices.get("gke-cluster", "")))
        if gateway:
            found.append(component("Load balancer", 1, "forwarding rule", self._prices.get("load-balancer", "")))
        return Bill(region="", provisioning="", components=tuple(found))

    def _idle(
        self, accelerated: list[Priced], replicas: Mapping[str, ReplicaNow], elsewhere: frozenset[str] | None
    ) -> tuple[float | None, int]:
        """USD per hour of accelerator nodes that do nothing, and how many there are of which that is not known.

        What works for another service, or lies in a pool that this one does not use, is not this service's idling.
        """
        idle, unknown = 0.0, 0
        pools = {p.node.pool for p in accelerated if p.node.replicas}
        for p in accelerated:
            if not p.node.replicas:
                if elsewhere is None:
                    unknown += 1
                    continue
                if p.node.name in elsewhere or (pools and p.node.pool not in pools):
                    continue
            here = [replicas[name] for name in p.node.replicas if name in replicas]
            if any(not r.figures.live and r.is_ready for r in here) or p.per_hour is None:
                unknown += 1
            elif not any((r.figures.running or 0) + (r.figures.waiting or 0) for r in here if r.figures.live):
                idle += p.per_hour
        return (None if unknown and unknown == len(accelerated) else idle), unknown

    def _count(self, now: float, idle: float | None) -> None:
        if self._last is not None and idle is not None and 0 < now - self._last < 60:
            self._idle_spent += idle * self._clock.cloud(now - self._last) / 3600
            self._idle_known = True
        self._last = now


def _sum(amounts: Iterable[float | None]) -> float | None:
    total = 0.0
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total
