"""The loop every controller runs: changes become keys, keys are reconciled one by one, waiting costs nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rhaii_tui.practice.actors.objects import Key, key_of
from rhaii_tui.practice.kube.errors import StatusError

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster
    from rhaii_tui.practice.kube.journal import Change
    from rhaii_tui.practice.world import World

log = logging.getLogger(__name__)

# Cloud seconds until a reconcile that raised is tried again, as a work queue's back-off would.
RETRY = 10.0


class Controller:
    """Reconciles keys of `kinds`. Subclasses say which keys a change touches and bring one key to its wanted state."""

    kinds: tuple[str, ...] = ()

    def __init__(self, world: World, cluster: KubeCluster) -> None:
        self.world = world
        self.cluster = cluster
        self.store = cluster.store
        self._dirty: dict[Key, None] = {}
        self._wake = asyncio.Event()
        self._timers: dict[Key, asyncio.TimerHandle] = {}

    def keys(self, change: Change) -> Iterable[Key]:
        """The keys that a change makes dirty; by default the changed object's own."""
        return (key_of(change.obj),)

    def reconcile(self, key: Key) -> float | None:
        """Bring one key to its wanted state. Returns cloud seconds after which to look again, or None."""
        raise NotImplementedError

    def enqueue(self, key: Key) -> None:
        """Have a key reconciled soon."""
        self._dirty[key] = None
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen())
                group.create_task(self._work())
        finally:
            for timer in self._timers.values():
                timer.cancel()

    async def _listen(self) -> None:
        async for change in self.store.watch(*self.kinds):
            for key in self.keys(change):
                self.enqueue(key)

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._dirty:
                key = next(iter(self._dirty))
                del self._dirty[key]
                self._again(key, self._attempt(key))
                # One turn of the loop per key: a burst must not starve the listeners.
                await asyncio.sleep(0)

    def _attempt(self, key: Key) -> float | None:
        try:
            return self.reconcile(key)
        except StatusError as refused:
            # As with a namespace that is ending: the world's answer, not a fault of the controller.
            log.info("%s was refused at %s: %s", type(self).__name__, "/".join(key), refused)
            return RETRY
        except Exception:
            log.exception("%s could not reconcile %s", type(self).__name__, "/".join(key))
            return RETRY

    def _again(self, key: Key, delay: float | None) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        if delay is not None:
            loop = asyncio.get_running_loop()
            self._timers[key] = loop.call_later(delay / self.world.clock.rate, self.enqueue, key)
