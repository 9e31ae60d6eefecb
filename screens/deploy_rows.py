"""The deployment's words: step rail, one line of where we are, and everything the status pane lists."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from textual.content import Content

from rhaii_tui.catalog.findings import Evidence, Finding, Next, Status
from rhaii_tui.deployment.state import Condition, RunState, SeenEvent, StepState
from screens.operation_pages import DOING, DONE, outcome
from screens.theme.figures import clip, duration, gauge, tail
from screens.theme.signs import STATUS, sign

_SHORT = {"LLMInferenceService": "llmisvc"}
"""kubectl's own short names, where the full one would leave no room for the condition."""
_KEYS = {
    Next.NOTHING: ("", ""),
    Next.RETRY: ("r", "tries again"),
    Next.ZONE: ("z", "chooses another zone"),
    Next.SETTINGS: ("s", "goes back to the answers"),
}
"""Key and what it does."""
_OVER = ("done", "already", "skipped")


class Row(NamedTuple):
    """A line of a list and the page behind it."""

    line: Content
    title: str
    page: Content


def elapsed(step: StepState, now: float, rate: float) -> float | None:
    """Cloud seconds a step has taken; None before it started."""
    if step.started_at is None:
        return None
    return max(0.0, (step.finished_at or now) - step.started_at) * rate


def rail(state: RunState, now: float, width: int) -> list[Content]:
    """One row per step: sign, title, elapsed, usual, and how far it is by its own count or by the clock."""
    critical = set(state.plan.critical_path) if state.plan else set()
    wide = max(20, min(30, width - 18))
    room = max(0, width - wide - 20)
    rows = []
    for step in state.steps:
        mark = sign(step.status)
        took = elapsed(step, now, state.rate)
        usual = step.spec.usual_seconds
        strong = "bold" if step.status in ("running", "failed") else "" if step.status != "waiting" else "$dim"
        rows.append(
            Content.assemble(
                (f"{mark.glyph} ", mark.style),
                (f"{clip(step.spec.title, wide):<{wide}}", strong),
                ("◆" if step.spec.id in critical else " ", "$accent"),
                (f"{duration(took) if took is not None else '':>7}", strong),
                (f" /{duration(usual):>6}  ", "$dim"),
                _progress(step, took, usual, room),
            )
        )
    return rows


def _progress(step: StepState, took: float | None, usual: float, room: int) -> Content:
    if room < 10:
        return Content("")
    if step.status == "failed":
        text = step.finding.message if step.finding else "failed"
        return Content.styled(clip(text, room), "$error")
    if step.status == "running" and took is not None:
        if step.done is not None and step.total:
            count = f"{step.done}/{step.total} {step.unit}".strip()
        else:
            count = "over usual" if took > usual else ""
        bar = min(12 if room > 30 else 6, max(0, room - len(count) - 1))
        counted = step.done is not None and step.total
        drawn = gauge(step.done or 0, step.total or 0, bar) if counted else gauge(took, usual, bar)
        tail = clip(f" {count}" + (f"  {step.note}" if step.note else ""), room - bar)
        return Content.assemble((drawn, "$accent"), (tail, "$warning" if count == "over usual" else "$dim"))
    if step.status in ("done", "already", "skipped"):
        lead = "" if step.status == "done" else sign(step.status).word
        return Content.styled(clip(step.note or lead, room), "$dim")
    return Content("")


def wanted(state: RunState) -> int:
    """How many replicas the plan is to end with."""
    if state.plan is None:
        return 0
    return state.plan.change.replicas_after if state.plan.change else state.plan.target.replicas


def are_replicas_known(state: RunState) -> bool:
    """Whether the count means something: an operation's replicas run before it has looked at them."""
    return bool(state.replicas) or not wanted(state) or state.plan is None or state.plan.change is None


def headline(state: RunState, now: float) -> Content:
    """Where the run is, in one line."""
    total = len(state.steps)
    done = sum(s.status in _OVER for s in state.steps)
    spent = duration(state.cloud_elapsed(state.approved_at, state.stopped_at or now))
    usual = duration(state.plan.expected_seconds) if state.plan else "?"
    kind = state.plan.kind if state.plan else "setup"
    if state.outcome == "done":
        mark, word = STATUS["PASS"], DONE[kind]
    elif state.outcome == "failed":
        mark, word = STATUS["FAIL"], "Failed"
    elif state.outcome == "cancelled":
        mark, word = STATUS["WARN"], "Not watching"
    else:
        mark, word = sign("running"), DOING[kind]
    speed = f" of cloud time, {state.rate:g}x here" if state.rate != 1 else ""
    return Content.assemble(
        (f"{mark.glyph} {word}", mark.style),
        f"  {done} of {total} steps  ",
        (spent, "bold"),
        (f" of about {usual}{speed}", "$dim"),
    )


def waits(state: RunState, width: int) -> Content:
    """What is being waited for, how long that usually takes, or what stopped and which key goes on."""
    if state.outcome == "done" and state.plan is not None and state.plan.kind != "setup":
        return Content.assemble(outcome(state), "  ", ("g", "$accent bold"), " goes back")
    if state.outcome == "done":
        return Content.assemble(
            ("g", "$accent bold"), " tests routing and cache   ", ("enter", "$accent bold"), " details"
        )
    failed = next((s for s in state.steps if s.status == "failed"), None)
    if state.outcome == "failed" and failed is not None and failed.finding is not None:
        return Content.assemble(
            (clip(f"{failed.spec.title}: {failed.finding.message}", 2 * width - 50) + "  ", "$error"),
            ("r", "$accent bold"),
            " retries  ",
            ("enter", "$accent bold"),
            " says more  ",
            ("d", "$accent bold"),
            " troubleshoots",
        )
    if state.lost_links:
        link, _, reason = state.lost_links[0]
        return Content.styled(clip(f"! {link} is not live: {reason}; reconnecting", width), "$warning")
    running = [s for s in state.steps if s.status == "running"]
    if state.outcome == "cancelled":
        begun = "What was begun goes on in the cloud.  "
        return Content.assemble((begun, "$warning"), ("r", "$accent bold"), " goes on watching")
    if not running:
        return Content.styled("Between two steps.", "$dim")
    early = next(
        (f for f in state.findings if f.status is Status.WARN and f.name in {s.spec.id for s in running}), None
    )
    if early is not None:
        return Content.styled(clip(f"! {early.message} {early.meaning}", 2 * width), "$warning")
    longest = max(running, key=lambda s: s.spec.usual_seconds)
    more = f"  (and {len(running) - 1} beside it)" if len(running) > 1 else ""
    usual = f", usually {duration(longest.spec.usual_seconds)}{more}"
    return Content(clip(f"Waits for: {longest.spec.waits_for}", width - len(usual)) + usual)


def status(state: RunState, width: int) -> list[Row]:
    """Findings first, then conditions, then cluster events, newest on top."""
    rows = [finding_row(f, width, among) for f, among in _alike(_findings(state))]
    rows += [_condition_row(c, width) for c in sorted(state.conditions, key=lambda c: (c.status == "True", c.kind))]
    rows += [_event_row(e, width) for e in reversed(state.events)]
    return rows


def key_of(finding: Finding) -> str:
    """The next key; empty when there is none."""
    return _KEYS[finding.next_key][0]


def to_read(state: RunState) -> int:
    """Findings that want attention, the same one about several pods counted once."""
    return sum(f.status.value in ("FAIL", "WARN", "UNKNOWN") for f, _ in _alike(_findings(state)))


def _alike(findings: list[Finding]) -> list[tuple[Finding, int]]:
    """Each finding once, with how many objects it was found on: three replicas fail for one reason."""
    first: dict[tuple[str, str, str], Finding] = {}
    among: dict[tuple[str, str, str], int] = {}
    for finding in findings:
        key = (finding.rule, finding.status.value, finding.message)
        first.setdefault(key, finding)
        among[key] = among.get(key, 0) + 1
    return [(finding, among[key]) for key, finding in first.items()]


def _findings(state: RunState) -> list[Finding]:
    failed = [s.finding for s in state.steps if s.finding is not None and s.status == "failed"]
    return [*failed, *(f for f in state.findings if f not in failed)]


def finding_row(finding: Finding, width: int, among: int = 1) -> Row:
    """A finding in a line, everything about it behind; `among`: on how many objects it was found."""
    mark = STATUS[finding.status.value]
    key = f"  {key_of(finding)}" if finding.next_key else ""
    room = width - 11 - len(key)
    about = f"  ({tail(finding.name, 24)})" if finding.name else ""
    about = f"  ({among} of them)" if among > 1 else about
    text = clip(finding.message + (about if len(finding.message) + len(about) <= room else ""), room)
    line = Content.assemble((f"{mark.glyph} {mark.word:<7} ", mark.style), text, (key, "$accent bold"))
    return Row(line, finding.name or finding.rule, finding_page(finding))


def finding_page(finding: Finding) -> Content:
    """What happened, what it means, what to do next, and what was read."""
    mark = STATUS[finding.status.value]
    lines = [Content.assemble((f"{mark.glyph} {mark.word}  ", mark.style), (finding.message, "bold"))]
    if finding.meaning:
        lines.append(Content.assemble(("What it means  ", "$dim"), finding.meaning))
    if finding.remediation:
        lines.append(Content.assemble(("What to do     ", "$dim"), finding.remediation))
    if finding.next_key:
        key, means = _KEYS[finding.next_key]
        lines.append(Content.assemble(("Next key       ", "$dim"), (key, "$accent bold"), f"  {means}"))
    for command in finding.commands:
        lines.append(
            Content.assemble(("$ ", "$accent"), command.text, (f"   # {command.why}" if command.why else "", "$dim"))
        )
    lines += _evidence(finding.evidence)
    if finding.raw and finding.raw != finding.message:
        lines += [Content.styled("Raw text", "$dim"), Content(finding.raw)]
    return Content("\n").join(lines)


def _evidence(evidence: tuple[Evidence, ...]) -> list[Content]:
    return [
        Content.assemble(("Read  ", "$dim"), f"{e.source}: {e.text}", (f"  {_clock(e.observed_at)}", "$dim"))
        for e in evidence
    ]


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at).strftime("%H:%M:%S") if at else ""


def _condition_row(condition: Condition, width: int) -> Row:
    mark = sign(condition.status)
    what = f"{_SHORT.get(condition.kind, condition.kind)} {condition.condition}"
    wide = min(38, width - 10)
    why = "" if condition.status == "True" else condition.reason
    line = Content.assemble(
        (f"{mark.glyph} {mark.word:<7} ", mark.style),
        f"{clip(what, wide):<{wide}} ",
        (clip(why, max(0, width - wide - 11)), "$dim"),
    )
    page = Content(
        f"{condition.kind} {condition.name}\n{condition.condition}: {condition.status}"
        f" since {_clock(condition.since)}\n"
        f"{condition.reason}\n{condition.message}"
    )
    return Row(line, f"{condition.kind} {condition.name}", page)


def _event_row(event: SeenEvent, width: int) -> Row:
    warning = event.level == "Warning"
    count = f" x{event.count}" if event.count > 1 else ""
    line = Content.assemble(
        (f"{'!' if warning else '·'} {_clock(event.at)} ", "$warning" if warning else "$dim"),
        f"{event.reason}{count}  ",
        (clip(f"{event.object}: {event.message}", max(0, width - 14 - len(event.reason) - len(count))), "$dim"),
    )
    return Row(
        line, f"{event.reason} {event.object}", Content(f"{event.object}\n{event.level}{count}\n{event.message}")
    )


def step_page(step: StepState, now: float, rate: float) -> Content:
    """Everything about one step."""
    mark = sign(step.status)
    took = elapsed(step, now, rate)
    lines = [Content.assemble((f"{mark.glyph} {mark.word}", mark.style), f"  {step.note}")]
    lines.append(Content.assemble(("Waits for  ", "$dim"), step.spec.waits_for))
    taken = duration(took) if took is not None else "not started"
    usual = f"usually {duration(step.spec.usual_seconds)}: {step.spec.usual_source}"
    lines.append(Content.assemble(("Time       ", "$dim"), taken, (f"  {usual}", "$dim")))
    if step.operation:
        lines.append(Content.assemble(("Operation  ", "$dim"), step.operation))
    if step.attempts > 1:
        lines.append(Content.assemble(("Attempts   ", "$dim"), str(step.attempts)))
    lines += _evidence(step.evidence)
    if step.finding is not None:
        lines += [Content(""), finding_page(step.finding)]
    lines.append(Content(""))
    for command in step.spec.commands:
        lines.append(Content.assemble(("$ ", "$accent"), command.text))
    return Content("\n").join(lines)
