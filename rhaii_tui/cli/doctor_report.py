"""The words of `rhaii-tui doctor`: the chain, the cause with its evidence, what follows from it, what to do."""

from __future__ import annotations

import time
from typing import Any

from rhaii_tui.catalog.findings import Status
from rhaii_tui.cli.output import Exit
from rhaii_tui.doctor.diagnosis import BAD, Diagnosed, Diagnosis
from rhaii_tui.doctor.hops import GROUND, LIFE, PATH, State
from rhaii_tui.doctor.records import finding_record
from rhaii_tui.doctor.rule import Fix

_MARKS = {State.GREEN: "ok", State.RED: "RED", State.UNPROVEN: "?", State.UNUSED: "-"}
_WIDTH = 150


def lines(diagnosis: Diagnosis) -> list[str]:
    """For a person."""
    told = [f"Service {diagnosis.place}"]
    for title, hops in (("Below everything", GROUND), ("A request's way", PATH), ("A replica's life", LIFE)):
        told.append(title)
        for hop in hops:
            link = diagnosis.link(hop)
            mark = "CAUSE" if link.is_cause else _MARKS[link.state]
            told.append(f"  {mark:<6}{hop:<17}{link.line[:_WIDTH]}")
    told.append("")
    cause = diagnosis.cause
    if cause is not None:
        told += ["Cause", *_case(cause)]
    for one in diagnosis.findings:
        if one is not cause:
            head = f"Follows from {one.consequence_of}" if one.consequence_of else _head(one)
            told += [head, *_case(one)]
    for unread in diagnosis.unread:
        told.append(f"UNKNOWN  {unread.what} could not be read: {unread.reason[:_WIDTH].rstrip('.')}. {unread.advice}")
    if cause is None and not diagnosis.healthy:
        told.append("Nothing was found wrong, and not everything is proven: see the hops marked with ?.")
    if diagnosis.healthy:
        told.append("Nothing is wrong." if not diagnosis.stopped else "Stopped on purpose; nothing is wrong.")
    return told


def _head(one: Diagnosed) -> str:
    if one.hit.status is Status.UNKNOWN:
        return "Not known yet"
    return "Also found" if one.hit.status in BAD else "For information"


def _case(one: Diagnosed) -> list[str]:
    hit = one.hit
    told = [f"  {hit.status.value:<5} {one.rule.id}: {hit.message}"]
    told += [f"        read  {_clock(e.observed_at)} {e.source}: {e.text[:_WIDTH]}" for e in hit.evidence]
    told.append(f"        means {one.rule.cause}")
    told.append(f"        wrong if {one.rule.refuted_by}")
    if hit.fix is not None:
        told += _fix(one.rule.id, hit.fix)
    return told


def _clock(at: float) -> str:
    """Wall time of a reading."""
    return time.strftime("%H:%M:%S", time.localtime(at))


def _fix(rule: str, fix: Fix) -> list[str]:
    how = "by hand" if fix.guided else f"rhaii-tui doctor --fix {rule}"
    told = [f"        fix   {fix.title} ({how})"]
    return told + [f"              {c.text}" + (f"   # {c.why}" if c.why else "") for c in fix.commands]


def result(diagnosis: Diagnosis, code: Exit) -> dict[str, Any]:
    """The last record."""
    cause = diagnosis.cause
    return {
        "type": "result",
        "ok": code is Exit.OK,
        "exit_code": int(code),
        "service": str(diagnosis.place),
        "stopped": diagnosis.stopped,
        "cause": finding_record(cause, diagnosis) if cause else None,
        "red": [link.hop.value for link in diagnosis.links if link.state is State.RED],
        "unproven": [link.hop.value for link in diagnosis.links if link.state is State.UNPROVEN],
        "unread": [{"what": u.what, "reason": u.reason, "permission": u.permission} for u in diagnosis.unread],
    }
