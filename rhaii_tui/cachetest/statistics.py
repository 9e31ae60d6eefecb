"""The few statistics the verdict rests on. Pure textbook formulas."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence


def wilson(matches: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """The Wilson 95 % interval of a share; (0, 1) when nothing was tried."""
    if trials == 0:
        return 0.0, 1.0
    share, zz = matches / trials, z * z
    centre = (share + zz / (2 * trials)) / (1 + zz / trials)
    half = z / (1 + zz / trials) * math.sqrt(share * (1 - share) / trials + zz / (4 * trials * trials))
    return max(0.0, centre - half), min(1.0, centre + half)


def chance_of_at_least(matches: int, trials: int, chance: float) -> float:
    """P(at least `matches` of `trials`) when each matches with probability `chance`: one-sided binomial tail."""
    return min(1.0, sum(math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k)
                        for k in range(matches, trials + 1)))  # fmt: skip


def chance_all_on_one(families: int, replicas: int) -> float:
    """P(every family on one replica) when each family's first request goes anywhere: replicas^(1-families)."""
    return float(replicas) ** (1 - families) if families else 1.0


def percentile(values: Sequence[float], q: float) -> float | None:
    """The q-th percentile (0-100), by nearest rank; None without enough values to mean anything.

    p95 needs 20 values and p99 needs 100; say "max" instead where this is None.
    """
    needed = math.ceil(1 / (1 - q / 100)) if q < 100 else 1
    if len(values) < needed:
        return None
    return sorted(values)[max(0, math.ceil(len(values) * q / 100) - 1)]


def median_difference(
    cold: Sequence[float], warm: Sequence[float], rounds: int = 400, seed: int = 1
) -> tuple[float, float, float] | None:
    """Median(cold) - median(warm) with a bootstrap 95 % interval (low, high); None with fewer than 4 of either."""
    if len(cold) < 4 or len(warm) < 4:
        return None
    rng = random.Random(seed)
    deltas = sorted(
        statistics.median(rng.choices(cold, k=len(cold))) - statistics.median(rng.choices(warm, k=len(warm)))
        for _ in range(rounds)
    )
    point = statistics.median(cold) - statistics.median(warm)
    return point, deltas[int(rounds * 0.025)], deltas[int(rounds * 0.975) - 1]
