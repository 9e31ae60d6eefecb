"""The kubelets of a cluster: every bound pod gets a life, from its sandbox to its end."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from typing import TYPE_CHECKING

from rhaii_tui.practice.actors.containers import ContainerLife, Host
from rhaii_tui.practice.actors.images import Images
from rhaii_tui.practice.actors.objects import Key, Obj, deleting, key_of
from rhaii_tui.practice.actors.podstatus import ContainerRecord, StatusBoard
from rhaii_tui.practice.actors.volumes import missing_mounts

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster
    from rhaii_tui.practice.kube.journal import Change
    from rhaii_tui.practice.world import World

log = logging.getLogger(__name__)

# Cloud seconds: the pod's network sandbox; the kubelet's longest pause between two tries to mount.
SANDBOX, LONGEST_REMOUNT = 1.5, 122.0
# What the kubelet writes as `status.reason` of pods that it ends because its node shuts down.
NODE_SHUTDOWN = "Terminated"


class PodLife:
    """One pod on its node. `stop` begins the graceful end."""

    def __init__(self, world: World, cluster: KubeCluster, images: Images, pod: Obj, pod_ip: str) -> None:
        self._world, self._cluster, self._pod = world, cluster, pod
        self._board = StatusBoard(cluster, pod, pod_ip)
        number = int(hashlib.sha256(pod["metadata"]["uid"].encode()).hexdigest()[:4], 16)
        # Replicas differ a little, as machines do: between 0.94 and 1.08 of the usual time.
        self._host = Host(world, cluster, images, pod, self._board, 0.94 + 0.14 * number / 0xFFFF)
        self._stopping = asyncio.Event()
        self._lives: list[ContainerLife] = []

    def stop(self) -> None:
        """The pod is being deleted."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        for life in self._lives:
            life.stop()

    def report(self) -> None:
        """Write the status anew: the node was out of reach, and others have written it meanwhile."""
        self._board.publish()

    async def run(self) -> None:
        """Live; then, once deleted, remove the pod."""
        self._board.publish()
        if await self._mounted():
            await self._world.clock.sleep(SANDBOX)
            self._board.sandbox = True
            self._board.publish()
            if await self._initialized():
                await self._run_all(self._board.mains)
        await self._stopping.wait()
        self._cluster.store.delete("Pod", *key_of(self._pod))

    async def _mounted(self) -> bool:
        wait = 1.0
        while texts := list(missing_mounts(self._cluster.store, self._pod)):
            for text in texts:
                self._host.event("Warning", "FailedMount", text)
            if await self._stopped_within(wait):
                return False
            wait = min(LONGEST_REMOUNT, wait * 2)
        return not self._stopping.is_set()

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds / self._world.clock.rate)
        except TimeoutError:
            return False
        return True

    async def _initialized(self) -> bool:
        for record in self._board.inits:
            await self._run_all([record])
            if not record.succeeded:
                return False
        return not self._stopping.is_set()

    async def _run_all(self, records: list[ContainerRecord]) -> None:
        self._lives = [ContainerLife(self._host, record) for record in records]
        if self._stopping.is_set():
            return
        async with asyncio.TaskGroup() as group:
            for life in self._lives:
                group.create_task(life.run())


class Kubelet:
    """All nodes' kubelets: starts and ends pod lives as pods are bound and deleted."""

    def __init__(self, world: World, cluster: KubeCluster) -> None:
        self._world, self._cluster = world, cluster
        self._images = Images(world, cluster)
        self._lives: dict[str, tuple[PodLife, asyncio.Task[None]]] = {}
        self._addresses: dict[str, int] = {}
        self._silent: set[str] = set()

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            async for change in self._cluster.store.watch("Pod", "Node"):
                if change.kind == "Node":
                    self._look_at(change)
                elif change.type == "DELETED":
                    self._end(change.obj)
                elif change.obj["spec"].get("nodeName"):
                    self._keep(change.obj)
        finally:
            tasks = [task for _, task in self._lives.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _look_at(self, change: Change) -> None:
        """A node may be gone, silent, or back from its silence."""
        name = change.obj["metadata"]["name"]
        if change.type == "DELETED":
            self._silent.discard(name)
            self._lose(name)
        elif self._world.faults.struck("node-lost", "node", name):
            self._silent.add(name)
        elif name in self._silent:
            self._silent.discard(name)
            for pod in self._cluster.store.list("Pod"):
                if pod["spec"].get("nodeName") == name:
                    self._keep(pod)
                    if (life := self._lives.get(pod["metadata"]["uid"])) is not None:
                        life[0].report()

    def _keep(self, pod: Obj) -> None:
        uid = pod["metadata"]["uid"]
        if self._world.faults.struck("node-lost", "node", pod["spec"]["nodeName"]):
            return
        if pod.get("status", {}).get("reason") == NODE_SHUTDOWN and uid in self._lives:
            self._lives.pop(uid)[1].cancel()
            return
        if uid not in self._lives:
            if pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
                return
            life = PodLife(self._world, self._cluster, self._images, pod, self._address(pod["spec"]["nodeName"]))
            task = asyncio.create_task(life.run(), name=f"pod {'/'.join(key_of(pod))}")
            task.add_done_callback(_report)
            self._lives[uid] = (life, task)
        if deleting(pod):
            self._lives[uid][0].stop()

    def _address(self, node: str) -> str:
        found = self._cluster.store.get("Node", None, node)
        number = self._addresses[node] = self._addresses.get(node, 1) + 1
        network = (found or {}).get("spec", {}).get("podCIDR", "10.15.0.0/24")
        return f"{network.rsplit('.', 1)[0]}.{number % 254 + 1}"

    def _end(self, pod: Obj) -> None:
        """The object is gone, by force or by its kubelet: whatever still runs ends without grace."""
        uid = pod["metadata"]["uid"]
        life = self._lives.pop(uid, None)
        if life is not None and life[1] is not asyncio.current_task():
            life[1].cancel()
        self._cluster.logs.drop(uid)

    def _lose(self, node: str) -> None:
        """A node object is gone: the pod garbage collector removes what was bound to it."""
        self._images.forget(node)
        lost: list[Key] = [key_of(p) for p in self._cluster.store.list("Pod") if p["spec"].get("nodeName") == node]
        for namespace, name in lost:
            self._cluster.store.delete("Pod", namespace, name)


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("%s ended", task.get_name(), exc_info=error)
