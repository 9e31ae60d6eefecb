"""What a command says that was broken off: what was under way, what goes on and costs, and how it is continued."""

from __future__ import annotations

import shlex
import sys

from rhaii_tui.cli.output import Exit, Output
from rhaii_tui.cli.setup_report import continuing
from rhaii_tui.deployment.running_cost import running_bill
from rhaii_tui.deployment.state import RunState, StepState


def broken_off(out: Output) -> Exit:
    """The end of a command that was interrupted; the result for a machine, unless a run has told its own already."""
    if not out.concluded:
        out.record(
            {
                "type": "result",
                "ok": False,
                "exit_code": int(Exit.INTERRUPTED),
                "what": "Interrupted",
                "under_way": [],
                "next": "The same command continues what was begun, if anything was.",
                "resume": _command(),
            }
        )
    return Exit.INTERRUPTED


def tell(state: RunState, out: Output) -> None:
    """A run that somebody stopped watching, for a person or for a machine."""
    for line in _lines(state):
        out.line(line)
    bill = running_bill(state)
    assert state.plan is not None
    out.record(
        {
            "type": "result",
            "ok": False,
            "exit_code": int(Exit.INTERRUPTED),
            "run": state.run,
            "operation": state.plan.kind,
            "outcome": state.outcome,
            "what": "Interrupted",
            "under_way": [
                {"step": s.spec.id, "title": s.spec.title, "note": s.note, "google_operation": s.operation}
                for s in _broken_off(state)
            ],
            "ours": [{"kind": x.kind, "name": x.name} for x in state.ledger],
            "bill_now": {"usd_per_hour": bill.usd_per_hour, "complete": bill.complete} if bill else None,
            "next": continuing(state),
            "resume": _command(),
        }
    )


def _lines(state: RunState) -> list[str]:
    plan = state.plan
    assert plan is not None
    lines = [f"Stopped watching run {state.run}."]
    for step in _broken_off(state):
        text = ", ".join(filter(None, (step.operation, step.note)))
        lines.append(f"Was under way: {step.spec.title}{f' ({text})' if text else ''}.")
    if plan.kind == "setup" and state.outcome == "done":
        lines.append("The deployment is done; its cache test was under way.")
    made = ", ".join(f"{x.kind} {x.name}" for x in state.ledger if x.kind in ("Cluster", "NodePool"))
    bill = plan.bill if plan.kind == "setup" else running_bill(state)
    if plan.kind == "setup" and made:
        cost = f" (about ${bill.usd_per_hour:.2f} per hour once complete)" if bill and bill.usd_per_hour else ""
        lines.append(f"What was begun goes on and is billed{cost}: {made}.")
    elif plan.kind != "setup" and bill is not None and bill.usd_per_hour is not None:
        lines.append(f"What Google has begun goes on; what stands is billed, ${bill.usd_per_hour:.2f} per hour.")
    return [*lines, continuing(state)]


def _broken_off(state: RunState) -> list[StepState]:
    return [s for s in state.steps if s.status in ("running", "cancelled")]


def _command() -> str:
    """The line that was typed: secrets are in files that it names."""
    return shlex.join(["rhaii-tui", *sys.argv[1:]])
