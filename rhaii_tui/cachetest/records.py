"""What a test is made of: the plan, one record per request, what a replica counted, and the events of a console run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Phase = Literal["health", "warm-up", "affinity", "control", "load"]


@dataclass(frozen=True, slots=True)
class TestPlan:
    """How much to ask. 8 families x 4 requests detect an affinity of 0.95 with power 1.00, of 0.8 with 0.96."""

    __test__ = False

    families: int = 8
    repeats: int = 4
    controls: int = 8
    load_seconds: float = 6.0
    load_concurrency: int = 10
    load_tokens: int = 16


@dataclass(frozen=True, slots=True)
class Record:
    """One request as the load generator saw it. Milliseconds on a monotonic clock; None where it never happened."""

    id: int
    phase: str
    family: str
    repeat: int
    status: int
    ttft_ms: float | None
    total_ms: float | None
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    picked: bool = False
    """True when the response carries the endpoint picker's marker header."""
    upstream: str = ""
    """`ip:port` of the replica, where the gateway is set up to tell."""
    error: str = ""
    replica: str = ""
    """The pod that served, and `attribution` how that is known."""
    attribution: str = ""

    @property
    def ok(self) -> bool:
        """A 200 with a complete body. Says nothing about routing or caching."""
        return self.status == 200 and not self.error


@dataclass(frozen=True, slots=True)
class Share:
    """A replica's part in the run's window."""

    pod: str
    requests: int
    queries: float
    hits: float


@dataclass(frozen=True, slots=True)
class HealthChecked:
    """A line of the health check: PASS, FAIL or UNKNOWN with what was seen."""

    name: str
    status: str
    text: str


@dataclass(frozen=True, slots=True)
class PhaseStarted:
    """`total` requests are about to be sent (None: as many as fit into `seconds`)."""

    phase: str
    total: int | None
    seconds: float = 0.0
    note: str = ""


@dataclass(frozen=True, slots=True)
class RequestDone:
    """One request finished, attributed to a replica where that is possible."""

    record: Record


@dataclass(frozen=True, slots=True)
class SharesMeasured:
    """The per-replica distribution of a phase, from the replicas' own counters."""

    phase: str
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class LoadMeasured:
    """Closed-loop throughput at a concurrency: never a capacity. Latencies are service latencies in milliseconds."""

    concurrency: int
    seconds: float
    requests_per_second: float
    output_tokens_per_second: float
    ttft_p50_ms: float | None
    ttft_p95_ms: float | None
    total_p50_ms: float | None
    errors: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """`routing` and `cache`: PROVEN, NOT PROVEN, NOT APPLICABLE or UNKNOWN; `verdict` the rule's name."""

    routing: str
    cache: str
    verdict: str
    reasons: tuple[str, ...]
    hint: str = ""
    sent: int = 0
    ok: int = 0
    saved_ms: tuple[float, float, float] | None = None
    load: LoadMeasured | None = None
    shares: tuple[Share, ...] = ()


@dataclass(frozen=True, slots=True)
class Concluded:
    """The last event of a run."""

    verdict: Verdict


ConsoleEvent = HealthChecked | PhaseStarted | RequestDone | SharesMeasured | LoadMeasured | Concluded


@dataclass(frozen=True, slots=True)
class Observations:
    """Everything a verdict may rest on."""

    replicas: int
    routed: bool
    records: tuple[Record, ...]
    expected_hit: int
    block: int | None
    warm_shares: tuple[Share, ...] = ()
    control_shares: tuple[Share, ...] = ()
    counters_readable: bool = False
    restarted: tuple[str, ...] = ()
    picker_decisions: int | None = None
    """What the endpoint picker's own counter grew by; None when it could not be read."""
    healthy: bool = True
    lag_p99_ms: float = 0.0
    sent: int = 0
    load: LoadMeasured | None = None
    unread: tuple[str, ...] = field(default=())
