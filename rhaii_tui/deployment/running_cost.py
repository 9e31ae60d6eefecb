"""What runs now costs per hour: the lines of the bill whose resources are in the ledger."""

from __future__ import annotations

from rhaii_tui.catalog.bill import Bill, Component
from rhaii_tui.deployment.state import RunState, StepState

_MOVES = ("pool", "nodepool", "cluster")
"""Steps of operations after which another number of machines is billed."""


def running_bill(state: RunState) -> Bill | None:
    """What is billed now, by the plan's price table; None before anything that costs money was asked for.

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

    return state.bill.model_copy(update={"components": tuple(c for c in state.bill.components if runs(c))})


def usd_per_hour_now(state: RunState) -> float | None:
    """USD per hour of `running_bill`; None without one, or when the price of its machines is unknown."""
    bill = running_bill(state)
    return bill.usd_per_hour if bill is not None else None


def _operated(state: RunState) -> Bill | None:
    """An operation's bill before its step that moves machines, and the one after it from then on. Machines that are
    asked for count at once, unless none of them was to be had; those that go count until they are gone."""
    assert state.plan is not None
    change = state.plan.change
    grows = change is not None and change.nodes_after > change.nodes_before

    def moved(step: StepState) -> bool:
        if step.status == "failed" and change is not None and state.nodes is not None:
            return grows and state.nodes > change.nodes_before
        return step.status in ("done", "already") or (grows and step.started_at is not None)

    after = state.outcome == "done" or any(moved(s) for s in state.steps if s.spec.id in _MOVES)
    return state.plan.bill if after else state.plan.bill_before
