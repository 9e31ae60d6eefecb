"""From observations to a verdict. The first rule that matches decides; every verdict prints its evidence.

HTTP 200 is not proof and latency is not proof of caching: routing is proven only by the endpoint picker's marker and
the replicas' own counters, the cache only by token counters.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from rhaii_tui.cachetest.records import Observations, Record, Verdict
from rhaii_tui.cachetest.statistics import chance_all_on_one, chance_of_at_least, median_difference, wilson

PROVEN, NOT_PROVEN, NOT_APPLICABLE, UNKNOWN = "PROVEN", "NOT PROVEN", "NOT APPLICABLE", "UNKNOWN"
LAG_LIMIT_MS = 50.0
"""A generator whose loop is late by more than this (p99) blurs latencies: they are withheld. Counters do not blur."""


@dataclass(frozen=True, slots=True)
class Affinity:
    """Follow-ups served by the replica that served their family's first request."""

    matches: int
    trials: int
    chance: float
    replicas_used: int
    families: int
    on_one: bool

    @property
    def low(self) -> float:
        """Lower bound of the Wilson 95 % interval."""
        return wilson(self.matches, self.trials)[0]

    @property
    def high(self) -> float:
        """Upper bound of the same interval."""
        return wilson(self.matches, self.trials)[1]

    @property
    def by_chance(self) -> float:
        """Probability of as many matches under random routing."""
        return chance_of_at_least(self.matches, self.trials, self.chance)


def affinity(records: tuple[Record, ...], replicas: int) -> Affinity:
    """Count matches among the attributed requests of the affinity phase."""
    home: dict[str, str] = {}
    matches = trials = 0
    served: Counter[str] = Counter()
    for record in records:
        if record.phase != "affinity" or not record.replica:
            continue
        served[record.replica] += 1
        if record.repeat == 0:
            home[record.family] = record.replica
        elif record.family in home:
            trials += 1
            matches += record.replica == home[record.family]
    on_one = len(served) == 1 and replicas > 1
    return Affinity(matches, trials, 1 / max(1, replicas), len(served), len(home), on_one)


def conclude(o: Observations) -> Verdict:
    """The verdict of a run."""
    ours = tuple(r for r in o.records if r.phase in ("affinity", "control", "load"))
    ok = sum(r.ok for r in ours)
    cold = [r.ttft_ms for r in ours if r.phase == "control" and r.ok and r.ttft_ms is not None]
    warm = [r.ttft_ms for r in ours if r.phase == "affinity" and r.repeat > 0 and r.ok and r.ttft_ms is not None]
    routing, cache, name, reasons, hint = _rules(o)
    late = o.lag_p99_ms > LAG_LIMIT_MS
    if late:
        reasons.append(f"No latencies: the load generator was {o.lag_p99_ms:.0f} ms late itself (p99).")
    return Verdict(
        routing,
        cache,
        name,
        tuple(reasons),
        hint,
        sent=len(ours),
        ok=ok,
        saved_ms=None if late else median_difference(cold, warm),
        load=o.load,
        shares=o.warm_shares,
    )


def _rules(o: Observations) -> tuple[str, str, str, list[str], str]:
    tested = [r for r in o.records if r.phase in ("affinity", "control")]
    if not o.healthy or not tested or not any(r.ok for r in tested):
        return UNKNOWN, UNKNOWN, "NOT READY", ["The endpoint did not pass its health check."], "Look at the pods."
    foreign = _foreign(o)
    if foreign:
        return UNKNOWN, UNKNOWN, "CONTAMINATED", [foreign], "Repeat it when nobody else uses the service."
    cache, cache_reasons = _cache(o)
    if not o.routed or o.replicas < 2:
        why = "no endpoint picker is deployed" if not o.routed else "one replica: there is nothing to choose between"
        reasons = [f"Routing is not applicable: {why}.", *cache_reasons]
        return NOT_APPLICABLE, cache, "WORKING" if cache == PROVEN else _cache_name(o, cache), reasons, ""
    routing, name, reasons, hint = _routing(o, tested)
    if routing == PROVEN and cache != PROVEN:
        name = _cache_name(o, cache)
    return routing, cache, name, [*reasons, *cache_reasons], hint


def _foreign(o: Observations) -> str:
    if not o.counters_readable:
        return ""
    sent = sum(r.phase in ("affinity", "control") and r.status == 200 for r in o.records)
    counted = sum(s.requests for s in (*o.warm_shares, *o.control_shares))
    if counted > sent + 2:
        return f"The replicas served {counted} requests in the window, {sent} of them ours."
    return ""


def _routing(o: Observations, tested: list[Record]) -> tuple[str, str, list[str], str]:
    answered = [r for r in tested if r.ok]
    unmarked = sum(not r.picked for r in answered)
    marker = f"{len(answered) - unmarked} of {len(answered)} answers carry the endpoint picker's marker header"
    if unmarked:
        return NOT_PROVEN, "EPP BYPASSED", [
            f"{marker}: {unmarked} requests were answered 200 without a routing decision (the pool fails open).",
            *([f"The picker's own counter grew by {o.picker_decisions}."] if o.picker_decisions is not None else []),
        ], "Check the endpoint picker's pod and the gateway's ext_proc filter."  # fmt: skip
    decided = (
        f"the picker's own counter grew by {o.picker_decisions} for {len(answered)} requests"
        if o.picker_decisions is not None
        else "the picker's own counter could not be read"
    )
    seen = affinity(o.records, o.replicas)
    if not o.counters_readable or seen.trials == 0:
        why = "; ".join(o.unread) or "no replica's counters could be read"
        return UNKNOWN, "CANNOT TELL", [f"{marker}.", f"No request could be attributed to a replica: {why}."], (
            "Allow `get` on pods/proxy in the namespace.")  # fmt: skip
    share = f"{seen.matches} of {seen.trials} follow-ups on their family's replica"
    evidence = [
        f"{share} (chance level {seen.chance:.0%}, p = {seen.by_chance:.1g}, lower bound {seen.low:.2f}), "
        "by the replicas' own token counters.",
        f"{marker}; {decided}.",
        f"{seen.replicas_used} of {o.replicas} replicas served the {seen.families} families.",
    ]
    if o.picker_decisions is not None and o.picker_decisions < len(answered):
        return NOT_PROVEN, "EPP BYPASSED", evidence, "Fewer decisions than requests: look at the picker's log."
    if seen.on_one:
        p = chance_all_on_one(seen.families, o.replicas)
        return NOT_PROVEN, "CONCENTRATED", [f"All families on one replica (p = {p:.1g} by chance).", *evidence], (
            "Check that all replicas are in the pool.")  # fmt: skip
    if seen.by_chance > 0.001 or seen.high < 0.67:
        return NOT_PROVEN, "NOT AFFINE", evidence, "Check the picker's scorers and that request bodies reach it."
    if seen.low < 0.75:
        return NOT_PROVEN, "PARTIALLY AFFINE", evidence, "Repeat on an idle service with more families."
    return PROVEN, "WORKING", evidence, ""


def _cache(o: Observations) -> tuple[str, list[str]]:
    if o.block is None or not o.counters_readable:
        why = "; ".join(o.unread) or "the replicas' metrics were not readable"
        return UNKNOWN, [f"The cache cannot be judged: {why}."]
    if o.expected_hit <= 0:
        return NOT_PROVEN, [f"The shared prefix is shorter than one cache block ({o.block} tokens): nothing can hit."]
    if o.restarted:
        return UNKNOWN, [f"Counters of {', '.join(o.restarted)} started over during the test."]
    follow_ups = sum(r.phase == "affinity" and r.repeat > 0 and r.ok for r in o.records)
    expected = o.expected_hit * follow_ups
    hits = sum(s.hits for s in o.warm_shares)
    stray = sum(s.hits for s in o.control_shares)
    delivered = hits / expected if expected else 0.0
    facts = [
        f"The engines delivered {hits:.0f} cached tokens where at least {expected} were due "
        f"({follow_ups} follow-ups x {o.expected_hit} tokens, in whole blocks of {o.block}).",
        f"The control (as many fresh prompts) hit {stray:.0f} tokens.",
    ]
    controls = sum(r.phase == "control" and r.ok for r in o.records)
    if delivered >= 0.9 and controls and stray < o.block:
        return PROVEN, facts
    return NOT_PROVEN, facts


def _cache_name(o: Observations, cache: str) -> str:
    if cache == UNKNOWN:
        return "CANNOT TELL"
    if o.expected_hit <= 0:
        return "PREFIX TOO SHORT"
    hits = sum(s.hits for s in o.warm_shares)
    expected = o.expected_hit * sum(r.phase == "affinity" and r.repeat > 0 and r.ok for r in o.records)
    if expected and hits / expected < 0.1:
        return "CACHE OFF"
    return "EVICTING"
