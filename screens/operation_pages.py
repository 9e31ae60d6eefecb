"""An operation's words: what it makes of a deployment, what it removes and leaves, what saying yes begins."""

from __future__ import annotations

from textual.content import Content

from rhaii_tui.catalog.bill import Bill
from rhaii_tui.deployment.plan import Change, Item, Plan
from rhaii_tui.deployment.state import RunState
from screens.theme.figures import clip, count, duration, usd

VERB = {"scale": "Scale", "stop": "Stop", "wake": "Wake", "teardown": "Tear down"}
DOING = {"setup": "Deploying", "scale": "Scaling", "stop": "Stopping", "wake": "Waking", "teardown": "Tearing down"}
DONE = {"setup": "Ready", "scale": "Scaled", "stop": "At zero", "wake": "Awake", "teardown": "Torn down"}
_LABEL = 18


def change(plan: Plan) -> Content:
    """Now, afterwards and the difference, for replicas, nodes and money."""
    found = plan.change
    assert found is not None
    lines = [Content.styled(f"{'':<{_LABEL}}{'now':>12}{'after':>12}{'change':>14}", "$dim")]
    if plan.kind != "teardown":
        lines.append(_counted("replicas", found.replicas_before, found.replicas_after))
    lines.append(_counted("accelerator nodes", found.nodes_before, found.nodes_after))
    for per, hours in (("h", 1), ("day", 24)):
        before, after = _cost(plan.bill_before, hours), _cost(plan.bill, hours)
        apart = "unknown" if before is None or after is None else _signed(after - before)
        lines.append(
            Content.assemble(
                f"{'cost per ' + ('hour' if per == 'h' else per):<{_LABEL}}",
                f"{usd(before):>12}",
                (f"{usd(after):>12}", "bold"),
                (f"{apart:>14}", "$warning" if apart.startswith("+") else "$success" if apart.startswith("-") else ""),
            )
        )
    return Content("\n").join(lines)


def _counted(name: str, before: int, after: int) -> Content:
    apart = f"{after - before:+d}" if after != before else "="
    return Content.assemble(f"{name:<{_LABEL}}{before:>12}", (f"{after:>12}", "bold"), f"{apart:>14}")


def _cost(bill: Bill | None, hours: int) -> float | None:
    if bill is None:
        return None
    if not bill.components:
        return 0.0
    return None if bill.usd_per_hour is None else bill.usd_per_hour * hours


def _signed(amount: float) -> str:
    if abs(amount) < 0.005:
        return "="
    return f"{'+' if amount > 0 else '-'}${abs(amount):,.2f}"


def notes(plan: Plan, rate: float, width: int) -> Content:
    """How long it usually takes, prices that are missing, and every warning of the plan."""
    found = plan.change
    assert found is not None
    here = f", {duration(plan.expected_seconds / rate)} here at {rate:g}x" if rate != 1 else ""
    lines = [Content.styled(f"Usually {duration(plan.expected_seconds)} of cloud time{here}.", "$dim")]
    if missing := dict.fromkeys(c.name.partition(" (")[0] for c in plan.bill.components if c.usd_per_hour is None):
        lines.append(Content.styled(clip(f"Price unknown: {', '.join(missing)}", width), "$dim"))
    lines += [Content.assemble(("! ", "$warning bold"), note) for note in found.notes]
    if plan.kind == "stop":
        lines.append(Content.assemble(("Still billed then: ", "$dim"), parts(plan.bill)))
    if found.removes:
        lines.append(_scope(found))
    return Content("\n").join(lines)


def _scope(found: Change) -> Content:
    """A teardown's reach in a line; the step's page lists it."""
    kinds: dict[str, int] = {}
    for item in found.removes:
        kinds[item.kind] = kinds.get(item.kind, 0) + 1
    goes = ", ".join(kind if n == 1 else f"{n} {kind}" for kind, n in kinds.items())
    left = ", ".join(f"{i.kind} {i.name}" for i in found.leaves[:3]) or "nothing else was found"
    more = f" and {len(found.leaves) - 3} more" if len(found.leaves) > 3 else ""
    return Content.assemble(
        ("Goes    ", "$error bold"), f"{goes}\n", ("Stays   ", "$success bold"), f"{left}{more}\n",
        ("enter lists each of them", "$dim"),
    )  # fmt: skip


def parts(bill: Bill) -> str:
    """The lines of a bill in one: `2 e2-standard-4 (operators) $0.27/h, GKE cluster fee $0.10/h`."""
    priced = [c for c in bill.components if c.usd_per_hour is not None]
    said = [f"{f'{c.quantity:g} ' if c.quantity != 1 else ''}{c.name} {usd(c.usd_per_hour, 'h')}" for c in priced]
    unknown = ["boot disks (price unknown)"] if len(priced) < len(bill.components) else []
    return ", ".join([*said, *unknown])


def items(found: Change) -> Content:
    """Everything a teardown removes, then everything it leaves, each with the reason."""
    lines = [Content.styled("Removed, verified gone", "bold")]
    lines += [Content.assemble(("  ✗ ", "$error bold"), f"{i.kind} {i.name}") for i in found.removes]
    lines.append(Content.styled("Left as it is", "bold"))
    lines += [Content.assemble(("  = ", "$success"), f"{i.kind} {i.name}", (_why(i), "$dim")) for i in found.leaves]
    if not found.leaves:
        lines.append(Content.styled("  nothing else was found", "$dim"))
    return Content("\n").join(lines)


def _why(item: Item) -> str:
    return f"  {item.why}" if item.why else ""


def question(plan: Plan, practice: bool) -> Content:
    """What saying yes begins."""
    found, target = plan.change, plan.target
    assert found is not None
    lines = [
        Content(
            f"{target.namespace}/{target.service}: {count(found.replicas_before, 'replica')} to "
            f"{found.replicas_after}, {count(found.nodes_before, 'accelerator node')} to {found.nodes_after}."
        ),
        Content.assemble(
            "It costs ",
            (usd(_cost(plan.bill_before, 1), "h"), "bold"),
            " now and ",
            (usd(_cost(plan.bill, 1), "h"), "$warning bold"),
            f" ({usd(_cost(plan.bill, 24), 'day')}) afterwards.",
        ),
        Content(f"It usually takes {duration(plan.expected_seconds)} of cloud time."),
    ]
    lines += [Content.assemble(("! ", "$warning bold"), note) for note in found.notes]
    if practice:
        lines.append(Content.styled("This is the practice cloud: no money is spent.", "$dim"))
    return Content("\n").join(lines)


def outcome(state: RunState) -> str:
    """What an operation came to, in a sentence; empty for a run that is none."""
    plan = state.plan
    if plan is None or plan.change is None:
        return ""
    if state.outcome != "done":
        at = next((s for s in state.steps if s.status in ("failed", "cancelled", "running")), None)
        where = f" at {at.spec.title}" if at is not None else ""
        return f"{DOING[plan.kind]} has not come to its end{where}."
    per_hour = usd(_cost(plan.bill, 1), "h")
    if plan.kind == "teardown":
        left = len(plan.change.leaves)
        return (
            f"{count(len(plan.change.removes), 'resource')} verified gone, {left} of others left; {per_hour} remains."
        )
    nodes = "nodes not counted" if state.nodes is None else count(state.nodes, "node")
    if plan.kind == "stop":
        return f"0 replicas, {nodes}, {per_hour} goes on: {parts(plan.bill)}."
    sent = f"; {state.requests_sent} requests sent meanwhile, {state.requests_lost} lost" if state.requests_sent else ""
    return f"{count(plan.change.replicas_after, 'replica')}, {nodes}, {per_hour}{sent}."
