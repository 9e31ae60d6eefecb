"""Verdicts from simulated observations: right where there is proof, never green without."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhaii_tui.cachetest.prompts import Sizes, prompt, sizes_for
from rhaii_tui.cachetest.records import Observations, Record, Share
from rhaii_tui.cachetest.statistics import chance_of_at_least, median_difference, percentile, wilson
from rhaii_tui.cachetest.verdict import affinity, conclude

PODS = ("a", "b", "c")


def observed(route: str = "affine", *, hits: float = 1.0, picked: bool = True, seed: int = 3,
             decisions: int | None = 40) -> Observations:  # fmt: skip
    """A run of 8 x 4 + 8 requests against a router of the given kind."""
    rng = random.Random(seed)
    records: list[Record] = []
    home = {f: PODS[f % 3] for f in range(8)}
    for repeat in range(4):
        for family in range(8):
            pod = {"affine": home[family], "one": "a", "random": rng.choice(PODS),
                   "robin": PODS[len(records) % 3]}[route]  # fmt: skip
            records.append(Record(len(records), "affinity", f"f{family}", repeat, 200, 100.0, 120.0, picked=picked,
                                  replica=pod, attribution="counters"))  # fmt: skip
    records += [Record(100 + i, "control", f"c{i}", 0, 200, 400.0, 420.0, picked=picked) for i in range(8)]
    warm = tuple(Share(p, sum(r.replica == p for r in records), 0, 1024 * 24 * hits / 3) for p in PODS)
    return Observations(3, True, tuple(records), 1024, 16, warm, (Share("a", 8, 0, 0),), True,
                        picker_decisions=decisions)  # fmt: skip


def test_affine_routing_with_delivered_tokens_is_proven() -> None:
    verdict = conclude(observed())
    assert (verdict.routing, verdict.cache, verdict.verdict) == ("PROVEN", "PROVEN", "WORKING")
    assert (verdict.sent, verdict.ok) == (40, 40)
    assert verdict.saved_ms is not None
    assert verdict.saved_ms[0] == 300


@pytest.mark.parametrize(
    ("route", "name"), [("random", "NOT AFFINE"), ("robin", "NOT AFFINE"), ("one", "CONCENTRATED")]
)
def test_other_routing_is_named(route: str, name: str) -> None:
    verdict = conclude(observed(route))
    assert (verdict.routing, verdict.verdict) == ("NOT PROVEN", name)


def test_a_dead_picker_is_not_proven_though_every_request_is_a_200() -> None:
    verdict = conclude(observed(picked=False, decisions=0))
    assert (verdict.routing, verdict.verdict) == ("NOT PROVEN", "EPP BYPASSED")
    assert verdict.sent == verdict.ok
    assert "fails open" in verdict.reasons[0]


def test_fewer_decisions_than_requests_is_not_proof() -> None:
    assert conclude(observed(decisions=12)).routing == "NOT PROVEN"


def test_without_counters_nothing_is_green() -> None:
    verdict = conclude(replace(observed(), counters_readable=False, unread=("pods/proxy is forbidden",)))
    assert (verdict.routing, verdict.cache) == ("UNKNOWN", "UNKNOWN")
    assert any("pods/proxy" in reason for reason in verdict.reasons)


def test_a_cache_that_is_off_is_named() -> None:
    verdict = conclude(observed(hits=0.0))
    assert (verdict.routing, verdict.cache, verdict.verdict) == ("PROVEN", "NOT PROVEN", "CACHE OFF")


def test_a_control_that_hits_is_no_proof_of_caching() -> None:
    verdict = conclude(replace(observed(), control_shares=(Share("a", 8, 0, 4096),)))
    assert verdict.cache == "NOT PROVEN"


def test_a_short_prefix_can_prove_nothing() -> None:
    assert conclude(replace(observed(), expected_hit=0, block=128)).verdict == "PREFIX TOO SHORT"


def test_one_replica_has_no_routing_to_prove() -> None:
    verdict = conclude(replace(observed("one"), replicas=1, routed=False))
    assert (verdict.routing, verdict.cache) == ("NOT APPLICABLE", "PROVEN")


def test_foreign_traffic_spoils_the_counters() -> None:
    verdict = conclude(replace(observed(), warm_shares=(Share("a", 300, 0, 0),)))
    assert verdict.verdict == "CONTAMINATED"
    assert verdict.routing == "UNKNOWN"


def test_counters_that_started_over_are_unknown() -> None:
    assert conclude(replace(observed(), restarted=("a",))).cache == "UNKNOWN"


def test_random_routing_is_never_proven() -> None:
    assert not [seed for seed in range(500) if conclude(observed("random", seed=seed)).routing == "PROVEN"]


def test_an_unhealthy_endpoint_is_unknown() -> None:
    verdict = conclude(replace(observed(), healthy=False))
    assert (verdict.routing, verdict.cache, verdict.verdict) == ("UNKNOWN", "UNKNOWN", "NOT READY")


@given(st.integers(0, 200), st.integers(0, 200))
def test_wilson_holds_the_share(matches: int, more: int) -> None:
    low, high = wilson(matches, matches + more)
    assert 0 <= low <= high <= 1
    if matches + more:
        assert low - 1e-9 <= matches / (matches + more) <= high + 1e-9


def test_binomial_tail_against_known_values() -> None:
    assert chance_of_at_least(16, 24, 1 / 3) < 0.001 < chance_of_at_least(15, 24, 1 / 3)
    assert chance_of_at_least(0, 24, 1 / 3) == pytest.approx(1.0)


def test_percentiles_need_enough_values() -> None:
    assert percentile([1.0] * 19, 95) is None
    assert percentile([float(i) for i in range(100)], 99) == 98.0
    assert median_difference([1.0, 2.0], [1.0]) is None


@given(st.sampled_from((16, 32, 64, 128, 256)), st.integers(2048, 16384), st.floats(2, 6))
def test_prompts_are_long_enough_to_hit_and_short_enough_to_fit(block: int, length: int, rate: float) -> None:
    sizes = sizes_for(block, length, rate)
    assert sizes.expected_hit(block) >= 4 * block
    assert sizes.prefix_tokens + sizes.suffix_tokens <= 0.8 * length + 1


def test_prompts_of_a_family_share_their_prefix_and_families_share_no_block() -> None:
    sizes = Sizes(512, 16, 4.0)
    first, second = prompt("run1", "f0", 0, sizes), prompt("run1", "f0", 1, sizes)
    assert first[:2040] == second[:2040]
    assert first != second
    assert prompt("run1", "f1", 0, sizes)[:16] != first[:16]
    assert prompt("run2", "f0", 0, sizes)[:16] != first[:16]
    assert prompt("run1", "f0", 0, sizes) == first


def test_affinity_counts_only_attributed_follow_ups() -> None:
    records = observed().records
    blind = tuple(replace(r, replica="") for r in records)
    assert affinity(blind, 3).trials == 0
    assert affinity(records, 3).matches == 24


def test_a_late_generator_withholds_latencies_and_no_more() -> None:
    verdict = conclude(replace(observed(), lag_p99_ms=80))
    assert (verdict.routing, verdict.cache, verdict.saved_ms) == ("PROVEN", "PROVEN", None)
    assert any("80 ms late" in reason for reason in verdict.reasons)
