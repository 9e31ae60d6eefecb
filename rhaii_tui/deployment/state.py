"""What is known of a run at a moment: one frozen value, made only by `reduce`."""

from __future__ import annotations

from dataclasses import dataclass, field

from rhaii_tui.catalog.bill import Bill
from rhaii_tui.catalog.findings import Evidence, Finding
from rhaii_tui.deployment.plan import Plan, StepSpec

STAGES: tuple[str, ...] = (
    "pending",
    "scheduled",
    "initializing",
    "downloading",
    "pulling",
    "starting",
    "loading",
    "compiling",
    "warming",
    "ready",
)
"""A replica's road in order. `pulling` is the engine's own image, after the model download."""


@dataclass(frozen=True, slots=True)
class StepState:
    """`status`: waiting, running, done, already, skipped, failed, cancelled. Times are Unix seconds."""

    spec: StepSpec
    status: str = "waiting"
    started_at: float | None = None
    finished_at: float | None = None
    note: str = ""
    done: int | None = None
    total: int | None = None
    unit: str = ""
    operation: str = ""
    evidence: tuple[Evidence, ...] = ()
    finding: Finding | None = None
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Milestone:
    """A stage reached, when, and by what sign."""

    stage: str
    at: float
    text: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Replica:
    """A pod: kubectl's words, true readiness, and how far its start has come."""

    pod: str
    uid: str
    role: str
    status: str
    ready: str
    restarts: int
    is_ready: bool
    node: str
    created_at: float
    message: str = ""
    stage: str = "pending"
    milestones: tuple[Milestone, ...] = ()
    compile_what: str = ""
    compile_done: int = 0
    compile_total: int | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of a cluster object and since when it has this value."""

    kind: str
    name: str
    condition: str
    status: str
    reason: str
    message: str
    since: float


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """A Kubernetes event."""

    uid: str
    at: float
    level: str
    reason: str
    object: str
    message: str
    count: int


@dataclass(frozen=True, slots=True)
class CacheVerdict:
    """What the console concluded, when, and how many replicas were ready then."""

    routing: str
    cache: str
    verdict: str
    reasons: tuple[str, ...]
    sent: int
    ok: int
    at: float = 0.0
    replicas: int = 0


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A resource that is ours. `uid` is empty when we have asked for it and did not hear what came of that; `run` is
    the run that did, where several runs are looked at."""

    kind: str
    name: str
    step: str
    at: float
    uid: str = ""
    run: str = ""


@dataclass(frozen=True, slots=True)
class Autoscaler:
    """A pool's autoscaler that we switched off and did not give back yet, with what it was set to."""

    cluster: str
    pool: str
    scaling: tuple[tuple[str, int | str], ...]


@dataclass(frozen=True, slots=True)
class RunState:
    """Everything a screen may show of a run. `outcome` None while it runs or waits for approval.

    `seen_at` is the time of the newest event; `gaps` are the times, from and to, in which nobody went on with the run.
    """

    run: str = ""
    cloud: str = ""
    rate: float = 1.0
    plan: Plan | None = None
    started_at: float | None = None
    approved_at: float | None = None
    ready_at: float | None = None
    stopped_at: float | None = None
    seen_at: float = 0.0
    gaps: tuple[tuple[float, float], ...] = ()
    outcome: str | None = None
    steps: tuple[StepState, ...] = ()
    replicas: tuple[Replica, ...] = ()
    conditions: tuple[Condition, ...] = ()
    events: tuple[SeenEvent, ...] = ()
    findings: tuple[Finding, ...] = ()
    lost_links: tuple[tuple[str, float, str], ...] = ()
    endpoint: str = ""
    model: str = ""
    replicas_ready: int = 0
    nodes: int | None = None
    requests_sent: int = 0
    requests_lost: int = 0
    autoscalers: tuple[Autoscaler, ...] = ()
    verdict: CacheVerdict | None = None
    ledger: tuple[LedgerEntry, ...] = ()
    pending_intents: tuple[LedgerEntry, ...] = field(default=())

    @property
    def bill(self) -> Bill | None:
        """The plan's bill."""
        return self.plan.bill if self.plan else None

    def step(self, step_id: str) -> StepState:
        """The state of one step. Raises KeyError."""
        for step in self.steps:
            if step.spec.id == step_id:
                return step
        raise KeyError(step_id)

    def cloud_elapsed(self, start: float | None, end: float) -> float:
        """Cloud seconds between two wall stamps in which somebody went on with the run; 0 when it has not started."""
        if start is None:
            return 0.0
        return max(0.0, end - start - self._missed(start, end)) * self.rate

    def cloud_missed(self, start: float | None, end: float) -> float:
        """Cloud seconds between two wall stamps in which nobody did; Google may have gone on meanwhile."""
        return 0.0 if start is None else self._missed(start, end) * self.rate

    def _missed(self, start: float, end: float) -> float:
        return sum(max(0.0, min(to, end) - max(since, start)) for since, to in self.gaps)
