"""The plan's words: rows of the graph, what a step does, the bill, the whole as a script."""

from __future__ import annotations

from textual.content import Content

from rhaii_tui.deployment.plan import Effect, Plan, StepSpec
from screens.theme.figures import clip, count, duration, usd

TITLE = 27
_EFFECT = {
    Effect.OBSERVE: ("looks", "$dim"),
    Effect.CHANGE: ("changes", ""),
    Effect.SPEND: ("SPENDS", "$warning bold"),
    Effect.DESTROY: ("DESTROYS", "$error bold"),
}


def heading(width: int) -> Content:
    """Column names over the rows."""
    bar = max(0, width - TITLE - 21)
    when = clip("◆█ critical path  ▒ beside", bar)
    return Content.styled(f"  {'step':<{TITLE}} {'usual':>6}  {when:<{bar}} {'effect':>8}", "$dim")


def rows(plan: Plan, width: int) -> list[Content]:
    """One row per step: `◆` marks the critical path; the bar says when it runs on the common time axis."""
    ends, critical = plan.finish_times(), set(plan.critical_path)
    total = max(plan.expected_seconds, 1.0)
    bar = max(0, width - TITLE - 21)
    shown = []
    for step in plan.steps:
        on_path = step.id in critical
        word, style = _EFFECT[step.effect]
        begin = round((ends[step.id] - step.usual_seconds) / total * bar)
        length = max(1, round(step.usual_seconds / total * bar))
        begin = min(begin, max(0, bar - length))
        drawn = " " * begin + ("█" if on_path else "▒") * length
        shown.append(
            Content.assemble(
                ("◆ " if on_path else "  ", "$accent bold"),
                (f"{clip(step.title, TITLE):<{TITLE}} ", "bold" if on_path else ""),
                f"{duration(step.usual_seconds):>6}  ",
                (f"{drawn:<{bar}} ", "$accent" if on_path else "$dim"),
                (f"{word:>8}", style),
            )
        )
    return shown


def summary(plan: Plan, rate: float) -> Content:
    """Time and money in two lines."""
    here = f", {duration(plan.expected_seconds / rate)} here at {rate:g}x" if rate != 1 else ""
    beside = sum(s.usual_seconds for s in plan.steps)
    bill = plan.bill
    rest = "" if bill.complete else "; not every price is known"
    return Content.assemble(
        ("Expected ", "$dim"),
        (duration(plan.expected_seconds), "bold"),
        f" of cloud time{here}",
        (f"  (one by one: {duration(beside)})\n", "$dim"),
        ("Bill     ", "$dim"),
        (usd(bill.usd_per_hour, "h"), "bold"),
        f", {usd(bill.usd_per_day, 'day')}",
        (f" while it exists{rest}", "$dim"),
    )


def step(plan: Plan, spec: StepSpec) -> Content:
    """What one step waits for, what it follows, and the lines that would do the same."""
    titles = {s.id: s.title for s in plan.steps}
    lines = [
        Content.assemble(("Waits for   ", "$dim"), spec.waits_for or "nothing"),
        Content.assemble(("Comes after ", "$dim"), ", ".join(titles[a] for a in spec.after) or "nothing"),
        Content.assemble(("Usually     ", "$dim"), duration(spec.usual_seconds), (f"  {spec.usual_source}", "$dim")),
        Content(""),
    ]
    for command in spec.commands:
        if command.why:
            lines.append(Content.styled(f"# {command.why}", "$dim"))
        lines.append(Content.assemble(("$ ", "$accent"), command.text))
    if not spec.commands:
        lines.append(Content.styled("Only looks: there is no command to repeat by hand.", "$dim"))
    return Content("\n").join(lines)


def commands(spec: StepSpec) -> str:
    """A step's lines as they would be typed."""
    return "\n".join(line for c in spec.commands for line in ([f"# {c.why}"] if c.why else []) + [c.text])


def script(plan: Plan) -> str:
    """All lines of the plan, in an order in which they can be run."""
    parts = [f"# {s.title}\n{commands(s)}" for s in plan.steps if s.commands]
    return "#!/bin/sh\nset -e\n\n" + "\n\n".join(parts) + "\n"


def approval(plan: Plan, practice: bool, other: str = "") -> Content:
    """What saying yes begins. `other` is a run that would no longer be watched."""
    target = plan.target
    lines = [
        Content(f"{target.shape.id}: {count(target.replicas, 'replica')} in {target.zone}, project {target.project}."),
        Content.assemble(
            "From the node pools on it costs ",
            (usd(plan.bill.usd_per_hour, "h"), "$warning bold"),
            f" ({usd(plan.bill.usd_per_day, 'day')}) until it is deleted.",
        ),
    ]
    if not plan.bill.complete:
        missing = ", ".join(c.name for c in plan.bill.components if c.usd_per_hour is None)
        lines.append(Content.styled(f"Not in it, price unknown: {missing}.", "$dim"))
    if other:
        lines.append(
            Content.assemble(("! ", "$warning bold"), f"{other} is no longer watched then; what it made stays.")
        )
    if practice:
        lines.append(Content.styled("This is the practice cloud: no money is spent.", "$dim"))
    return Content("\n").join(lines)
