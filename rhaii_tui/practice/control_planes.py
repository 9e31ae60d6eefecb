"""The Kubernetes side of GKE clusters: each gets an API server of its own, actors, and a context in the kubeconfig."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from rhaii_tui.practice.actors import run_actors
from rhaii_tui.practice.kube.cluster import KubeCluster
from rhaii_tui.practice.kubeconfig import write_kubeconfig
from rhaii_tui.practice.world import World

_log = logging.getLogger(__name__)


class ControlPlanes:
    """Opens and closes them; `world.clusters` is kept by this class alone."""

    def __init__(self, world: World, kubeconfig: Path) -> None:
        self._world = world
        self._kubeconfig = kubeconfig
        self._actors: dict[KubeCluster, asyncio.Task[None]] = {}

    async def open(self, name: str, location: str) -> KubeCluster:
        """Start the API server and the actors of a new cluster."""
        cluster = KubeCluster(self._world, name, location)
        await cluster.start()
        taken = name in self._world.clusters  # names are unique per location only
        self._world.clusters[f"{name}.{location}" if taken else name] = cluster
        actors = asyncio.create_task(run_actors(self._world, cluster), name=f"actors of {name}")
        actors.add_done_callback(report_failure)
        self._actors[cluster] = actors
        write_kubeconfig(self._world, self._kubeconfig)
        return cluster

    async def close(self, cluster: KubeCluster) -> None:
        """Stop them; the cluster's objects are gone with it."""
        keys = [key for key, value in self._world.clusters.items() if value is cluster]
        for key in keys:
            del self._world.clusters[key]
        actors = self._actors.pop(cluster)
        actors.cancel()
        await asyncio.gather(actors, return_exceptions=True)
        await cluster.stop()
        write_kubeconfig(self._world, self._kubeconfig)

    async def close_all(self) -> None:
        """At the end of the practice cloud."""
        for cluster in list(self._actors):
            await self.close(cluster)


def report_failure(task: asyncio.Task[None]) -> None:
    """A dead actor is a defect of the practice cloud: say so in its log, or a road would hang without a word."""
    if not task.cancelled() and task.exception() is not None:
        _log.error("%s ended", task.get_name(), exc_info=task.exception())
