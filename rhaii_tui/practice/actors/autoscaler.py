"""The cluster autoscaler of GKE: nodes for pods that find no place, and no nodes that nobody needs for ten minutes."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from rhaii_tui.practice.actors.nodes import planned_node
from rhaii_tui.practice.actors.objects import Obj, condition, controller_of, deleting, key_of
from rhaii_tui.practice.actors.quantity import requests
from rhaii_tui.practice.actors.scheduler import refuse

if TYPE_CHECKING:
    from rhaii_tui.practice.google.records import Pool
    from rhaii_tui.practice.kube.cluster import KubeCluster
    from rhaii_tui.practice.world import World

COMPONENT = "cluster-autoscaler"

# Cloud seconds, the defaults of Kubernetes' own autoscaler: between two scans; how long a node must have been
# unneeded; how long a pool that could not grow is left alone.
SCAN, UNNEEDED, BACKOFF = 10.0, 600.0, 300.0

_log = logging.getLogger(__name__)


class Autoscaler:
    """Works on the pools of its cluster that have `autoscaling.enabled`; it takes no operation and asks for no lock."""

    def __init__(self, world: World, cluster: KubeCluster) -> None:
        self._world = world
        self._cluster = cluster
        self._store = cluster.store
        self._empty_since: dict[str, float] = {}
        self._backoff: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Scan until cancelled."""
        try:
            while True:
                await self._world.clock.sleep(SCAN)
                pools = self._pools()
                if pools:
                    self._scale_up(pools)
                    self._scale_down(pools)
                else:
                    self._empty_since.clear()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _pools(self) -> list[Pool]:
        engine = self._world.engine
        owner = engine.of(self._cluster) if engine is not None else None
        found = owner.pools.values() if owner is not None else ()
        return [p for p in found if (p.record.get("autoscaling") or {}).get("enabled") and p.status != "STOPPING"]

    def _scale_up(self, pools: list[Pool]) -> None:
        """Place waiting pods on nodes that are coming, else on new ones, else say why none would help."""
        coming: dict[str, list[list[Obj]]] = {
            pool.name: [[] for _ in range(max(0, pool.wanted - self._usable(pool)))] for pool in pools
        }
        wanted: dict[str, list[Obj]] = {}
        for pod in self._waiting():
            reasons: Counter[str] = Counter()
            for pool in pools:
                why = self._refusal(pod, pool, coming[pool.name], len(wanted.get(pool.name, ())))
                if not why:
                    break
                if why == "new":
                    coming[pool.name].append([pod])
                    wanted.setdefault(pool.name, []).append(pod)
                    break
                reasons[why] += 1
            else:
                text = ", ".join(f"{n} {reason}" for reason, n in sorted(reasons.items()))
                message = f"pod didn't trigger scale-up: {text}"
                self._store.event(pod, "Normal", "NotTriggerScaleUp", message, COMPONENT)
        for pool in pools:
            if pods := wanted.get(pool.name):
                self._begin(self._grow(pool, pods))

    def _refusal(self, pod: Obj, pool: Pool, coming: list[list[Obj]], planned: int) -> str:
        """Empty when the pod fits on a node that is coming, `new` when a further one would take it, else the reason."""
        amounts = requests(pod["spec"])
        node = planned_node(self._cluster, pool.record)
        reasons, _ = refuse(pod, amounts, node, [])
        if reasons:
            return reasons[0]
        for pods in coming:
            if not refuse(pod, amounts, node, pods)[0]:
                pods.append(pod)
                return ""
        if pool.wanted + planned >= _most(pool):
            return "max node group size reached"
        if self._backoff.get(pool.name, 0.0) > self._world.clock.monotonic():
            return "in backoff after failed scale-up"
        return "new"

    async def _grow(self, pool: Pool, pods: list[Obj]) -> None:
        from rhaii_tui.practice.google.operations import OperationFailed

        engine = self._world.engine
        assert engine is not None
        group = pool.view()["instanceGroupUrls"][0].replace("instanceGroupManagers", "instanceGroups")
        before = pool.wanted
        text = f"pod triggered scale-up: [{{{group} {before}->{before + len(pods)} (max: {_most(pool)})}}]"
        for pod in pods:
            self._store.event(pod, "Normal", "TriggeredScaleUp", text, COMPONENT)
        try:
            await engine.grow(pool, len(pods))
        except OperationFailed as failure:
            self._backoff[pool.name] = self._world.clock.monotonic() + BACKOFF
            why = "GCE quota exceeded" if "QUOTA" in failure.condition else "GCE out of resources"
            zone = pool.cluster.location
            for pod in pods:
                message = (
                    f"Node scale up in zones {zone} associated with this pod failed: {why}. "
                    "Pod is at risk of not being scheduled."
                )
                self._store.event(pod, "Warning", "FailedScaleUp", message, COMPONENT)

    def _scale_down(self, pools: list[Pool]) -> None:
        now = self._world.clock.monotonic()
        occupied = {p["spec"].get("nodeName") for p in self._store.list("Pod") if _needs_its_node(p)}
        for pool in pools:
            least = int((pool.record.get("autoscaling") or {}).get("minNodeCount", 0))
            spare = pool.wanted - least
            for place in sorted(pool.nodes - pool.going):
                name = pool.machine(place)
                node = self._store.get("Node", None, name)
                if node is None or name in occupied:
                    self._empty_since.pop(name, None)
                    continue
                since = self._empty_since.setdefault(name, now)
                if now - since >= UNNEEDED and spare > 0 and pool.wanted > least:
                    spare -= 1
                    del self._empty_since[name]
                    self._begin(self._shrink(pool, place, node))

    async def _shrink(self, pool: Pool, place: int, node: Obj) -> None:
        engine = self._world.engine
        assert engine is not None
        self._store.event(node, "Normal", "ScaleDown", "marked the node as toBeDeleted/unschedulable", COMPONENT)
        await engine.delete_machines(pool, [place])
        self._store.event(node, "Normal", "ScaleDown", "nodes removed by cluster autoscaler", COMPONENT)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=f"autoscaler of {self._cluster.name}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("%s failed", task.get_name(), exc_info=error)

    def _waiting(self) -> list[Obj]:
        """Pods that the scheduler has found no place for, oldest first, less those for whom there is one by now."""
        found = []
        everyone = self._store.list("Pod")
        placed: dict[str, list[Obj]] = {}
        for pod in everyone:
            if pod.get("status", {}).get("phase") not in ("Succeeded", "Failed"):
                placed.setdefault(str(pod["spec"].get("nodeName") or ""), []).append(pod)
        for pod in everyone:
            said = condition(pod, "PodScheduled")
            if said and said["status"] == "False" and said.get("reason") == "Unschedulable" and not deleting(pod):
                found.append(pod)
        waiting = sorted(found, key=lambda p: (str(p["metadata"]["creationTimestamp"]), key_of(p)))
        return [pod for pod in waiting if not self._has_place(pod, placed)]

    def _has_place(self, pod: Obj, placed: dict[str, list[Obj]]) -> bool:
        """Whether a node that exists takes the pod: the scheduler is about to bind it; takes the place if so."""
        amounts = requests(pod["spec"])
        for node in self._store.list("Node"):
            pods = placed.setdefault(node["metadata"]["name"], [])
            if not refuse(pod, amounts, node, pods)[0]:
                pods.append(pod)
                return True
        return False

    def _usable(self, pool: Pool) -> int:
        """Nodes of the pool that show their accelerators: until then the autoscaler counts them as coming."""
        planned = planned_node(self._cluster, pool.record)["status"]["allocatable"]
        places = pool.nodes - pool.going
        nodes = [self._store.get("Node", None, pool.machine(place)) for place in places]
        return sum(
            n is not None and all(n["status"]["allocatable"].get(r, "0") == planned[r] for r in planned if "/" in r)
            for n in nodes
        )


def _most(pool: Pool) -> int:
    scaling = pool.record.get("autoscaling") or {}
    return int(scaling.get("totalMaxNodeCount") or scaling.get("maxNodeCount") or 0)


def _needs_its_node(pod: Obj) -> bool:
    owner = controller_of(pod)
    ended = pod.get("status", {}).get("phase") in ("Succeeded", "Failed")
    return not ended and (owner is None or owner["kind"] != "DaemonSet")
