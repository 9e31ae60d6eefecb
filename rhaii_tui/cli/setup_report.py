"""What `setup` says: the plan as lines, progress as it happens, and the result record."""

from __future__ import annotations

from collections import deque
from typing import Any

from rhaii_tui.cli.output import Exit, Output, clock_text
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.narration import told
from rhaii_tui.deployment.plan import Plan
from rhaii_tui.deployment.reduce import critical_path_seconds
from rhaii_tui.deployment.state import RunState


def plan_lines(plan: Plan) -> list[str]:
    """The plan for a person: steps with what they wait for, times, bill, and the commands that would do the same."""
    critical, ends = set(plan.critical_path), plan.finish_times()
    target = plan.target
    lines = [
        f"Plan: {target.shape.id}, {target.replicas} x {target.model} in {target.zone} ({target.project})",
        f"Usually ready after {clock_text(plan.expected_seconds)}; * marks the critical path.",
    ]
    for step in plan.steps:
        mark = "*" if step.id in critical else " "
        after = f" after {', '.join(step.after)}" if step.after else ""
        lines.append(
            f"{mark} {step.id:<13}{clock_text(step.usual_seconds):>7}  by {clock_text(ends[step.id]):<7}"
            f" {step.effect.value:<8}{step.title}{after}"
        )
        lines += [f"      $ {command.text}" for command in step.commands]
    lines.append("Bill:")
    for part in plan.bill.components:
        cost = "price unknown" if part.usd_per_hour is None else f"${part.usd_per_hour:.3f}/h"
        lines.append(f"  {part.name}: {part.quantity:g} {part.unit}, {cost} ({part.source}, {part.as_of})")
    day = plan.bill.usd_per_day
    total = "unknown" if day is None else f"${plan.bill.usd_per_hour:.2f} per hour, ${day:.2f} per day"
    lines.append(f"  Total{'' if plan.bill.complete else ' of what is priced'}: {total}")
    return lines


_REMEMBERED = 200
"""Cluster events of which a repetition is not told again."""


class Reporter:
    """Listens to a session. Machines get every event; people get what moves the road forward."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._seen: deque[str] = deque(maxlen=_REMEMBERED)

    def begin(self, state: RunState) -> None:
        """The run as it stands before this process goes on with it."""
        word = "continues" if state.ledger or state.approved_at else "begins"
        self._out.line(f"Run {state.run} {word}.")
        self._out.record({"type": "run", "run": state.run, "cloud": state.cloud, "resumed": word == "continues"})

    def __call__(self, event: e.Event, state: RunState) -> None:
        self._out.raw(e.encode(event))
        if not self._out.as_json and (text := told(event, state)) and not self._again(event, text):
            since = clock_text(state.cloud_elapsed(state.approved_at, state.seen_at))
            self._out.line(f"[{since:>7}] {text}")

    def _again(self, event: e.Event, text: str) -> bool:
        """Whether it is a cluster event that says once more what it has said."""
        if not isinstance(event, e.ClusterEventSeen):
            return False
        known = text in self._seen
        self._seen.append(text)
        return known

    def closing(self, state: RunState) -> list[str]:
        """The last lines for a person."""
        lines: list[str] = []
        told: set[tuple[str, str]] = set()
        for step in state.steps:
            found = step.finding
            if step.status == "failed" and found is not None and (found.rule, found.name) not in told:
                told.add((found.rule, found.name))
                lines += [f"FAILED  {step.spec.title}: {found.message}", f"        {found.meaning}"]
                lines += [f"        Next: {found.remediation}"]
                lines += [f"        | {line}" for line in found.raw.splitlines()[-8:]]
        if state.outcome == "failed":
            lines.append(continuing(state))
        if state.ready_at is not None and state.outcome == "done":
            lines.append(f"Ready: {state.endpoint} ({state.model}, {state.replicas_ready} replicas)")
            lines.append(
                f"  curl -s {state.endpoint}/v1/completions -H 'Content-Type: application/json' "
                f'-d \'{{"model": "{state.model}", "prompt": "Hello", "max_tokens": 16}}\''
            )
        billed = any(x.kind in ("Cluster", "NodePool") for x in state.ledger)
        if billed and state.bill is not None and state.bill.usd_per_day is not None:
            lines.append(f"It costs about ${state.bill.usd_per_day:.2f} per day until it is removed.")
        return lines


def continuing(state: RunState) -> str:
    """How a stopped run goes on."""
    if state.cloud.startswith("practice:"):
        return "The same command continues this run while its practice cloud exists (rhaii-tui practice serve)."
    return "The same command continues this run."


def result(state: RunState) -> tuple[dict[str, Any], Exit]:
    """The result record and the exit code of a finished run."""
    verdict, bill = state.verdict, state.bill
    ready = state.outcome == "done" and state.ready_at is not None
    unproven = verdict is not None and "NOT PROVEN" in (verdict.routing, verdict.cache)
    unread = verdict is not None and "UNKNOWN" in (verdict.routing, verdict.cache)
    ok = ready and not unproven and not unread
    finding = next((s.finding for s in state.steps if s.status == "failed" and s.finding is not None), None)
    record: dict[str, Any] = {
        "type": "result",
        "run": state.run,
        "ok": ok,
        "outcome": state.outcome,
        "endpoint": state.endpoint,
        "replicas": state.plan.target.replicas if state.plan else 0,
        "replicas_ready": state.replicas_ready,
        "verdict": {
            "routing": verdict.routing if verdict else "UNKNOWN",
            "cache": verdict.cache if verdict else "UNKNOWN",
            "reasons": list(verdict.reasons) if verdict else ["The cache test was not run."],
        },
        "bill": {
            "usd_per_hour": bill.usd_per_hour if bill else None,
            "usd_per_day": bill.usd_per_day if bill else None,
            "components": [c.model_dump(mode="json") for c in bill.components] if bill else [],
        },
        "cloud_seconds": round(state.cloud_elapsed(state.approved_at, state.ready_at), 1) if state.ready_at else None,
        "unwatched_seconds": round(state.cloud_missed(state.approved_at, state.ready_at or state.seen_at), 1),
        "critical_path_seconds": round(critical_path_seconds(state), 1),
        "requests": {"sent": verdict.sent if verdict else 0, "ok": verdict.ok if verdict else 0},
        "finding": finding.model_dump(mode="json") if finding else None,
    }
    if ok:
        return record, Exit.OK
    if ready and unread and not unproven:
        return record, Exit.UNKNOWN
    return record, Exit.FAILED
