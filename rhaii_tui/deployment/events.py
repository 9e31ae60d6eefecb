"""Everything that can happen in a run, in the past tense, frozen and time-stamped (`at`: Unix seconds, wall time).

One line of events.jsonl each. Log lines are not events: they go to the log book; only what they prove is here.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from rhaii_tui.catalog.bill import Bill
from rhaii_tui.catalog.findings import Evidence, Finding
from rhaii_tui.deployment.plan import Plan


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    at: float


class RunStarted(_Event):
    """A run exists; nothing has been changed anywhere yet. `rate` is the cloud's clock."""

    type: Literal["run_started"] = "run_started"
    run: str
    cloud: str
    rate: float
    plan: Plan


class RunResumed(_Event):
    """A later process took the run up again."""

    type: Literal["run_resumed"] = "run_resumed"
    run: str


class Approved(_Event):
    """The user agreed to the plan and its bill."""

    type: Literal["approved"] = "approved"
    by: str


class StepStarted(_Event):
    """A step began to look and, where needed, to act."""

    type: Literal["step_started"] = "step_started"
    step: str


class StepProbed(_Event):
    """What a step found before acting: `already`, `needed`, `blocked` or `unknown`."""

    type: Literal["step_probed"] = "step_probed"
    step: str
    verdict: Literal["already", "needed", "blocked", "unknown"]
    evidence: tuple[Evidence, ...] = ()


class IntentRecorded(_Event):
    """Written and synced before a mutation is sent: after a crash the next start knows what may exist.

    `existing`: something that is not ours bears the name, so that nothing is made; it takes back an intent of the same
    run to make it."""

    type: Literal["intent_recorded"] = "intent_recorded"
    step: str
    action: str
    kind: str
    name: str
    existing: bool = False


class OperationStarted(_Event):
    """A long-running Google operation accepted our request."""

    type: Literal["operation_started"] = "operation_started"
    step: str
    operation: str
    target: str


class ResourceCreated(_Event):
    """Enters the ledger: ours to change and to remove. `name` is `namespace/name` or a Google resource path. `uid`
    tells it from a namesake: Kubernetes' uid, a cluster's id, a node pool's run label; empty in older journals."""

    type: Literal["resource_created"] = "resource_created"
    step: str
    kind: str
    name: str
    uid: str = ""


class ResourceDeleted(_Event):
    """Leaves the ledger: verified gone."""

    type: Literal["resource_deleted"] = "resource_deleted"
    step: str
    kind: str
    name: str


class StepProgressed(_Event):
    """A line of progress; `done`/`total` in `unit` where there is a count (never a percentage of the whole)."""

    type: Literal["step_progressed"] = "step_progressed"
    step: str
    note: str
    done: int | None = None
    total: int | None = None
    unit: str = ""


class StepFinished(_Event):
    """The resource says so. `evidence` holds what was read; `already` means that nothing had to be done."""

    type: Literal["step_finished"] = "step_finished"
    step: str
    note: str = ""
    already: bool = False
    evidence: tuple[Evidence, ...] = ()


class StepFailed(_Event):
    """The step stopped; `finding` says why and what next."""

    type: Literal["step_failed"] = "step_failed"
    step: str
    finding: Finding


class StepSkipped(_Event):
    """The step is not needed; `note` says why."""

    type: Literal["step_skipped"] = "step_skipped"
    step: str
    note: str


class FindingRaised(_Event):
    """Something worth telling while a step goes on."""

    type: Literal["finding_raised"] = "finding_raised"
    step: str
    finding: Finding


class FindingCleared(_Event):
    """A finding raised earlier no longer holds."""

    type: Literal["finding_cleared"] = "finding_cleared"
    rule: str
    name: str


class ReplicaObserved(_Event):
    """A replica's pod as kubectl words it (`status`, `ready`, `restarts`) and its true readiness."""

    type: Literal["replica_observed"] = "replica_observed"
    pod: str
    uid: str
    status: str
    ready: str
    restarts: int
    is_ready: bool
    node: str = ""
    created_at: float = 0.0
    role: Literal["replica", "scheduler", "gateway"] = "replica"
    message: str = ""


class ReplicaGone(_Event):
    """The pod no longer exists."""

    type: Literal["replica_gone"] = "replica_gone"
    pod: str
    uid: str


class MilestoneReached(_Event):
    """A stage of a replica's start, from a condition or a log line (`source`). `stage` is one of `state.STAGES`."""

    type: Literal["milestone_reached"] = "milestone_reached"
    pod: str
    stage: str
    text: str
    source: str = ""


class CompileProgressed(_Event):
    """Weight shards read, XLA shapes compiled or CUDA graphs captured so far; `total` None while unknown."""

    type: Literal["compile_progressed"] = "compile_progressed"
    pod: str
    what: Literal["weights", "XLA", "CUDA graph"]
    done: int
    total: int | None = None


class ConditionObserved(_Event):
    """A condition of a gateway, route, pool, service or node pool; `since` its last transition (Unix seconds), 0 when
    the object does not say."""

    type: Literal["condition_observed"] = "condition_observed"
    kind: str
    name: str
    condition: str
    status: Literal["True", "False", "Unknown"]
    reason: str = ""
    message: str = ""
    since: float = 0.0


class ClusterEventSeen(_Event):
    """A Kubernetes event worth reading; `uid` and `count` let repetitions replace each other."""

    type: Literal["cluster_event_seen"] = "cluster_event_seen"
    uid: str
    level: str
    reason: str
    object: str
    message: str
    count: int = 1


class LinkLost(_Event):
    """What we know of `link` is not live since `at`."""

    type: Literal["link_lost"] = "link_lost"
    link: str
    reason: str


class LinkRestored(_Event):
    """`link` is live again."""

    type: Literal["link_restored"] = "link_restored"
    link: str


class EndpointPublished(_Event):
    """The service's address as its status says. Not yet a proof of anything."""

    type: Literal["endpoint_published"] = "endpoint_published"
    url: str
    model: str


class ServiceReady(_Event):
    """All replicas ready and a request answered with text: the infrastructure's part is over."""

    type: Literal["service_ready"] = "service_ready"
    url: str
    model: str
    replicas: int
    replicas_ready: int


class CacheTested(_Event):
    """The console's verdict. `routing`/`cache`: PROVEN, NOT PROVEN, NOT APPLICABLE or UNKNOWN."""

    type: Literal["cache_tested"] = "cache_tested"
    routing: str
    cache: str
    verdict: str
    reasons: tuple[str, ...]
    sent: int
    ok: int


class AutoscalerSwitched(_Event):
    """Written before a pool's autoscaler is switched off (`enabled` False, `scaling` as it was: counts and location
    policy) and after it was restored (`enabled` True): a later wake knows what to give back."""

    type: Literal["autoscaler_switched"] = "autoscaler_switched"
    step: str
    cluster: str
    pool: str
    enabled: bool
    scaling: dict[str, int | str] = {}


class RequestsCounted(_Event):
    """The constant stream of requests that ran beside an operation so far; `reason` is the last loss's."""

    type: Literal["requests_counted"] = "requests_counted"
    sent: int
    lost: int
    reason: str = ""


class CapacityObserved(_Event):
    """What an operation ended with, as read from the cluster: wanted and ready replicas, nodes of the pool."""

    type: Literal["capacity_observed"] = "capacity_observed"
    replicas: int
    replicas_ready: int
    nodes: int


class RunStopped(_Event):
    """The run ended or paused: done, failed (retry continues it) or cancelled (stopped watching)."""

    type: Literal["run_stopped"] = "run_stopped"
    outcome: Literal["done", "failed", "cancelled"]
    bill: Bill | None = None


Event = Annotated[
    RunStarted
    | RunResumed
    | Approved
    | StepStarted
    | StepProbed
    | IntentRecorded
    | OperationStarted
    | ResourceCreated
    | ResourceDeleted
    | StepProgressed
    | StepFinished
    | StepFailed
    | StepSkipped
    | FindingRaised
    | FindingCleared
    | ReplicaObserved
    | ReplicaGone
    | MilestoneReached
    | CompileProgressed
    | ConditionObserved
    | ClusterEventSeen
    | LinkLost
    | LinkRestored
    | EndpointPublished
    | ServiceReady
    | CacheTested
    | AutoscalerSwitched
    | RequestsCounted
    | CapacityObserved
    | RunStopped,
    Field(discriminator="type"),
]

_ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)


def encode(event: Event) -> str:
    """One line of JSON, without the newline."""
    return _ADAPTER.dump_json(event).decode()


def decode(line: str) -> Event:
    """The event of one line. Raises pydantic.ValidationError (a ValueError)."""
    return _ADAPTER.validate_json(line)
