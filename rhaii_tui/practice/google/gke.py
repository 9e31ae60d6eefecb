"""The Kubernetes Engine: clusters, node pools, and the operations that change them one at a time per cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from rhaii_tui.practice.control_planes import ControlPlanes
from rhaii_tui.practice.google import admission
from rhaii_tui.practice.google.errors import GoogleError, error_info
from rhaii_tui.practice.google.geography import region_of
from rhaii_tui.practice.google.machines import CREATE, DRAIN, GROW, Machines
from rhaii_tui.practice.google.operations import Operation, OperationFailed, Operations
from rhaii_tui.practice.google.quota import Holding, others, shortages
from rhaii_tui.practice.google.records import Cluster, Pool, with_cluster_defaults, with_pool_defaults
from rhaii_tui.practice.kube.cluster import KubeCluster
from rhaii_tui.practice.world import PROJECT, PROJECT_NUMBER, World

# Cloud seconds. A zonal cluster took 6m28s in September 2026, pool deletions 2m40s and more, a teardown 6m24s in all.
CONFIGURE, DEPLOY, HEALTH_CHECK = 60.0, 200.0, 100.0
DELETE_POOL = 160.0
DELETE_CLUSTER = 220.0
CHANGE = 10.0


class KubernetesEngine:
    """What the container API does; the routes are in `container`."""

    def __init__(self, world: World, planes: ControlPlanes, instances: Callable[[], list[Holding]]) -> None:
        self._world = world
        self._planes = planes
        self._instances = instances
        self._clusters: dict[tuple[str, str], Cluster] = {}
        self._machines = Machines(world, self.held)
        self.operations = Operations()
        world.engine = self

    def held(self) -> list[Holding]:
        """Everything that counts into quota usage."""
        pools = [p for c in self._clusters.values() for p in c.pools.values()]
        alive = [Holding(p.config, len(p.nodes), region_of(p.cluster.location)) for p in pools]
        return [*(p.holding() for p in pools), *self._instances(), *others(alive, self._world.faults)]

    def clusters(self, location: str = "-") -> list[Cluster]:
        """The clusters of one location, or of all (`-`), by name."""
        found = [c for c in self._clusters.values() if location in ("-", c.location)]
        return sorted(found, key=lambda c: (c.name, c.location))

    def cluster(self, location: str, name: str) -> Cluster:
        """Raises GoogleError 404."""
        if (location, name) not in self._clusters:
            raise GoogleError(404, f"Not found: projects/{PROJECT}/locations/{location}/clusters/{name}.")
        return self._clusters[location, name]

    async def seed(self, name: str, location: str, pool: dict[str, Any]) -> Cluster:
        """A cluster that exists from the start, without an operation; its nodes come up in the background."""
        cluster = Cluster(name, location, with_cluster_defaults({}), status="RUNNING")
        self._clusters[location, name] = cluster
        cluster.kube = await self._planes.open(name, location)
        full = with_pool_defaults(pool, location)
        size = full["initialNodeCount"]
        seeded = Pool(cluster, full, size, set(range(size)), "RUNNING")
        cluster.pools[seeded.name] = seeded
        return cluster

    def create_cluster(self, location: str, wanted: dict[str, Any]) -> Operation:
        """Start CREATE_CLUSTER. Raises GoogleError."""
        self._admit("container.clusters.create")
        admission.check_location(location)
        admission.check_cluster(wanted)
        name = str(wanted["name"])
        if (location, name) in self._clusters:
            raise GoogleError(409, f"Already exists: projects/{PROJECT}/zones/{location}/clusters/{name}.")
        cluster = Cluster(name, location, with_cluster_defaults(wanted))
        default = {
            "name": "default-pool",
            "initialNodeCount": wanted.get("initialNodeCount", 0),
            "config": wanted.get("nodeConfig", {}),
        }
        for pool in wanted.get("nodePools") or [default]:
            self._plan_pool(cluster, with_pool_defaults(pool, location))
        self._clusters[location, name] = cluster
        return self._begin(cluster, "CREATE_CLUSTER", f"clusters/{name}", self._create_cluster)

    def delete_cluster(self, location: str, name: str) -> Operation:
        """Start DELETE_CLUSTER. Raises GoogleError."""
        cluster = self._changeable(location, name, "container.clusters.delete", missing=False)
        cluster.status = "STOPPING"
        for pool in cluster.pools.values():
            pool.status = "STOPPING"
        return self._begin(cluster, "DELETE_CLUSTER", f"clusters/{name}", self._delete_cluster)

    def change_cluster(self, location: str, name: str, type_: str, change: Callable[[Cluster], None]) -> Operation:
        """Start an operation that changes fields of the cluster or of a pool, a moment later. Raises GoogleError."""
        cluster = self._changeable(location, name, "container.clusters.update")

        async def work(cluster: Cluster, operation: Operation) -> None:
            await self._world.clock.sleep(CHANGE)
            change(cluster)

        return self._begin(cluster, type_, f"clusters/{name}", work)

    def create_pool(self, location: str, name: str, wanted: dict[str, Any]) -> Operation:
        """Start CREATE_NODE_POOL. Raises GoogleError."""
        cluster = self._changeable(location, name, "container.clusters.update")
        full = with_pool_defaults(wanted, location)
        if full.get("name") in cluster.pools:
            resource = f"projects/{PROJECT}/zones/{location}/clusters/{name}/nodePools/{full['name']}"
            raise GoogleError(409, f"Already exists: {resource}.")
        pool = self._plan_pool(cluster, full)

        async def work(cluster: Cluster, operation: Operation) -> None:
            await self._fill(pool, CREATE[pool.kind], "ERROR")

        return self._begin(cluster, "CREATE_NODE_POOL", f"clusters/{name}/nodePools/{pool.name}", work)

    def resize_pool(self, location: str, name: str, pool_name: str, count: int) -> Operation:
        """Start SET_NODE_POOL_SIZE. Raises GoogleError."""
        cluster = self._changeable(location, name, "container.clusters.update")
        pool = cluster.pool(pool_name)
        admission.check_size(count)
        more = count - len(pool.nodes)
        if more > 0:
            self._check_quota(Holding(pool.config, more, region_of(location)))
        pool.wanted, pool.status = count, "RECONCILING"

        async def work(cluster: Cluster, operation: Operation) -> None:
            alive = pool.nodes - pool.going
            extra = len(alive) - count
            if extra > 0:
                # As in life the group picks the machines; what runs on them is not asked.
                await self._machines.remove(pool, self._world.rng.sample(sorted(alive), extra))
                pool.status = "RUNNING"
            else:
                await self._fill(pool, GROW[pool.kind], "RUNNING_WITH_ERROR")

        return self._begin(cluster, "SET_NODE_POOL_SIZE", f"clusters/{name}/nodePools/{pool_name}", work)

    def delete_pool(self, location: str, name: str, pool_name: str) -> Operation:
        """Start DELETE_NODE_POOL. Raises GoogleError."""
        cluster = self._changeable(location, name, "container.clusters.update")
        pool = cluster.pool(pool_name)
        pool.status = "STOPPING"

        async def work(cluster: Cluster, operation: Operation) -> None:
            await self._machines.remove(pool, list(pool.nodes))
            await self._world.clock.sleep(DELETE_POOL - DRAIN)
            cluster.pools.pop(pool_name, None)

        return self._begin(cluster, "DELETE_NODE_POOL", f"clusters/{name}/nodePools/{pool_name}", work)

    def of(self, kube: KubeCluster) -> Cluster | None:
        """The cluster that a Kubernetes API server belongs to, None once it is being deleted."""
        return next((c for c in self._clusters.values() if c.kube is kube), None)

    def repair_node(self, cluster: Cluster, pool: Pool, place: int) -> Operation:
        """Start AUTO_REPAIR_NODES: a broken machine goes, another takes its place."""
        pool.status = "RECONCILING"

        async def work(cluster: Cluster, operation: Operation) -> None:
            await self._machines.remove(pool, [place])
            await self._fill(pool, GROW[pool.kind], "RUNNING_WITH_ERROR")

        return self._begin(cluster, "AUTO_REPAIR_NODES", f"clusters/{cluster.name}/nodePools/{pool.name}", work)

    async def grow(self, pool: Pool, more: int) -> None:
        """What the autoscaler does: more machines, without an operation. Raises OperationFailed."""
        pool.wanted += more
        places = pool.free()[-more:]
        try:
            await self._machines.add(pool, places, GROW[pool.kind])
        except OperationFailed:
            pool.wanted = max(len(pool.nodes), pool.wanted - more)
            raise

    async def delete_machines(self, pool: Pool, places: list[int]) -> None:
        """Delete these very machines; the group becomes smaller by as many. The autoscaler removes nodes this way."""
        places = [place for place in places if place in pool.nodes - pool.going]
        pool.wanted -= len(places)
        await self._machines.remove(pool, places)

    def check_instances(self, pool: Pool) -> None:
        """Raises GoogleError 403 while machines of instance groups may not be deleted."""
        if self._world.faults.on("instances-locked"):
            where = f"projects/{PROJECT}/zones/{pool.cluster.location}/instanceGroupManagers/{pool.group}"
            raise GoogleError(403, f"Required 'compute.instanceGroupManagers.update' permission for '{where}'")

    def check_enabled(self) -> None:
        """Raises GoogleError 403 while the API is disabled in the project."""
        if self._world.faults.on("api-disabled"):
            raise GoogleError(
                403,
                f"Kubernetes Engine API has not been used in project {PROJECT_NUMBER} before or it is disabled. Enable "
                "it by visiting https://console.developers.google.com/apis/api/container.googleapis.com/overview?"
                f"project={PROJECT_NUMBER} then retry. If you enabled this API recently, wait a few minutes for the "
                "action to propagate to our systems and retry.",
                details=(error_info("SERVICE_DISABLED", "googleapis.com", service="container.googleapis.com"),),
            )

    def _admit(self, permission: str, missing: bool = True) -> None:
        self.check_enabled()
        admission.check_permission(permission, missing and self._world.faults.on("permission-missing"))

    def _changeable(self, location: str, name: str, permission: str, missing: bool = True) -> Cluster:
        self._admit(permission, missing)
        cluster = self.cluster(location, name)
        cluster.check_lock()
        return cluster

    def _plan_pool(self, cluster: Cluster, full: dict[str, Any]) -> Pool:
        admission.check_pool(full, cluster.location, cluster.record)
        if full["name"] in cluster.pools:
            raise GoogleError(400, f'Node pool "{full["name"]}" is named more than once.')
        size = full["initialNodeCount"]
        self._check_quota(Holding(full["config"], size, region_of(cluster.location)))
        pool = Pool(cluster, full, size)
        cluster.pools[pool.name] = pool
        return pool

    def _check_quota(self, wanted: Holding) -> None:
        for shortage in shortages(wanted, self.held(), self._world.faults):
            if shortage.is_regional:
                raise GoogleError(403, shortage.refusal(PROJECT))

    def _begin(
        self, cluster: Cluster, type_: str, target: str, work: Callable[[Cluster, Operation], Awaitable[None]]
    ) -> Operation:
        operation = Operation(type_, cluster.location, target)
        cluster.holder = operation
        if cluster.status == "RUNNING":
            cluster.status = "RECONCILING"

        async def locked() -> None:
            try:
                await work(cluster, operation)
            finally:
                cluster.holder = None
                if cluster.status == "RECONCILING":
                    cluster.status = "RUNNING"

        self.operations.begin(operation, locked())
        return operation

    async def _create_cluster(self, cluster: Cluster, operation: Operation) -> None:
        sleep = self._world.clock.sleep
        operation.progress(CLUSTER_CONFIGURING=(2, 8))
        await sleep(CONFIGURE)
        operation.progress(CLUSTER_CONFIGURING=(8, 8), CLUSTER_DEPLOYING=(3, 11))
        await sleep(DEPLOY)
        cluster.kube = await self._planes.open(cluster.name, cluster.location)
        operation.progress(CLUSTER_CONFIGURING=(8, 8), CLUSTER_DEPLOYING=(11, 11), CLUSTER_HEALTHCHECKING=(1, 2))
        try:
            await asyncio.gather(*(self._fill(pool, HEALTH_CHECK, "ERROR") for pool in cluster.pools.values()))
        except OperationFailed:
            cluster.status = "ERROR"
            raise
        cluster.status = "RUNNING"

    async def _delete_cluster(self, cluster: Cluster, operation: Operation) -> None:
        for pool in list(cluster.pools.values()):
            await self._machines.remove(pool, list(pool.nodes))
        kube, cluster.kube = cluster.kube, None
        if kube is not None:
            await self._planes.close(kube)
        await self._world.clock.sleep(DELETE_CLUSTER - DRAIN)
        self._clusters.pop((cluster.location, cluster.name), None)

    async def _fill(self, pool: Pool, seconds: float, failed: str) -> None:
        try:
            await self._machines.add(pool, pool.free(), seconds)
        except OperationFailed as failure:
            pool.status, pool.message, pool.condition = failed, failure.message, failure.condition
            pool.wanted = len(pool.nodes)
            raise
        pool.status, pool.message, pool.condition = "RUNNING", "", ""
