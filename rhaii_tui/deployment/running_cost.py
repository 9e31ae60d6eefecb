"""What runs now costs per hour: the lines of the bill whose resources are in the ledger."""

from __future__ import annotations

from rhaii_tui.catalog.bill import Component
from rhaii_tui.deployment.state import RunState

_MOVES = ("pool", "nodepool", "cluster")
"""Steps of operations after which another number of machines is billed."""


def usd_per_hour_now(state: RunState) -> float | None:
    """USD per hour by the plan's price table; None before anything that costs money was asked for.

    A resource counts from the moment its creation was sent (the intent), for Google may bill it before we hear of it.
    """
    if state.bill is None:
        return None
    if state.plan is not None and state.plan.kind != "setup":
        return _operated(state)
    kinds = {entry.kind for entry in (*state.ledger, *state.pending_intents)}
    cluster = any("cluster" in kind.lower() for kind in kinds)
    pool = any("pool" in kind.lower() for kind in kinds)
    gateway = "Gateway" in kinds
    if not (cluster or pool):
        return None

    def runs(component: Component) -> bool:
        if component.unit == "forwarding rule":
            return gateway
        if component.unit == "cluster" or "(operators)" in component.name:
            return cluster
        return pool

    return round(sum(c.usd_per_hour or 0.0 for c in state.bill.components if runs(c)), 4)


def _operated(state: RunState) -> float | None:
    """An operation's bill before its step that moves machines, and the one after it from then on."""
    assert state.plan is not None
    moved = any(s.spec.id in _MOVES and s.status in ("done", "already") for s in state.steps)
    bill = state.plan.bill if moved or state.outcome == "done" else state.plan.bill_before
    return bill.usd_per_hour if bill is not None else None
