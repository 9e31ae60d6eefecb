"""What is known of a service at a moment, frozen. Every part says when it was seen; what is unknown is None.

Times are Unix seconds. After a loss the last known figures stay, with `lost_since`: "not live since", never zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rhaii_tui.catalog.bill import Bill
from rhaii_tui.serving.conditions import Reading
from rhaii_tui.serving.latencies import Latency

State = Literal["ready", "not ready", "stopped", "unknown"]


@dataclass(frozen=True, slots=True)
class Link:
    """One collection that is followed. `observed_at` None: never read yet. `permission` is what a role lacks."""

    name: str
    live: bool = False
    observed_at: float | None = None
    lost_since: float | None = None
    problem: str = ""
    permission: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """What an engine says of itself. `at` None: never read. Ratios 0..1; `window` wall seconds behind the ratios.

    `hit_ratio` counts cached tokens over looked-up tokens in the window, None without lookups, which `lookups` counts
    (None where the engine publishes a ratio of its own only). `kv_usage` is what
    running requests hold. `restarted_at`: the counters began anew then, so that windows are short for a while.
    """

    at: float | None = None
    lost_since: float | None = None
    problem: str = ""
    permission: str = ""
    window: float = 0.0
    running: int | None = None
    waiting: int | None = None
    kv_usage: float | None = None
    hit_ratio: float | None = None
    lookups: float | None = None
    tokens_per_s: float | None = None
    prompt_tokens_per_s: float | None = None
    requests_per_s: float | None = None
    ttft: Latency | None = None
    itl: Latency | None = None
    restarted_at: float | None = None

    @property
    def live(self) -> bool:
        """Read, and not lost since."""
        return self.at is not None and self.lost_since is None


@dataclass(frozen=True, slots=True)
class ReplicaNow:
    """One engine pod. `word`, `ready`, `restarts_text` are kubectl's words; `is_ready` is the truth."""

    pod: str
    uid: str
    node: str
    word: str
    ready: str
    restarts: int
    restarts_text: str
    is_ready: bool
    terminating: bool
    message: str
    created_at: float
    containers: tuple[str, ...]
    figures: Figures


@dataclass(frozen=True, slots=True)
class PickerNow:
    """The endpoint picker. Rates per wall second over the last scrapes; `ready_pods` as the picker counts them."""

    pod: str
    word: str
    ready: str
    restarts_text: str
    is_ready: bool
    message: str
    containers: tuple[str, ...]
    at: float | None = None
    lost_since: float | None = None
    problem: str = ""
    permission: str = ""
    decisions_per_s: float | None = None
    errors_per_s: float | None = None
    decisions: float | None = None
    ready_pods: int | None = None


@dataclass(frozen=True, slots=True)
class PartNow:
    """A link of the request path: LLMInferenceService, Gateway, HTTPRoute or InferencePool."""

    kind: str
    name: str
    state: State
    why: str
    address: str = ""
    conditions: tuple[Reading, ...] = ()
    observed_at: float | None = None
    lost_since: float | None = None


@dataclass(frozen=True, slots=True)
class NodeNow:
    """A node. `accelerator` is GKE's name or empty; `allocatable` its units, 0 until the device plugin is there."""

    name: str
    pool: str
    machine: str
    accelerator: str
    units: int
    allocatable: int
    is_ready: bool
    schedulable: bool
    reason: str
    spot: bool
    created_at: float
    replicas: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EventNow:
    """A Kubernetes event worth reading. `object` is `Kind/name`."""

    uid: str
    at: float
    level: str
    reason: str
    object: str
    message: str
    count: int


@dataclass(frozen=True, slots=True)
class Cost:
    """USD by list prices. `bill` covers what exists now; `accelerators_per_hour` the part of accelerator nodes.

    `since_start` is what the present nodes cost since they were created (cloud time; nodes gone before are not in it).
    `idle_per_hour`: accelerator nodes without a request now; `idle_spent`: the same while watched; `idle_unknown`
    counts accelerator nodes of which that cannot be said. None means a price or the nodes are unknown, never zero.
    """

    bill: Bill | None = None
    per_hour: float | None = None
    accelerators_per_hour: float | None = None
    since_start: float | None = None
    started_at: float | None = None
    idle_per_hour: float | None = None
    idle_spent: float | None = None
    idle_unknown: int = 0
    complete: bool = False
    observed_at: float | None = None
    lost_since: float | None = None


@dataclass(frozen=True, slots=True)
class Total:
    """Sums over replicas whose figures are live; `counted` of `replicas`. `hit_ratio` weighs each by its lookups."""

    replicas: int = 0
    counted: int = 0
    running: int | None = None
    waiting: int | None = None
    tokens_per_s: float | None = None
    hit_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class MonitorState:
    """A service at `at`. `interval` is the wall seconds between two scrapes of the same replica."""

    at: float
    cluster: str
    namespace: str
    service: str
    model: str = ""
    url: str = ""
    rate: float = 1.0
    interval: float = 0.0
    state: State = "unknown"
    why: str = "not read yet"
    wanted: int | None = None
    replicas: tuple[ReplicaNow, ...] = ()
    picker: PickerNow | None = None
    parts: tuple[PartNow, ...] = ()
    nodes: tuple[NodeNow, ...] = ()
    events: tuple[EventNow, ...] = ()
    others: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    """Further pods whose logs can be read: namespace, name, containers (the gateway's)."""
    cost: Cost = Cost()
    total: Total = Total()
    links: tuple[Link, ...] = ()

    @property
    def lost_since(self) -> float | None:
        """Since when the earliest of the lost links is not live; None while all of them are."""
        return min((link.lost_since for link in self.links if link.lost_since is not None), default=None)

    @property
    def pods_live(self) -> bool:
        """Whether the pods' words and readiness are of now; else they are the last that was known."""
        return any(link.name == "pods" and link.live for link in self.links)

    @property
    def ready(self) -> int:
        """Replicas whose Ready condition is True and that are not leaving."""
        return sum(r.is_ready for r in self.replicas)

    def part(self, kind: str) -> PartNow | None:
        """One link of the request path."""
        return next((p for p in self.parts if p.kind == kind), None)
