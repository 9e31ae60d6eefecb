"""What the control plane does by itself: default service accounts, and an end for pods whose kubelet never answers."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from rhaii_tui.practice.kube.errors import StatusError

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster

# Cloud seconds beyond its grace period after which a marked pod is removed without its kubelet.
OVERTIME = 30.0


async def keep_house(cluster: KubeCluster) -> None:
    """Run for the cluster's life."""
    store = cluster.store
    ending: dict[str, asyncio.Task[None]] = {}
    async for change in store.watch("Namespace", "Pod"):
        meta = change.obj["metadata"]
        if change.kind == "Namespace" and change.type != "DELETED":
            _furnish(cluster, change.obj)
        elif change.type == "DELETED":
            if task := ending.pop(meta["uid"], None):
                task.cancel()
        elif meta.get("deletionTimestamp") and meta["uid"] not in ending:
            ending[meta["uid"]] = asyncio.create_task(_bury(cluster, change.obj))


def _furnish(cluster: KubeCluster, namespace: dict[str, Any]) -> None:
    """Give a new namespace its default service account and the cluster's CA."""
    name = namespace["metadata"]["name"]
    meta = {"namespace": name}
    parts = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta | {"name": "default"}},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": meta | {"name": "kube-root-ca.crt"},
            "data": {"ca.crt": cluster.ca_pem.decode()},
        },
    ]
    for part in parts:
        with contextlib.suppress(StatusError):
            cluster.store.create(part)


async def _bury(cluster: KubeCluster, pod: dict[str, Any]) -> None:
    meta = pod["metadata"]
    await cluster.world.clock.sleep(float(meta.get("deletionGracePeriodSeconds") or 0) + OVERTIME)
    found = cluster.store.get("Pod", meta["namespace"], meta["name"])
    if found is not None and found["metadata"]["uid"] == meta["uid"]:
        cluster.store.delete("Pod", meta["namespace"], meta["name"])
