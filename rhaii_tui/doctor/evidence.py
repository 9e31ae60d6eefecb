"""The snapshot that every rule reads: each piece as it was read, or why it was not. Frozen, and pure to ask."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from rhaii_tui.catalog.findings import Evidence, Finding
from rhaii_tui.clock import Clock
from rhaii_tui.doctor.pieces import Missing, Piece, Read, Unread, value
from rhaii_tui.doctor.place import Place
from rhaii_tui.doctor.rolling import asked_for, owed
from rhaii_tui.kube import events as cluster_events
from rhaii_tui.kube import timestamps
from rhaii_tui.kube.events import ClusterEvent
from rhaii_tui.kube.nodes import POOL_LABEL
from rhaii_tui.serving import conditions
from rhaii_tui.serving.metrics import Scrape
from rhaii_tui.serving.ownership import gateways_attached, gateways_named, named_by, of_service
from rhaii_tui.serving.stack import (
    EA1,
    EA2,
    GATEWAY_LABEL,
    NAME_LABEL,
    SCHEDULER_COMPONENT,
    WORKLOAD_COMPONENT,
    Stack,
    deployment_name,
    pool_name,
    role_of,
    route_name,
    scheduler_name,
)

if TYPE_CHECKING:
    from rhaii_tui.google.values import ClusterInfo, OperationInfo, PoolInfo

Json = dict[str, Any]
ACCELERATORS = ("nvidia.com/gpu", "google.com/tpu")
ACCELERATOR_LABELS = ("cloud.google.com/gke-accelerator", "cloud.google.com/gke-tpu-accelerator")
STOP = "serving.kserve.io/stop"


@dataclass(frozen=True, slots=True)
class LogKey:
    """A container's log; `previous` is the run before the last restart."""

    pod: str
    container: str
    previous: bool = False

    def __str__(self) -> str:
        return f"log {self.pod}/{self.container}{' (previous run)' if self.previous else ''}"


@dataclass(frozen=True, slots=True)
class Tail:
    """The last lines of a log without their stamps; `last_at` is the last one's Unix time, None for an empty log."""

    lines: tuple[str, ...]
    last_at: float | None = None


@dataclass(frozen=True, slots=True)
class Scrapes:
    """Two looks at a process's metrics; both None and `silent` telling why when a ready process does not answer."""

    before: Scrape | None
    after: Scrape | None
    silent: str = ""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What one completion and two GETs through the gateway gave, and the seconds between the metrics' two looks."""

    health: Finding
    models: Finding
    completion: Finding
    sent: int
    window: float


NOT_ASKED = Unread("the gateway's answers", "no address to ask", absent=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything read, once. `kinds` maps a Kubernetes kind to its objects, `facts` a name to what Google said."""

    place: Place
    at: float
    clock: Clock = field(default_factory=Clock)
    kinds: Mapping[str, Piece[tuple[Json, ...]]] = field(default_factory=dict)
    facts: Mapping[str, Piece[Any]] = field(default_factory=dict)
    logs: Mapping[LogKey, Piece[Tail]] = field(default_factory=dict)
    metrics: Mapping[str, Piece[Scrapes]] = field(default_factory=dict)
    traffic: Piece[Traffic] = NOT_ASKED

    # Kubernetes objects

    def items(self, kind: str, namespace: str | None = None) -> tuple[Json, ...]:
        """All objects of a kind, or those of a namespace. Raises Missing."""
        piece = self.kinds.get(kind, Unread(f"{kind} objects", "not asked for", absent=True))
        return tuple(o for o in value(piece) if namespace is None or o["metadata"].get("namespace") == namespace)

    def one(self, kind: str, namespace: str | None, name: str) -> Json | None:
        """An object by name, None when it is not there. Raises Missing."""
        return next((o for o in self.items(kind, namespace) if o["metadata"]["name"] == name), None)

    def read_at(self, kind: str) -> float:
        """When a kind was listed."""
        piece = self.kinds.get(kind)
        return piece.at if isinstance(piece, Read) else self.at

    @property
    def service(self) -> Json | None:
        """The LLMInferenceService."""
        return self.one("LLMInferenceService", self.place.namespace, self.place.service)

    @property
    def wanted(self) -> int:
        """Replicas the service asks for; 0 when there is none."""
        service = self.service
        return asked_for(service) if service else 0

    @property
    def stopped(self) -> bool:
        """Whether somebody switched the service off on purpose."""
        service = self.service
        if service is None:
            return False
        notes = service["metadata"].get("annotations") or {}
        return notes.get(STOP) == "true" or (asked_for(service) == 0 and not owed(service))

    @property
    def routed(self) -> bool:
        """Whether the service asks for an endpoint picker."""
        service = self.service
        if service is None:
            return bool(self.place.target and self.place.target.shape.routed)
        return "scheduler" in ((service.get("spec") or {}).get("router") or {})

    @property
    def deployment(self) -> Json | None:
        """The replicas' Deployment."""
        return self.child("Deployment", deployment_name(self.place.service), component=WORKLOAD_COMPONENT)

    @property
    def picker_deployment(self) -> Json | None:
        """The endpoint picker's Deployment."""
        return self.child("Deployment", scheduler_name(self.place.service), component=SCHEDULER_COMPONENT)

    @property
    def route(self) -> Json | None:
        """The HTTPRoute KServe wrote for the service, or the one the service brings along."""
        names, _ = named_by(self._service_if_read())
        return self.child("HTTPRoute", *names, route_name(self.place.service))

    @property
    def pool(self) -> Json | None:
        """The InferencePool KServe wrote for the service, or the one the service brings along."""
        _, name = named_by(self._service_if_read())
        return self.child("InferencePool", name, pool_name(self.place.service))

    def _service_if_read(self) -> Json | None:
        try:
            return self.service
        except Missing:
            return None

    def child(self, kind: str, *names: str, component: str = "") -> Json | None:
        """The service's object of a kind: by name, else the one KServe made for it under a hashed name."""
        for name in filter(None, names):
            if (found := self.one(kind, self.place.namespace, name)) is not None:
                return found
        return of_service(self.items(kind, self.place.namespace), self._service_if_read(), component=component)

    @property
    def stack(self) -> Stack:
        """Where gateway and CA live: the gateway that the service names or that serves its route, else the one of
        the packaging that is there, EA1 when none is."""
        gateways = {(g["metadata"].get("namespace", ""), g["metadata"]["name"]): g for g in self.items("Gateway")}
        packaged = {(stack.gateway_namespace, stack.gateway): stack for stack in (EA1, EA2)}
        there = [key for key in packaged if key in gateways]
        try:
            accepted = [key for key in _accepted_by(self.route) if key in gateways]
        except Missing:
            accepted = []
        key = next(iter((*gateways_named(self._service_if_read()), *accepted, *there, *packaged)))
        if key in packaged:
            return packaged[key]
        params = ((gateways.get(key, {}).get("spec") or {}).get("infrastructure") or {}).get("parametersRef") or {}
        packaging = packaged[there[0]] if there else EA1
        return replace(
            packaging,
            gateway_namespace=key[0],
            gateway=key[1],
            gateway_config=str(params.get("name") or packaging.gateway_config),
        )

    @property
    def gateway(self) -> Json | None:
        """The inference gateway."""
        stack = self.stack
        return self.one("Gateway", stack.gateway_namespace, stack.gateway)

    def pods_of(self, role: str) -> tuple[Json, ...]:
        """Pods by role: `replica` or `scheduler` of the service, `gateway` of its gateway; none on the way out."""
        stack = self.stack if role == "gateway" else None
        namespace = stack.gateway_namespace if stack else self.place.namespace
        label, wanted = (GATEWAY_LABEL, stack.gateway) if stack else (NAME_LABEL, self.place.service)
        found = []
        for pod in self.items("Pod", namespace):
            labels = pod["metadata"].get("labels") or {}
            if labels.get(label) == wanted and role_of(labels) == role and "deletionTimestamp" not in pod["metadata"]:
                found.append(pod)
        return tuple(found)

    @property
    def replicas(self) -> tuple[Json, ...]:
        """The service's replicas."""
        return self.pods_of("replica")

    @property
    def pickers(self) -> tuple[Json, ...]:
        """The service's endpoint picker pods."""
        return self.pods_of("scheduler")

    def events_of(self, *names: str) -> tuple[ClusterEvent, ...]:
        """Events about objects of these names, newest first. Raises Missing."""
        told = [cluster_events.read(o) for o in self.items("Event")]
        mine = [e for e in told if e.object.partition("/")[2] in names]
        return tuple(sorted(mine, key=lambda e: -e.at))

    @property
    def resource(self) -> str:
        """The accelerator a replica asks for; empty when that is not known."""
        for owner in (self.deployment, self.service):
            template = ((owner or {}).get("spec") or {}).get("template") or {}
            pod = template.get("spec") or template
            for container in pod.get("containers") or []:
                for name in ACCELERATORS:
                    if name in ((container.get("resources") or {}).get("requests") or {}):
                        return name
        target = self.place.target
        return "" if target is None else ACCELERATORS[target.accelerator.value.startswith("tpu")]

    @property
    def accelerator_nodes(self) -> tuple[Json, ...]:
        """Nodes that carry, by label or by capacity, the accelerators the replicas ask for."""
        resource = self.resource
        label = ACCELERATOR_LABELS[resource == ACCELERATORS[1]]
        return tuple(
            n
            for n in self.items("Node")
            if label in (n["metadata"].get("labels") or {})
            or resource in ((n.get("status") or {}).get("capacity") or {})
            or (self.place.pool and (n["metadata"].get("labels") or {}).get(POOL_LABEL) == self.place.pool)
        )

    # Google Cloud

    def fact(self, name: str) -> Any:
        """What Google said. Raises Missing."""
        return value(self.facts.get(name, Unread(name, "not asked for", absent=True)))

    @property
    def google_cluster(self) -> ClusterInfo:
        """The GKE cluster. Raises Missing."""
        found: ClusterInfo = self.fact("GKE cluster")
        return found

    @property
    def node_pool(self) -> PoolInfo | None:
        """The accelerators' node pool: the run's own, else the only one with accelerators. Raises Missing."""
        cluster = self.google_cluster
        if self.place.pool:
            return cluster.pool(self.place.pool)
        names = {(n["metadata"].get("labels") or {}).get(POOL_LABEL) for n in self.accelerator_nodes}
        mine = [p for p in cluster.pools if p.name in names]
        return mine[0] if len(mine) == 1 else None

    @property
    def operations(self) -> tuple[OperationInfo, ...]:
        """GKE's operations in the zone. Raises Missing."""
        found: tuple[OperationInfo, ...] = self.fact("GKE operations")
        return found

    # Words

    def age(self, stamp: str | None) -> float | None:
        """Cloud seconds since a Kubernetes time stamp."""
        then = timestamps.unix(stamp)
        return None if then is None else self.clock.cloud(max(0.0, self.at - then))

    def note(self, source: str, text: str, kind: str = "") -> Evidence:
        """Evidence, with the time its kind was listed."""
        return Evidence(source=source, text=text[:400], observed_at=self.read_at(kind) if kind else self.at)

    def log_lines(self, pod: str, container: str) -> tuple[tuple[str, str], ...]:
        """`(line, source)` of the previous run and this one, oldest first. Raises Missing when neither was read."""
        found: list[tuple[str, str]] = []
        missing: Unread | None = None
        for previous in (True, False):
            key = LogKey(pod, container, previous)
            piece = self.logs.get(key)
            if isinstance(piece, Read):
                found += [(line, str(key)) for line in piece.value.lines]
            elif isinstance(piece, Unread):
                missing = piece
        if not found and missing is not None:
            raise Missing(missing)
        return tuple(found)

    def silence(self, pod: str, container: str) -> float | None:
        """Cloud seconds since the container's last line; None when it has written nothing. Raises Missing."""
        tail = value(self.logs.get(LogKey(pod, container), Unread(f"log {pod}", "not there yet", absent=True)))
        return None if tail.last_at is None else self.clock.cloud(max(0.0, self.at - tail.last_at))

    @property
    def answers(self) -> Traffic:
        """What the gateway answered. Raises Missing."""
        return value(self.traffic)

    def unread(self) -> tuple[Unread, ...]:
        """Everything that could not be read and should have been, each once."""
        pieces = [*self.kinds.values(), *self.facts.values(), *self.logs.values(), *self.metrics.values(), self.traffic]
        found = {(u.what, u.permission): u for u in pieces if isinstance(u, Unread) and not u.absent}
        return tuple(found.values())


def _accepted_by(route: Json | None) -> list[tuple[str, str]]:
    """Namespace and name of the gateways that say they serve the route."""
    if route is None:
        return []
    told = {key for key, readings in conditions.parent_readings(route)
            if any(r.condition == "Accepted" and r.status == "True" for r in readings)}  # fmt: skip
    return [key for key in gateways_attached(route) if "/".join(key) in told]


def read(what: Any) -> Read[Any]:
    """A value read just now."""
    return Read(what, time.time())


def is_true(obj: Mapping[str, Any], type_: str) -> bool:
    """A pod's or node's condition."""
    return any(c.get("type") == type_ and c.get("status") == "True" for c in status_of(obj).get("conditions") or [])


def status_of(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """An object's status, empty when it has none yet."""
    return obj.get("status") or {}


def labels_of(obj: Mapping[str, Any]) -> dict[str, str]:
    """An object's labels."""
    return dict((obj.get("metadata") or {}).get("labels") or {})
