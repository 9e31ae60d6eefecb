"""The verdict on a snapshot: the chain, the findings, and which of them is the cause. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from rhaii_tui.catalog.findings import Evidence, Status
from rhaii_tui.doctor.evidence import Snapshot
from rhaii_tui.doctor.hops import CAUSE_ORDER, CHAIN, Hop, Link, State
from rhaii_tui.doctor.pieces import Missing, Unread
from rhaii_tui.doctor.place import Place
from rhaii_tui.doctor.rule import Fix, Hit, Rule
from rhaii_tui.doctor.rules import BY_HOP, RULES

BAD = (Status.FAIL, Status.WARN)
STOPPED = "service.stopped"
_AWAKE = (Hop.ACCESS, Hop.CONTROLLERS, Hop.GATEWAY, Hop.SERVICE)
"""Hops that exist while a service is stopped on purpose; nothing can be said about the others."""


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """A rule's case. `consequence_of` is the id of the case that explains it, empty for a cause."""

    rule: Rule
    hit: Hit
    consequence_of: str = ""

    @property
    def hop(self) -> Hop:
        """Where."""
        return self.rule.hop


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything a screen or a record needs. `findings` in the order of blame: the first is the cause."""

    place: Place
    observed_at: float
    links: tuple[Link, ...]
    findings: tuple[Diagnosed, ...]
    unread: tuple[Unread, ...]
    stopped: bool = False

    @property
    def cause(self) -> Diagnosed | None:
        """The first case above information that nothing else explains."""
        return next((f for f in self.findings if f.hit.status in BAD and not f.consequence_of), None)

    @property
    def healthy(self) -> bool:
        """No case above information, everything needed was read, and requests are served (or it is stopped)."""
        if self.cause is not None or self.unread:
            return False
        return self.stopped or self.link(Hop.VLLM).state is State.GREEN

    def link(self, hop: Hop) -> Link:
        """A hop of the chain."""
        return next(one for one in self.links if one.hop is hop)

    def find(self, rule: str) -> Diagnosed | None:
        """A rule's first case."""
        return next((f for f in self.findings if f.rule.id == rule), None)

    @property
    def fixes(self) -> tuple[tuple[str, Fix], ...]:
        """Rule ids and their fixes, in the order of blame."""
        return tuple((f.rule.id, f.hit.fix) for f in self.findings if f.hit.fix is not None)


def judge(snapshot: Snapshot) -> Diagnosis:
    """The diagnosis of a snapshot. Never raises for what was not read: that becomes UNKNOWN."""
    stopped = _stopped(snapshot)
    hops = [h for h in CHAIN if not stopped or h in _AWAKE]
    found: list[tuple[Rule, Hit]] = []
    blind: dict[Hop, list[Unread]] = {}
    for hop in hops:
        for rule in BY_HOP[hop].rules:
            if not rule.fallback:
                _look(rule, snapshot, found, blind)
    if not any(hit.status in BAD for _, hit in found):
        for hop in hops:
            for rule in BY_HOP[hop].rules:
                if rule.fallback:
                    _look(rule, snapshot, found, blind)
    if stopped:
        found = [(rule, hit) for rule, hit in found if rule.hop is not Hop.SERVICE or rule.id == STOPPED]
    findings = _blamed(found)
    cause = next((f for f in findings if f.hit.status in BAD and not f.consequence_of), None)
    links = tuple(_link(hop, snapshot, findings, blind.get(hop, []), cause, stopped=stopped) for hop in CHAIN)
    return Diagnosis(snapshot.place, snapshot.at, links, findings, snapshot.unread(), stopped)


def _stopped(snapshot: Snapshot) -> bool:
    try:
        return snapshot.stopped
    except Missing:
        return False


def _look(rule: Rule, snapshot: Snapshot, found: list[tuple[Rule, Hit]], blind: dict[Hop, list[Unread]]) -> None:
    try:
        for hit in rule.look(snapshot):
            found.append((rule, hit))
    except Missing as missing:
        blind.setdefault(rule.hop, []).append(missing.unread)


def _blamed(found: list[tuple[Rule, Hit]]) -> tuple[Diagnosed, ...]:
    """In the order of blame; a case is a consequence when another case explains it, and that one is none of its own."""
    bad = {rule.id for rule, hit in found if hit.status in BAD}

    def explained(rule: Rule) -> str:
        others = [o for o in bad if o != rule.id and rule.is_explained_by(o) and not RULES[o].is_explained_by(rule.id)]
        return min(others, key=lambda o: _rank(RULES[o]), default="")

    cases = [Diagnosed(rule, hit, explained(rule)) for rule, hit in found]
    return tuple(sorted(cases, key=lambda c: (c.hit.status not in BAD, bool(c.consequence_of), _rank(c.rule))))


def _rank(rule: Rule) -> tuple[int, int]:
    return CAUSE_ORDER.index(rule.hop), [r.id for r in BY_HOP[rule.hop].rules].index(rule.id)


def _link(
    hop: Hop,
    snapshot: Snapshot,
    findings: tuple[Diagnosed, ...],
    blind: list[Unread],
    cause: Diagnosed | None,
    *,
    stopped: bool,
) -> Link:
    mine = [f for f in findings if f.hop is hop]
    bad = [f for f in mine if f.hit.status in BAD]
    ids = tuple(f.rule.id for f in mine)
    if bad:
        return Link(hop, State.RED, bad[0].hit.message, bad[0].hit.evidence, ids, is_cause=cause in bad)
    pending = [f for f in mine if f.hit.status is Status.UNKNOWN]
    if stopped and hop not in _AWAKE:
        return Link(hop, State.UNUSED, "the service is stopped on purpose", findings=ids)
    if stopped and hop is Hop.SERVICE and mine:
        return Link(hop, State.UNUSED, mine[0].hit.message, mine[0].hit.evidence, ids)
    refused = [u for u in blind if not u.absent]
    proof: Evidence | str | None = None
    try:
        proof = BY_HOP[hop].prove(snapshot)
    except Missing as missing:
        refused += [] if missing.unread.absent else [missing.unread]
        blind = [*blind, missing.unread]
    if refused:
        return Link(hop, State.UNPROVEN, _unread_words(refused[0]), findings=ids)
    if pending:
        return Link(hop, State.UNPROVEN, pending[0].hit.message, pending[0].hit.evidence, ids)
    if isinstance(proof, str):
        return Link(hop, State.UNUSED, proof, findings=ids)
    if proof is not None:
        return Link(hop, State.GREEN, f"{proof.source}: {proof.text}", (proof,), ids)
    why = _unread_words(blind[0]) if blind else "nothing shows that it works"
    return Link(hop, State.UNPROVEN, why, findings=ids)


def _unread_words(unread: Unread) -> str:
    need = f" (needs: {unread.permission})" if unread.permission else ""
    return f"{unread.what} not read: {unread.reason[:160]}{need}"
