"""The engine: watches the service's objects, scrapes its processes, and hands out frozen states, a few a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rhaii_tui.catalog.prices import PriceTable, shipped
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.monitor import history as h
from rhaii_tui.monitor.collection import Collection
from rhaii_tui.monitor.cost import Meter
from rhaii_tui.monitor.history import History
from rhaii_tui.monitor.scraper import Scraper
from rhaii_tui.monitor.snapshot import Snapshots
from rhaii_tui.monitor.sources import EngineSource, Source
from rhaii_tui.monitor.state import MonitorState
from rhaii_tui.serving.stack import WORKLOAD_LABELS

if TYPE_CHECKING:
    from rhaii_tui.kube.connect import Cluster

INTERVAL = 2.0
"""Wall seconds between two scrapes of a replica; vLLM refreshes its gauges with every engine step."""
COALESCE_SECONDS = 0.25
"""States are handed out at most four times a second, however much changes."""
FIRST_SECONDS, FIRST_COALESCE_SECONDS = 3.0, 0.03
"""At the beginning, until everything has answered once, they come faster: somebody waits for the first figures."""
TICK_SECONDS = 1.0
SLEEP_SECONDS = 10.0
"""Wall time that passed unnoticed by this process: the machine slept, and every connection is in doubt."""
OTHER_REPLICAS = "kserve.io/component=workload,app.kubernetes.io/name!={}"
"""Replicas of other services of the cluster: their nodes are not idle because ours are."""
GATEWAY_PODS = "gateway.networking.k8s.io/gateway-name"

Listener = Callable[[MonitorState], None]


class Monitor:
    """One service of one cluster, followed from `start` to `close`. The cluster connection stays the caller's.

    `collections` are the watched objects by name, `history` holds the last ten minutes per replica. `look(False)`
    stops the scrapes while nobody looks.
    """

    def __init__(
        self,
        cluster: Cluster,
        endpoints: Endpoints,
        namespace: str,
        service: str,
        *,
        cluster_name: str = "",
        interval: float = INTERVAL,
        prices: PriceTable | None = None,
    ) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.service = service
        self.history = History()
        self.started_at = time.time()
        self._clock = endpoints.clock
        self._dirty = asyncio.Event()
        self._listeners: list[Listener] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._watches: list[asyncio.Task[None]] = []
        labels = f"app.kubernetes.io/name={service},{WORKLOAD_LABELS}"

        def collection(name: str, kind: str, where: str | None, **how: Any) -> Collection:
            return Collection(name, kind, self._dirty.set, namespace=where, **how)

        self._pods = collection("pods", "Pod", namespace, labels=labels)
        self.collections = {
            "service": collection("service", "LLMInferenceService", namespace, fields=f"metadata.name={service}"),
            "pods": self._pods,
            "routes": collection("routes", "HTTPRoute", namespace),
            "pools": collection("pools", "InferencePool", namespace),
            "gateways": collection("gateways", "Gateway", None),
            "gateway pods": collection("gateway pods", "Pod", None, labels=GATEWAY_PODS),
            "nodes": collection("nodes", "Node", None),
            "other services": collection("other services", "Pod", None, labels=OTHER_REPLICAS.format(service)),
            "events": collection("events", "Event", namespace, most=500),
            "node events": collection("node events", "Event", "default", fields="involvedObject.kind=Node", most=200),
        }
        self.scraper = Scraper(cluster, namespace, interval, self._scraped)
        meter = Meter(endpoints.clock, prices or shipped())
        self._snapshots = Snapshots(
            cluster_name or cluster.address, namespace, service, endpoints.clock.rate, self.collections,
            self.scraper, meter,
        )  # fmt: skip
        self.state = self._snapshots.take(time.time())

    async def __aenter__(self) -> Monitor:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def start(self) -> None:
        """Begin to watch and to scrape."""
        self._watch_all()
        self._tasks = [
            asyncio.create_task(self.scraper.run(), name="scraper"),
            asyncio.create_task(self._tick(), name="monitor tick"),
            asyncio.create_task(self._publish(), name="monitor publish"),
        ]

    async def close(self) -> None:
        """Stop everything; the last state stays readable."""
        tasks, self._tasks = [*self._tasks, *self._watches], []
        self._watches = []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(state)` for each state from now on; the returned function ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def look(self, looking: bool) -> None:
        """Whether someone looks: scrapes stop while nobody does; watches go on, they cost nothing when idle."""
        self.scraper.look(looking)

    async def settled(self, seconds: float) -> MonitorState:
        """The first state in which everything was read or refused once, or the state after `seconds`."""
        done: asyncio.Future[MonitorState] = asyncio.get_running_loop().create_future()

        def hear(state: MonitorState) -> None:
            if not done.done() and self._settled(state):
                done.set_result(state)

        stop = self.subscribe(hear)
        try:
            hear(self.state)
            async with asyncio.timeout(seconds):
                return await done
        except TimeoutError:
            return self.state
        finally:
            stop()

    def _settled(self, state: MonitorState) -> bool:
        return all(link.live or link.lost_since for link in state.links) and self.scraper.settled

    def _watch_all(self) -> None:
        self._watches = [
            asyncio.create_task(self._follow(c), name=f"watch {name}") for name, c in self.collections.items()
        ]

    async def _follow(self, collection: Collection) -> None:
        while True:
            try:
                await collection.follow(self.cluster, self._clock)
            except Exception as error:  # noqa: BLE001  one unreadable object must not silence a whole collection
                collection.lose(time.time(), f"{type(error).__name__}: {error}")
                self._dirty.set()
            await asyncio.sleep(5.0)

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        wall, steady = time.time(), loop.time()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now, now_steady = time.time(), loop.time()
            unnoticed = max(now - wall - (now_steady - steady), now_steady - steady - TICK_SECONDS)
            if unnoticed > SLEEP_SECONDS:
                await self.slept(wall)
            wall, steady = now, now_steady
            self._mark(now)
            self._dirty.set()

    async def slept(self, since: float) -> None:
        """The machine slept: nothing is live since then; read everything anew."""
        reason = "this machine slept; reading everything anew"
        watches, self._watches = self._watches, []
        for task in watches:
            task.cancel()
        await asyncio.gather(*watches, return_exceptions=True)
        for collection in self.collections.values():
            collection.lose(since, reason)
        self.scraper.lose(reason, since)
        now = int(time.time())
        for replica in self.state.replicas:
            for second in range(max(int(since) + 1, now - h.SECONDS), now):
                self.history.mark(replica.pod, second, h.NOT_LIVE)
        self._hand_out()  # everything may be back before the next state is due, and then nobody would know
        self._watch_all()

    def _mark(self, now: float) -> None:
        for replica in self.state.replicas:
            figures = replica.figures
            recent = figures.restarted_at is not None and now - figures.restarted_at <= 2 * TICK_SECONDS
            if not self._pods.link.live or (replica.is_ready and figures.lost_since is not None):
                sign = h.NOT_LIVE
            elif recent:
                sign = h.RESTARTED
            else:
                sign = h.READY if replica.is_ready else h.NOT_READY
            self.history.mark(replica.pod, now, sign)

    def _scraped(self, source: Source, before: float | None) -> None:
        self._dirty.set()
        if not isinstance(source, EngineSource) or source.lost_since is not None or source.at is None:
            return
        figures = source.figures
        steady = before is not None and source.at - before < 3 * self.scraper.interval + 1
        load = None if figures.running is None else float(figures.running + (figures.waiting or 0))
        self.history.put(
            source.pod,
            before if steady and before is not None else source.at - 1,
            source.at,
            {
                "load": load,
                "kv": figures.kv_usage,
                "hit": figures.hit_ratio,
                "tokens": figures.tokens_per_s,
                "ttft": figures.ttft.mean if figures.ttft else None,
            },
        )

    async def _publish(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            self._hand_out()
            beginning = time.time() - self.started_at < FIRST_SECONDS and not self._settled(self.state)
            await asyncio.sleep(FIRST_COALESCE_SECONDS if beginning else COALESCE_SECONDS)

    def _hand_out(self) -> None:
        running = [p for p in self._pods.objects.values() if _runs(p)]
        self._snapshots.aim(running)
        self.state = self._snapshots.take(time.time())
        for listener in list(self._listeners):
            listener(self.state)


def _runs(pod: dict[str, Any]) -> bool:
    return (pod.get("status") or {}).get("phase") == "Running"
