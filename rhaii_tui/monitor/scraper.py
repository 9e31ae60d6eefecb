"""Reads `/metrics` of all replicas and the picker in turn, a few at once, only while someone looks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from rhaii_tui.kube.errors import KubeError
from rhaii_tui.monitor.sources import EngineSource, PickerSource, Source

if TYPE_CHECKING:
    from rhaii_tui.kube.connect import Cluster

S = TypeVar("S", bound=Source)

AT_ONCE = 8
"""Scrapes under way at once: the API server's proxy is everybody's."""
MOST_PER_SECOND = 40
"""A scrape costs about a millisecond of this process; 200 replicas are then read every 5 s."""
PATIENCE = 5.0
"""Wall seconds a scrape may take."""


class Scraper:
    """`took` is called after each answer or refusal with the source and the moment of its forerunner."""

    def __init__(
        self, cluster: Cluster, namespace: str, interval: float, took: Callable[[Source, float | None], None]
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._wanted = interval
        self._took = took
        self._duration = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self.engines: dict[str, EngineSource] = {}
        self.pickers: dict[str, PickerSource] = {}
        self.looking = True

    @property
    def interval(self) -> float:
        """Wall seconds between two scrapes of one pod: as asked for, or as many as keep the load bounded."""
        count = len(self.engines) + len(self.pickers)
        return max(self._wanted, count / MOST_PER_SECOND, 1.5 * self._duration * count / AT_ONCE)

    @property
    def settled(self) -> bool:
        """Every source has answered or refused once."""
        return all(s.asked for s in self._sources())

    def look(self, looking: bool) -> None:
        """Begin or stop asking; what was read stays."""
        self.looking = looking
        self._wake.set()

    def follow(self, engines: Iterable[tuple[str, str]], pickers: Iterable[tuple[str, str]]) -> None:
        """The running pods, by name and uid. New ones are spread over the interval."""
        now = asyncio.get_running_loop().time()
        known = len(self.engines) + len(self.pickers)
        _update(self.engines, engines, lambda pod, uid, n: EngineSource(pod, uid, self._slot(now, n, known)))
        _update(self.pickers, pickers, lambda pod, uid, n: PickerSource(pod, uid, self._slot(now, n, known)))
        self._wake.set()

    def _slot(self, now: float, n: int, known: int) -> float:
        # The first round goes at once, AT_ONCE at a time: nobody wants to wait for the first figures.
        return now + (0.0 if known == 0 else (n % 10) / 10 * self.interval)

    def lose(self, problem: str, since: float) -> None:
        """Nothing that was read is live any more; ask again at once."""
        for source in self._sources():
            source.lose(problem, since)
            source.due = 0.0
        self._wake.set()

    def _sources(self) -> list[Source]:
        return [*self.engines.values(), *self.pickers.values()]

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                self._wake.clear()
                wait = 60.0
                if self.looking:
                    now = loop.time()
                    due = sorted((s for s in self._sources() if not s.busy), key=lambda s: s.due)
                    free = AT_ONCE - len(self._tasks)
                    for source in [s for s in due if s.due <= now][: max(0, free)]:
                        self._start(source)
                    rest = [s.due for s in due if not s.busy]
                    # With all places taken, the next to finish wakes this loop.
                    wait = 60.0 if len(self._tasks) >= AT_ONCE or not rest else max(0.0, min(rest) - now)
                try:
                    async with asyncio.timeout(wait):
                        await self._wake.wait()
                except TimeoutError:
                    pass
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, source: Source) -> None:
        source.busy = True
        task = asyncio.create_task(self._scrape(source), name=f"scrape {source.pod}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._wake.set()

    async def _scrape(self, source: Source) -> None:
        loop = asyncio.get_running_loop()
        began, before, extra = loop.time(), source.at, 0.0
        try:
            text = await self._cluster.text(source.path(self._namespace), timeout=PATIENCE)
            source.took(time.time(), text)
            self._duration += 0.1 * (loop.time() - began - self._duration)
        except KubeError as error:
            extra = source.failed(error)
        finally:
            source.busy = False
            # Late ones keep their place in the round instead of bunching up.
            planned = source.due if began - source.due < self.interval else began
            source.due = began if extra < 0 else planned + self.interval + extra
        self._took(source, before)


def _update(known: dict[str, S], found: Iterable[tuple[str, str]], make: Callable[[str, str, int], S]) -> None:
    wanted = dict(found)
    for pod in [p for p, source in known.items() if wanted.get(p) != source.uid]:
        del known[pod]
    for n, (pod, uid) in enumerate(wanted.items()):
        if pod not in known:
            known[pod] = make(pod, uid, n)
