"""Leaving while something is at stake: what goes on without us, and what it costs."""

from __future__ import annotations

from textual.content import Content

from rhaii_tui.catalog.bill import Bill
from rhaii_tui.deployment.running_cost import running_bill
from rhaii_tui.deployment.state import RunState
from screens.dialogs.confirm import Confirm
from screens.operation_pages import DOING, parts
from screens.theme.figures import usd


def at_stake(state: RunState, running: bool) -> bool:
    """Whether leaving is worth a question: steps are being taken, or something goes on being billed."""
    bill = running_bill(state)
    return running or (bill is not None and bool(bill.components))


def quit_page(state: RunState, running: bool) -> Confirm:
    """Asks, and says what stays. Staying has the focus."""
    lines = []
    kind = state.plan.kind if state.plan else "setup"
    if running:
        lines.append(Content(f"{DOING[kind]} is under way. Leaving stops watching; Google finishes what it has begun."))
        lines.append(Content("Opening rhaii-tui again offers to resume it where it is."))
    bill = running_bill(state)
    if bill is not None and bill.components:
        lines += _costs(bill, state)
    if state.cloud.startswith("practice:"):
        lines.append(
            Content.styled(
                "Practice cloud: no money is spent. It ends with this program, unless `practice serve` runs it.", "$dim"
            )
        )
    if not lines:
        lines.append(Content("Nothing is running."))
    return Confirm("Leave rhaii-tui?", Content("\n").join(lines), yes="Leave", no="Stay", interrupting=True)


def _costs(bill: Bill, state: RunState) -> list[Content]:
    found = Content.assemble(
        ("! ", "$warning bold"),
        "What exists goes on costing ",
        (usd(bill.usd_per_hour, "h"), "bold"),
        f" ({usd(bill.usd_per_day, 'day')}):",
    )
    lines = [found, Content(f"{parts(bill)}.")]
    if _accelerators(state):
        lines.append(Content("Accelerators are part of that until their nodes are gone: s stops the service."))
    else:
        lines.append(Content("No accelerator is part of that. x tears down what is left."))
    return lines


def _accelerators(state: RunState) -> bool:
    """Whether nodes with accelerators may exist: not before their pool was asked for, not after a stop."""
    change = state.plan.change if state.plan else None
    if change is not None:
        return state.outcome != "done" or change.nodes_after > 0
    return any("pool" in entry.kind.lower() for entry in (*state.ledger, *state.pending_intents))
