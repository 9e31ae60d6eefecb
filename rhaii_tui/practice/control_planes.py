"""The Kubernetes side of GKE clusters: each gets an API server of its own, actors, and a context in the kubeconfig."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from rhaii_tui.practice import actors
from rhaii_tui.practice.kube.cluster import KubeCluster
from rhaii_tui.practice.kubeconfig import write_kubeconfig
from rhaii_tui.practice.world import World


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
        self._actors[cluster] = asyncio.create_task(
            getattr(actors, "run_actors", _idle)(self._world, cluster), name=f"actors of {name}"
        )
        write_kubeconfig(self._world, self._kubeconfig)
        return cluster

    async def close(self, cluster: KubeCluster) -> None:
        """Stop them; the cluster's objects are gone with it."""
        keys = [key for key, value in self._world.clusters.items() if value is cluster]
        for key in keys:
            del self._world.clusters[key]
        work = self._actors.pop(cluster)
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
        await cluster.stop()
        write_kubeconfig(self._world, self._kubeconfig)

    async def close_all(self) -> None:
        """At the end of the practice cloud."""
        for cluster in list(self._actors):
            await self.close(cluster)


async def _idle(world: World, cluster: KubeCluster) -> None:
    await asyncio.Event().wait()
