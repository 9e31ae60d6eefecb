"""Machines come and go: how long Compute Engine takes, and how it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from rhaii_tui.practice.actors.nodes import UNTIL_READY, add_node, remove_node
from rhaii_tui.practice.clock import CloudClock
from rhaii_tui.practice.google.geography import region_of
from rhaii_tui.practice.google.operations import OperationFailed
from rhaii_tui.practice.google.quota import Holding, shortages
from rhaii_tui.practice.google.records import Pool
from rhaii_tui.practice.world import PROJECT, World

# Cloud seconds until the nodes of a new pool are Ready: about 1 minute for CPU pools, 5 for T4, 9 for v6e.
CREATE = {"cpu": 65.0, "gpu": 300.0, "tpu": 535.0}
GROW = {"cpu": 65.0, "gpu": 180.0, "tpu": 300.0}
DRAIN = 50.0
_DISCOVER = 20.0
"""When the first machine's creation is answered: quota and stockout errors show then."""
_STOCKOUT_PATIENCE = 35 * 60.0
_RETRY = 20.0


class Machines:
    """Adds nodes to pools and takes them away."""

    def __init__(self, world: World, held: Callable[[], list[Holding]]) -> None:
        self._world = world
        self._held = held

    async def add(self, pool: Pool, places: Iterable[int], seconds: float) -> None:
        """Fill places of a pool within `seconds` of cloud time. Raises OperationFailed; some nodes may exist then."""
        places = tuple(places)
        sleep = self._world.clock.sleep
        if not places:
            await sleep(seconds / 4)
            return
        await sleep(_DISCOVER)
        self._check_quota(pool, len(places))
        await self._wait_for_stock(pool, places)
        await sleep(seconds - _DISCOVER - UNTIL_READY)
        await asyncio.gather(*(self._register(pool, place) for place in places))
        pool.errors.clear()

    async def remove(self, pool: Pool, places: Iterable[int]) -> None:
        """Drain and delete the nodes at some places of a pool."""

        async def one(place: int) -> None:
            kube = pool.cluster.kube
            if kube is not None:
                await remove_node(self._world, kube, pool.record, place)
            pool.nodes.discard(place)
            pool.going.discard(place)

        places = tuple(places)
        pool.going.update(places)
        await asyncio.gather(self._world.clock.sleep(DRAIN), *map(one, places))

    async def _register(self, pool: Pool, place: int) -> None:
        kube = pool.cluster.kube
        if kube is None:
            raise OperationFailed(13, "Internal error: the control plane is not running.")
        pool.nodes.add(place)
        await add_node(self._world, kube, pool.record, place)

    def _check_quota(self, pool: Pool, count: int) -> None:
        others = self._held()
        others.remove(pool.holding())
        others.append(Holding(pool.config, len(pool.nodes), region_of(pool.cluster.location)))
        wanted = Holding(pool.config, count, region_of(pool.cluster.location))
        for shortage in shortages(wanted, others, self._world.faults):
            text = shortage.inside()
            self._record_error(pool, "QUOTA_EXCEEDED", text)
            raise self._failure(pool, count, "GCE_QUOTA_EXCEEDED", text, 1.0)

    async def _wait_for_stock(self, pool: Pool, places: tuple[int, ...]) -> None:
        clock = self._world.clock
        started = clock.monotonic()
        text = (
            f"The zone 'projects/{PROJECT}/zones/{pool.cluster.location}' does not have enough resources available to "
            "fulfill the request.  '(resource type:compute)'."
        )
        while pool.kind != "cpu" and self._world.faults.on("stockout"):
            self._record_error(pool, "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", text)
            waited = clock.monotonic() - started
            if waited > _STOCKOUT_PATIENCE:
                raise self._failure(pool, len(places), "GCE_STOCKOUT", text, waited)
            await clock.sleep(_RETRY)

    @staticmethod
    def _failure(pool: Pool, count: int, condition: str, text: str, waited: float) -> OperationFailed:
        machine = pool.machine(0)
        return OperationFailed(
            8,
            f"Google Compute Engine: Not all instances running in IGM after {waited / 60:.0f}m{waited % 60:.9f}s. "
            f"Expected {count}, running 0, transitioning {count}. Current errors: [{condition}]: Instance '{machine}' "
            f"creation failed: {text}",
            condition,
        )

    def _record_error(self, pool: Pool, code: str, text: str) -> None:
        pool.errors.append(
            {
                "timestamp": CloudClock.stamp_micro(),
                "error": {"code": code, "message": f"Instance '{pool.machine(0)}' creation failed: {text}"},
                "instanceActionDetails": {
                    "action": "CREATING",
                    "instance": f"https://www.googleapis.com/compute/v1/projects/{PROJECT}/zones/"
                    f"{pool.cluster.location}/instances/{pool.machine(0)}",
                },
            }
        )
        del pool.errors[:-50]
