"""How long a request takes: gateway, prefill and decode, in real seconds.

"field" is what the stack measured end to end; "brief" reproduces the design goals (512+16 tokens, one output token).
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

# Running sequences share the weights read per step; the batch costs little at these sizes.
BATCH_COST = 0.02
CV = 0.04
SPIKE_CHANCE = 0.02


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: `net` gateway and network, `setup` + `per_token` prefill, `itl` between output tokens.

    `batching` is the prefill cost of a token while other requests wait (prefills are then batched); 1.0 is no gain.
    """

    net: float
    setup: float
    per_token: float
    batching: float
    itl: float

    def prefill(self, computed: int, *, crowded: bool) -> float:
        """Seconds to compute `computed` prompt tokens; `crowded` while two or more requests wait."""
        return (self.setup + self.per_token * computed) * (self.batching if crowded else 1.0)

    def step(self, running: int) -> float:
        """Seconds between two tokens of one sequence while `running` sequences decode."""
        return self.itl * (1 + BATCH_COST * max(0, running - 1))


# GPU field: 200 ms gateway and network, 27 ms per token, 0.30 ms per prompt token, all measured on T4 replicas.
_GPU_FIELD = Timing(0.200, 0.005, 0.00030, 0.90, 0.027)
# TPU field, from the runs through the same gateway: the 200 ms of gateway and network do not depend on the accelerator;
# a 132-token prompt fell from 442 to 405 ms when its one 128-token block hit, 37 ms / 128 = 0.29 ms per token; what
# is left of 442 ms over nine decode steps is (442 - 200 - 5 - 38) / 9 = 22 ms. Batching as in the throughput goal.
_TPU_FIELD = Timing(0.200, 0.005, 0.00029, 0.72, 0.022)

_PROFILES: dict[tuple[str, str, bool], Timing] = {
    ("field", "gpu", False): _GPU_FIELD,
    ("field", "gpu", True): _GPU_FIELD,
    ("field", "tpu", False): _TPU_FIELD,
    ("field", "tpu", True): _TPU_FIELD,
    ("brief", "gpu", False): Timing(0.070, 0.005, 0.000332, 0.91, 0.030),
    ("brief", "tpu", False): Timing(0.040, 0.005, 0.000293, 0.72, 0.010),
    ("brief", "gpu", True): Timing(0.100, 0.005, 0.000332, 0.91, 0.030),
    ("brief", "tpu", True): Timing(0.072, 0.005, 0.000260, 0.83, 0.010),
}


def timing(profile: str, accelerator: str, *, alone: bool) -> Timing:
    """The timing of a profile ("field" or "brief"); `alone` when one replica serves. Raises KeyError if unknown."""
    return _PROFILES[profile, accelerator, alone]


class Jitter:
    """Noise of one replica: a log-normal factor of mean 1 per request, and rare spikes."""

    _SIGMA = math.sqrt(math.log(1 + CV * CV))

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def factor(self) -> float:
        """A factor near 1 for one request's times."""
        return self._rng.lognormvariate(-(self._SIGMA**2) / 2, self._SIGMA)

    def spike(self, miss: float) -> float:
        """Seconds that a request is late: mostly none, now and then half of what a full miss takes."""
        return miss / 2 if self._rng.random() < SPIKE_CHANCE else 0.0
