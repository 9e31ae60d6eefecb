"""What a running deployment can do when there are no machines for it: it stays in its zone and on its pool."""

from __future__ import annotations

from rhaii_tui.catalog.accelerators import accelerator_facts
from rhaii_tui.deployment.context import RunContext
from rhaii_tui.operations.change_of import change_of
from rhaii_tui.operations.planning import bill_for


def advice(run: RunContext, machines: int) -> str:
    """In a few sentences, with what `machines` nodes of the pool and the cluster around them cost meanwhile."""
    target, change = run.target, change_of(run)
    machine = accelerator_facts(target.accelerator).machine_type
    fits = change.replicas_before + machines - change.nodes_before
    fewer = f"rhaii-tui scale {fits}" if change.replicas_before else f"rhaii-tui wake --replicas {max(1, fits)}"
    named = f" ({fewer})" if change.replicas_before < fits < change.replicas_after else ""
    bill = bill_for(target, machines)
    cost = "an unknown sum" if bill.usd_per_hour is None else f"${bill.usd_per_hour:.2f} per hour"
    least = "" if bill.complete else "at least "
    return (
        "A running deployment stays in its zone: wait, then go on with r or the same command; capacity may come back "
        f"within minutes or hours. A smaller number{named} may fit; a reservation of {machine} in {target.zone}, or a "
        f"pool of Spot machines, draws on other stock. What stands costs {least}{cost}; rhaii-tui monitor shows it."
    )
