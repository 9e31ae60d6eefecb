"""From collections and scrapes to one frozen state. What is dear to make is made once a second."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rhaii_tui.kube.objects import name_of
from rhaii_tui.monitor import path, pods
from rhaii_tui.monitor.collection import Collection
from rhaii_tui.monitor.state import (
    Cost,
    EventNow,
    Figures,
    Link,
    MonitorState,
    NodeNow,
    PartNow,
    PickerNow,
    ReplicaNow,
    State,
    Total,
)

if TYPE_CHECKING:
    from rhaii_tui.kube.pod_status import PodStatus
    from rhaii_tui.monitor.cost import Meter
    from rhaii_tui.monitor.scraper import Scraper

Obj = dict[str, Any]
SLOW_SECONDS = 1.0
NOT_SERVING = Figures(problem="not serving yet")


class Snapshots:
    """`take(now)` makes a state of everything known; `aim(pods)` tells the scraper whom to ask."""

    def __init__(
        self,
        cluster: str,
        namespace: str,
        service: str,
        rate: float,
        collections: Mapping[str, Collection],
        scraper: Scraper,
        meter: Meter,
    ) -> None:
        self._cluster, self._namespace, self._service, self._rate = cluster, namespace, service, rate
        self._from = collections
        self._scraper = scraper
        self._meter = meter
        self._words = pods.Words()
        self._replicas: dict[str, tuple[Obj, PodStatus, Figures, ReplicaNow]] = {}
        """By pod name: what each was made of, so that only what changed is made again."""
        self._slow_at = 0.0
        self._known: tuple[tuple[Link, ...], tuple[bool, ...]] = ((), ())
        """What is live: when that changes, nothing waits for the next second."""
        self._nodes: tuple[NodeNow, ...] = ()
        self._events: tuple[EventNow, ...] = ()
        self._cost = Cost()

    def aim(self, running: Iterable[Obj]) -> None:
        """Ask these pods for figures from now on."""
        replicas, pickers = pods.split(running)
        self._scraper.follow(
            [(name_of(p), str(p["metadata"].get("uid"))) for p in replicas],
            [(name_of(p), str(p["metadata"].get("uid"))) for p in pickers],
        )

    def take(self, now: float) -> MonitorState:
        """The state at `now`."""
        source = self._from
        service = next(iter(source["service"].objects.values()), None)
        engine_pods, picker_pods = pods.split(source["pods"].objects.values())
        self._words.keep(source["pods"].objects)
        replicas = tuple(self._replica(p, now) for p in engine_pods)
        if len(self._replicas) > 2 * len(replicas):
            self._replicas = {r.pod: self._replicas[r.pod] for r in replicas}
        parts = path.parts(now, service, source["service"], source["routes"], source["pools"], source["gateways"])
        links = tuple(c.link for c in source.values())
        known = (links, tuple(r.figures.live for r in replicas))
        if known != self._known or not 0 <= now - self._slow_at < SLOW_SECONDS:
            self._slow(now, replicas, picker_pods, parts)
            self._known, self._slow_at = known, now
        spec = (service or {}).get("spec") or {}
        wanted = None if service is None else int(spec.get("replicas", max(1, len(replicas))))
        state, why = self._verdict(parts, replicas, wanted, stopped=path.is_stopped(service))
        return MonitorState(
            at=now,
            cluster=self._cluster,
            namespace=self._namespace,
            service=self._service,
            # KServe names a model that has no name after its service.
            model="" if service is None else str((spec.get("model") or {}).get("name") or self._service),
            url=str(((service or {}).get("status") or {}).get("url") or ""),
            rate=self._rate,
            interval=self._scraper.interval,
            state=state,
            why=why,
            wanted=wanted,
            replicas=replicas,
            picker=self._picker(picker_pods, now),
            parts=parts,
            nodes=self._nodes,
            events=self._events,
            others=tuple(
                (str(p["metadata"].get("namespace", "")), name_of(p), pods.containers(p))
                for p in sorted(source["gateway pods"].objects.values(), key=name_of)
            ),
            cost=self._cost,
            total=_total(replicas),
            links=links,
        )

    def _slow(
        self, now: float, replicas: tuple[ReplicaNow, ...], picker_pods: list[Obj], parts: tuple[PartNow, ...]
    ) -> None:
        placed: dict[str, tuple[str, ...]] = {}
        for replica in replicas:
            placed[replica.node] = (*placed.get(replica.node, ()), replica.pod)
        found = sorted(self._from["nodes"].objects.values(), key=name_of)
        self._nodes = tuple(pods.node(n, placed) for n in found)
        labels = [n["metadata"].get("labels") or {} for n in found]
        names = {r.pod: r.is_ready for r in replicas} | {name_of(p): False for p in picker_pods}
        events = [*self._from["events"].objects.values(), *self._from["node events"].objects.values()]
        ours = [n.name for n in self._nodes if n.accelerator or n.replicas]
        self._events = pods.worth_reading(events, self._service, names, ours)
        nodes = self._from["nodes"]
        self._cost = self._meter.read(
            now,
            zip(self._nodes, labels, strict=True),
            replicas,
            elsewhere=self._elsewhere(),
            gateway=any(p.kind == "Gateway" and p.address for p in parts),
            seen_at=nodes.seen_at(now),
            lost_since=nodes.link.lost_since,
        )

    def _elsewhere(self) -> frozenset[str] | None:
        """Nodes with replicas of other services; None until that was read."""
        others = self._from["other services"]
        if others.link.observed_at is None:
            return None
        return frozenset(str((p.get("spec") or {}).get("nodeName") or "") for p in others.objects.values())

    def _replica(self, pod: Obj, now: float) -> ReplicaNow:
        words = self._words.of(pod, now)
        meta = pod["metadata"]
        name = str(meta["name"])
        source = self._scraper.engines.get(name)
        figures = source.figures if source is not None else NOT_SERVING
        known = self._replicas.get(name)
        if known is not None and known[0] is pod and known[1] is words and known[2] is figures:
            return known[3]
        leaving = "deletionTimestamp" in meta
        made = ReplicaNow(
            pod=name,
            uid=str(meta.get("uid") or ""),
            node=str((pod.get("spec") or {}).get("nodeName") or ""),
            word=words.word,
            ready=words.ready,
            restarts=words.restarts,
            restarts_text=words.restarts_text,
            is_ready=words.is_ready and not leaving,
            terminating=leaving,
            message=words.message,
            created_at=pods.created(pod),
            containers=pods.containers(pod),
            figures=figures,
        )
        self._replicas[name] = (pod, words, figures, made)
        return made

    def _picker(self, found: list[Obj], now: float) -> PickerNow | None:
        """The picker that serves: the first ready one, else the newest."""
        if not found:
            return None
        told = [(p, self._words.of(p, now)) for p in found]
        pod, words = next((t for t in told if t[1].is_ready), max(told, key=lambda t: pods.created(t[0])))
        seen = PickerNow(
            pod=name_of(pod),
            word=words.word,
            ready=words.ready,
            restarts_text=words.restarts_text,
            is_ready=words.is_ready and "deletionTimestamp" not in pod["metadata"],
            message=words.message,
            containers=pods.containers(pod),
        )
        source = self._scraper.pickers.get(seen.pod)
        return source.told(seen) if source is not None else seen

    def _verdict(
        self, parts: tuple[PartNow, ...], replicas: tuple[ReplicaNow, ...], wanted: int | None, *, stopped: bool
    ) -> tuple[State, str]:
        for name in ("service", "pods"):
            link = self._from[name].link
            if not link.live:
                return "unknown", link.problem or "not read yet"
        service = next(p for p in parts if p.kind == "LLMInferenceService")
        if stopped:
            left = f"; {len(replicas)} replicas are still leaving" if replicas else ""
            return "stopped", f"stopped on purpose{left}"
        if service.state != "ready":
            return service.state, service.why
        ready = sum(r.is_ready for r in replicas)
        if wanted is None or ready < wanted:
            return "not ready", f"{ready} of {wanted} replicas ready"
        for part in parts:
            if part.state == "not ready":
                return "not ready", part.why
        return "ready", f"{ready} of {wanted} replicas ready"


def _total(replicas: tuple[ReplicaNow, ...]) -> Total:
    live = [r.figures for r in replicas if r.figures.live]
    running = [f.running for f in live if f.running is not None]
    waiting = [f.waiting for f in live if f.waiting is not None]
    tokens = [f.tokens_per_s for f in live if f.tokens_per_s is not None]
    ratios = [(f.hit_ratio, 1.0 if f.lookups is None else f.lookups) for f in live if f.hit_ratio is not None]
    weight = sum(lookups for _, lookups in ratios)
    return Total(
        replicas=len(replicas),
        counted=len(live),
        running=sum(running) if running else None,
        waiting=sum(waiting) if waiting else None,
        tokens_per_s=sum(tokens) if tokens else None,
        hit_ratio=sum(ratio * lookups for ratio, lookups in ratios) / weight if weight > 0 else None,
    )
