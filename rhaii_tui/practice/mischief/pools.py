"""Machines of accelerator pools: resized away, not to be had again, taken back."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from rhaii_tui.practice.actors.kubelet import NODE_SHUTDOWN
from rhaii_tui.practice.actors.nodes import add_node, node_name
from rhaii_tui.practice.actors.objects import Obj, conditions_in, deleting, key_of, set_condition
from rhaii_tui.practice.clock import CloudClock
from rhaii_tui.practice.mischief.acts import Act

if TYPE_CHECKING:
    from rhaii_tui.practice.google.gke import KubernetesEngine
    from rhaii_tui.practice.google.records import Cluster, Pool

# Cloud seconds between two attempts while somebody else's operation holds the cluster, and between two looks.
AGAIN = 20.0
# Cloud seconds that a machine has from the notice of its end.
NOTICE = 30.0
NOT_READY = "node.kubernetes.io/not-ready"
SPOT_LABEL = "cloud.google.com/gke-spot"


class PoolAct(Act):
    """Acts on the accelerator pools of a cluster in GKE; `kinds` of pool ("gpu", "tpu") that the fault can meet."""

    def __init__(self, *args: Any, kinds: tuple[str, ...] = ("gpu", "tpu")) -> None:
        super().__init__(*args)
        self._kinds = kinds

    def pools(self) -> list[Pool]:
        """Pools with machines that nobody is changing."""
        owner = self.owner()
        pools = owner.pools.values() if owner is not None else ()
        return [p for p in pools if p.kind in self._kinds and p.nodes and p.status in ("RUNNING", "RUNNING_WITH_ERROR")]

    def owner(self) -> Cluster | None:
        """The GKE cluster."""
        return self.engine.of(self.cluster) if self.engine is not None else None

    @property
    def engine(self) -> KubernetesEngine | None:
        """GKE, where the practice cloud has one."""
        return self.world.engine

    async def unlocked(self) -> Cluster | None:
        """The cluster, once no operation holds it."""
        while (owner := self.owner()) is not None and owner.holder is not None:
            await self.world.clock.sleep(AGAIN)
        return owner

    def busiest(self, pool: Pool) -> int:
        """A place whose node has a replica on it, else any."""
        busy = {p["spec"].get("nodeName") for s in self.services() for p in self.replicas(s)}
        return min(pool.nodes, key=lambda place: (pool.machine(place) not in busy, place))


class Resized(PoolAct):
    """Somebody sets each accelerator pool to one node fewer, once."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._sizes: dict[str, tuple[int, int]] = {}

    async def run(self) -> None:
        while True:
            for pool in self.pools():
                if pool.name not in self._sizes:
                    await self._shrink(pool)
            await self.world.clock.sleep(AGAIN)

    async def _shrink(self, pool: Pool) -> None:
        owner = await self.unlocked()
        if owner is None or self.engine is None or pool.name not in owner.pools:
            return
        before = pool.wanted
        operation = self.engine.resize_pool(owner.location, owner.name, pool.name, before - 1)
        self._sizes[pool.name] = before, before - 1
        await operation.done.wait()

    async def lift(self) -> None:
        for name, (before, after) in self._sizes.items():
            owner = await self.unlocked()
            pool = owner.pools.get(name) if owner is not None else None
            if owner is not None and pool is not None and self.engine is not None and pool.wanted == after:
                self.engine.resize_pool(owner.location, owner.name, name, before)


class Repair(PoolAct):
    """A machine of each running pool breaks down while no other can be had: GKE's repair fails or hangs.

    A pool that is being created when the fault begins meets it by itself.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._sizes: dict[str, int] = {}

    async def run(self) -> None:
        for pool in self.pools():
            owner = await self.unlocked()
            if owner is not None and self.engine is not None and pool.name in owner.pools:
                self._sizes[pool.name] = pool.wanted
                self.engine.repair_node(owner, pool, self.busiest(pool))
        await asyncio.Event().wait()

    async def lift(self) -> None:
        for name, size in self._sizes.items():
            owner = await self.unlocked()
            pool = owner.pools.get(name) if owner is not None else None
            if owner is not None and pool is not None and self.engine is not None and pool.wanted == size - 1:
                self.engine.resize_pool(owner.location, owner.name, name, size)


class Reclaimed(PoolAct):
    """Compute Engine takes one Spot machine back; the group finds no other while the fault is on."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._lost: list[tuple[Pool, int]] = []
        self._made_spot: list[Pool] = []

    async def run(self) -> None:
        for pool in self.pools():
            self._as_spot(pool)
            place = self.busiest(pool)
            await self._shut_down(pool, place)
        while True:
            for pool, place in self._lost:
                pool.errors.append(_exhausted(pool, place))
                del pool.errors[:-50]
            await self.world.clock.sleep(60.0)

    def _as_spot(self, pool: Pool) -> None:
        """Only Spot machines are taken back: the pool is one of Spot machines for as long as the fault is on."""
        if pool.config.get("spot"):
            return
        self._made_spot.append(pool)
        pool.config["spot"] = True
        for place in pool.nodes:
            self._label(pool, place)

    def _label(self, pool: Pool, place: int) -> None:
        node = self.store.get("Node", None, pool.machine(place))
        if node is not None:
            self.edits.change(node, ("metadata", "labels", SPOT_LABEL), "true")

    async def _shut_down(self, pool: Pool, place: int) -> None:
        name = node_name(self.cluster.name, pool.name, place)
        node = self.store.get("Node", None, name)
        if node is None:
            return
        self.store.event(node, "Normal", "Shutdown", "Shutdown manager detected shutdown event", "kubelet")

        def closed(n: Obj) -> None:
            n["spec"]["taints"] = [*(n["spec"].get("taints") or ()), {"key": NOT_READY, "effect": "NoSchedule"}]

        self.store.update("Node", None, name, closed)
        for pod in self.store.list("Pod"):
            if pod["spec"].get("nodeName") == name and not deleting(pod):
                self.store.update("Pod", *key_of(pod), _terminated, status=True)

        def stopping(n: Obj) -> None:
            set_condition(conditions_in(n), "Ready", "False", "KubeletNotReady", "node is shutting down")

        self.store.update("Node", None, name, stopping, status=True)
        self.store.event(node, "Normal", "NodeNotReady", f"Node {name} status is now: NodeNotReady", "kubelet")
        await self.world.clock.sleep(NOTICE)
        text = f"Deleting node {name} because it does not exist in the cloud provider"
        self.store.event(node, "Normal", "DeletingNode", text, "cloud-node-lifecycle-controller")
        self.store.delete("Node", None, name)
        pool.nodes.discard(place)
        self._lost.append((pool, place))

    async def lift(self) -> None:
        """Machines are to be had again: the group makes what it lacks."""
        await super().lift()
        for pool in self._made_spot:
            pool.config.pop("spot", None)
        for pool, place in self._lost:
            pool.errors.clear()
            missing = pool.wanted > len(pool.nodes) and place not in pool.nodes
            if missing and pool.cluster.kube is self.cluster:
                pool.nodes.add(place)
                await add_node(self.world, self.cluster, pool.record, place)


def _terminated(pod: Obj) -> None:
    """As the kubelet ends pods when its node shuts down."""
    status, text = pod["status"], "Pod was terminated in response to imminent node shutdown."
    status |= {"phase": "Failed", "reason": NODE_SHUTDOWN, "message": text}
    set_condition(conditions_in(pod), "DisruptionTarget", "True", "TerminationByKubelet", text)
    for type_ in ("Ready", "ContainersReady"):
        set_condition(conditions_in(pod), type_, "False", "PodFailed")
    for container in status.get("containerStatuses") or ():
        with contextlib.suppress(KeyError):
            began = container["state"].pop("running")["startedAt"]
            ended = {"exitCode": 137, "reason": "Error", "startedAt": began, "finishedAt": CloudClock.stamp()}
            container |= {"state": {"terminated": ended}, "ready": False, "started": False}


def _exhausted(pool: Pool, place: int) -> dict[str, Any]:
    zone, machine = pool.cluster.location, pool.machine(place)
    text = f"The zone '{zone}' does not have enough resources available to fulfill the request."
    return {
        "timestamp": CloudClock.stamp_micro(),
        "error": {
            "code": "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS",
            "message": f"Instance '{machine}' creation failed: {text}",
        },
        "instanceActionDetails": {"action": "RECREATING", "instance": f"zones/{zone}/instances/{machine}"},
    }
