"""What the control plane does by itself: an end for deleted pods whose kubelet never answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster

# Cloud seconds beyond its grace period after which a marked pod is removed without its kubelet.
OVERTIME = 30.0


async def keep_house(cluster: KubeCluster) -> None:
    """Run for the cluster's life."""
    store = cluster.store
    ending: dict[str, asyncio.Task[None]] = {}
    async for change in store.watch("Pod"):
        meta = change.obj["metadata"]
        if change.type == "DELETED":
            if task := ending.pop(meta["uid"], None):
                task.cancel()
        elif meta.get("deletionTimestamp") and meta["uid"] not in ending:
            ending[meta["uid"]] = asyncio.create_task(_bury(cluster, change.obj))


async def _bury(cluster: KubeCluster, pod: dict[str, Any]) -> None:
    meta = pod["metadata"]
    await cluster.world.clock.sleep(float(meta.get("deletionGracePeriodSeconds") or 0) + OVERTIME)
    if drained := cluster.draining.get(meta["uid"]):
        await drained.wait()
    if cluster.world.faults.struck("node-lost", "node", str(pod["spec"].get("nodeName"))):
        return  # nobody knows whether it still runs: it stays Terminating until its node is back or its object gone
    found = cluster.store.get("Pod", meta["namespace"], meta["name"])
    if found is not None and found["metadata"]["uid"] == meta["uid"]:
        cluster.store.delete("Pod", meta["namespace"], meta["name"])
