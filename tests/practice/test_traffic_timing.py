"""The timing model against the figures it was fitted to."""

from __future__ import annotations

import random
from statistics import mean, stdev

import pytest

from rhaii_tui.practice.traffic.timing import Jitter, timing


def total(profile: str, accelerator: str, alone: bool, prompt: int, hit: int, out: int) -> float:
    """Milliseconds of one request on an idle replica."""
    t = timing(profile, accelerator, alone=alone)
    return 1000 * (t.net + t.prefill(prompt - hit, crowded=False) + (out - 1) * t.step(1))


@pytest.mark.parametrize(
    ("accelerator", "alone", "miss", "hit"),
    [("gpu", False, 250, 80), ("tpu", False, 200, 50), ("gpu", True, 280, 110), ("tpu", True, 215, 82)],
)
def test_brief_reproduces_the_goals(accelerator: str, alone: bool, miss: int, hit: int) -> None:
    assert total("brief", accelerator, alone, 528, 0, 1) == pytest.approx(miss, abs=3)
    assert total("brief", accelerator, alone, 528, 512, 1) == pytest.approx(hit, abs=3)


@pytest.mark.parametrize(("accelerator", "cold", "warm"), [("gpu", 500, 430), ("tpu", 442, 405)])
def test_field_reproduces_what_was_measured(accelerator: str, cold: int, warm: int) -> None:
    assert total("field", accelerator, False, 132, 0, 10) == pytest.approx(cold, rel=0.05)
    assert total("field", accelerator, False, 132, 128, 10) == pytest.approx(warm, rel=0.05)


def test_waiting_prefills_are_cheaper_and_batches_slower() -> None:
    t = timing("field", "tpu", alone=False)
    assert t.prefill(100, crowded=True) < t.prefill(100, crowded=False)
    assert t.step(10) > t.step(1)


def test_noise_is_small_centred_and_rarely_spikes() -> None:
    jitter = Jitter(random.Random(3))
    factors = [jitter.factor() for _ in range(4000)]
    assert mean(factors) == pytest.approx(1, abs=0.005)
    assert stdev(factors) == pytest.approx(0.04, abs=0.004)
    spikes = [jitter.spike(0.4) for _ in range(4000)]
    assert {s for s in spikes if s} == {0.2}
    assert 0.01 <= sum(map(bool, spikes)) / 4000 <= 0.03
