"""What is in the project before the user comes: another team's cluster, which nobody may touch."""

from __future__ import annotations

import asyncio

from rhaii_tui.practice.actors.foreign import foreign_workloads
from rhaii_tui.practice.actors.nodes import add_node
from rhaii_tui.practice.control_planes import report_failure
from rhaii_tui.practice.google.gke import KubernetesEngine
from rhaii_tui.practice.google.records import Cluster
from rhaii_tui.practice.kube.cluster import KubeCluster
from rhaii_tui.practice.world import World

NAME, ZONE = "shared-tools", "us-central1-b"
_POOL = {
    "name": "default-pool",
    "initialNodeCount": 2,
    "config": {"machineType": "e2-standard-4", "diskSizeGb": 50, "diskType": "pd-balanced"},
}


class Neighbours:
    """Moves them in: the cluster at once, its nodes and workloads within a cloud minute."""

    def __init__(self, world: World, engine: KubernetesEngine) -> None:
        self._world = world
        self._engine = engine
        self._furnishing: asyncio.Task[None] | None = None

    async def move_in(self) -> None:
        """The cluster answers when this returns."""
        cluster = await self._engine.seed(NAME, ZONE, _POOL)
        if cluster.kube is None:
            return
        self._furnishing = asyncio.create_task(self._furnish(cluster, cluster.kube), name=f"furnishing of {NAME}")
        self._furnishing.add_done_callback(report_failure)
        await asyncio.sleep(0)  # lets the nodes register before the first question

    async def _furnish(self, cluster: Cluster, kube: KubeCluster) -> None:
        places = [(pool, place) for pool in cluster.pools.values() for place in sorted(pool.nodes)]
        await asyncio.gather(*(add_node(self._world, kube, pool.record, place) for pool, place in places))
        await foreign_workloads(self._world, kube)

    async def stop(self) -> None:
        """Stop moving in."""
        if self._furnishing is not None:
            self._furnishing.cancel()
            await asyncio.gather(self._furnishing, return_exceptions=True)
