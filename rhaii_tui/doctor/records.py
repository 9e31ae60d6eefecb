"""A diagnosis as result records: one per hop, and one per finding."""

from __future__ import annotations

from typing import Any

from rhaii_tui.catalog.findings import Evidence, Finding, Next, Status
from rhaii_tui.doctor.diagnosis import BAD, Diagnosed, Diagnosis
from rhaii_tui.doctor.hops import Link, State
from rhaii_tui.doctor.pieces import Unread
from rhaii_tui.doctor.rule import Fix

_STATUS = {
    State.GREEN: Status.PASS,
    State.RED: Status.FAIL,
    State.UNPROVEN: Status.UNKNOWN,
    State.UNUSED: Status.SKIP,
}


def records(diagnosis: Diagnosis) -> list[dict[str, Any]]:
    """`hop` records in the chain's order, `finding` records in the order of blame, unread evidence last."""
    found = [hop_record(link, diagnosis) for link in diagnosis.links]
    found += [finding_record(one, diagnosis) for one in diagnosis.findings]
    return found + [unread_record(one, diagnosis) for one in diagnosis.unread]


def hop_record(link: Link, diagnosis: Diagnosis) -> dict[str, Any]:
    """One link of the chain."""
    return _record(
        "hop",
        category=link.hop.value,
        name=link.hop.value,
        status=_STATUS[link.state],
        message=link.line,
        observed_at=diagnosis.observed_at,
        evidence=link.evidence,
        state=link.state.value,
        rules=list(link.findings),
        is_cause=link.is_cause,
    )


def finding_record(one: Diagnosed, diagnosis: Diagnosis) -> dict[str, Any]:
    """One case of a rule."""
    hit, rule = one.hit, one.rule
    return _record(
        "finding",
        category=one.hop.value,
        name=hit.about,
        status=hit.status,
        message=hit.message,
        observed_at=diagnosis.observed_at,
        evidence=hit.evidence,
        remediation=hit.fix.title if hit.fix else "",
        details=hit.raw,
        node=hit.node,
        rule=rule.id,
        symptom=rule.symptom,
        cause=rule.cause,
        refuted_by=rule.refuted_by,
        consequence_of=one.consequence_of,
        is_cause=one is diagnosis.cause,
        fix=fix_record(hit.fix) if hit.fix else None,
    )


def unread_record(one: Unread, diagnosis: Diagnosis) -> dict[str, Any]:
    """Evidence that could not be read; never green."""
    return _record(
        "finding",
        category="evidence",
        name=one.what,
        status=Status.UNKNOWN,
        message=f"{one.what} could not be read: {one.reason[:300]}",
        observed_at=diagnosis.observed_at,
        remediation=one.advice,
        rule="evidence.unread",
        permission=one.permission,
    )


def fix_record(fix: Fix) -> dict[str, Any]:
    """What would mend it, without the bodies: the preview shows those."""
    return {
        "title": fix.title,
        "effect": fix.effect.value,
        "guided": fix.guided,
        "undoable": fix.undoable and not fix.guided,
        "risk": fix.risk,
        "changes": [{"verb": c.verb, "object": c.object} for c in fix.changes],
        "commands": [c.model_dump() for c in fix.commands],
    }


def finding_of(one: Diagnosed, at: float) -> Finding:
    """A case as the finding that steps, journals and screens know."""
    hit, rule = one.hit, one.rule
    return Finding(
        rule=f"doctor.{rule.id}",
        category=one.hop.value,
        name=hit.about,
        status=hit.status,
        message=hit.message,
        meaning=rule.cause,
        remediation=hit.fix.title if hit.fix else "",
        next_key=Next.RETRY if hit.status in BAD else Next.NOTHING,
        commands=hit.fix.commands if hit.fix else (),
        evidence=hit.evidence,
        raw=hit.raw,
        observed_at=at,
    )


def _record(
    type_: str,
    *,
    category: str,
    name: str,
    status: Status,
    message: str,
    observed_at: float,
    evidence: tuple[Evidence, ...] = (),
    remediation: str = "",
    details: str = "",
    node: str = "",
    rule: str = "",
    fix: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """The fields every result has; those of the kind follow."""
    return {
        "type": type_,
        "category": category,
        "name": name,
        "status": status.value,
        "message": message,
        "remediation": remediation,
        "details": details,
        "node": node,
        "rule": rule,
        "evidence": [e.model_dump() for e in evidence],
        "fix": fix,
        "observed_at": observed_at,
        **more,
    }
