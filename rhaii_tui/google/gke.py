"""Google Kubernetes Engine through its own client, over REST, in daemon threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from rhaii_tui.catalog.target import Target
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.google.bodies import cluster_body, pool_body
from rhaii_tui.google.calls import change, read
from rhaii_tui.google.credentials import credentials
from rhaii_tui.google.packages import load
from rhaii_tui.google.values import (
    ClusterInfo,
    OperationInfo,
    PoolInfo,
    ServerInfo,
    cluster_info,
    operation_info,
    pool_info,
    server_info,
)

T = TypeVar("T")


class Gke:
    """One project's clusters. `location` is a zone; every method raises CloudError.

    Reads are repeated over passing trouble, changes never: after an ambiguous error look before repeating.
    """

    def __init__(self, endpoints: Endpoints, project: str) -> None:
        self._endpoints = endpoints
        self._project = project
        self._client: Any = None
        self._making = threading.Lock()

    async def list_clusters(self, location: str = "-") -> tuple[ClusterInfo, ...]:
        """All clusters of the project, or of one location."""
        request = {"parent": self._parent(location)}
        return await self._read("list_clusters", request, lambda a: tuple(cluster_info(c) for c in a.clusters))

    async def get_cluster(self, location: str, name: str) -> ClusterInfo:
        """One cluster; NOT_FOUND when there is none."""
        return await self._read("get_cluster", {"name": self._cluster(location, name)}, cluster_info)

    async def get_node_pool(self, location: str, cluster: str, pool: str) -> PoolInfo:
        """One pool; NOT_FOUND when there is none."""
        return await self._read("get_node_pool", {"name": self._pool(location, cluster, pool)}, pool_info)

    async def get_operation(self, location: str, name: str) -> OperationInfo:
        """One operation as it stands."""
        wanted = f"{self._parent(location)}/operations/{name}"
        return await self._read("get_operation", {"name": wanted}, operation_info)

    async def list_operations(self, location: str = "-") -> tuple[OperationInfo, ...]:
        """Operations of the last days, running ones included."""
        request = {"parent": self._parent(location)}
        return await self._read("list_operations", request, lambda a: tuple(operation_info(o) for o in a.operations))

    async def server_config(self, location: str) -> ServerInfo:
        """What GKE offers in a location."""
        return await self._read("get_server_config", {"name": self._parent(location)}, server_info)

    async def create_cluster(self, target: Target, labels: Mapping[str, str]) -> OperationInfo:
        """Begin to create the target's cluster without its accelerators; EXISTS when the name is taken."""
        body = cluster_body(target, labels)
        return await self._change("create_cluster", {"parent": self._parent(target.zone), "cluster": body})

    async def create_node_pool(self, target: Target, labels: Mapping[str, str]) -> OperationInfo:
        """Begin to create the accelerator pool; BUSY while the cluster has another operation."""
        parent = self._cluster(target.zone, target.cluster)
        return await self._change("create_node_pool", {"parent": parent, "node_pool": pool_body(target, labels)})

    async def set_node_pool_size(self, location: str, cluster: str, pool: str, nodes: int) -> OperationInfo:
        """Nodes of the pool, 0 allowed."""
        name = self._pool(location, cluster, pool)
        return await self._change("set_node_pool_size", {"name": name, "node_count": nodes})

    async def set_node_pool_autoscaling(
        self, location: str, cluster: str, pool: str, scaling: Mapping[str, int | str] | None
    ) -> OperationInfo:
        """Switch the pool's autoscaler on with these settings (as `PoolInfo.scaling` tells them), or off with None."""
        wanted: dict[str, Any] = {"enabled": scaling is not None, **(scaling or {})}
        name = self._pool(location, cluster, pool)
        return await self._change("set_node_pool_autoscaling", {"name": name, "autoscaling": wanted})

    async def delete_node_pool(self, location: str, cluster: str, pool: str) -> OperationInfo:
        """Begin to delete a pool and its nodes."""
        return await self._change("delete_node_pool", {"name": self._pool(location, cluster, pool)})

    async def delete_cluster(self, location: str, name: str) -> OperationInfo:
        """Begin to delete a cluster with everything in it."""
        return await self._change("delete_cluster", {"name": self._cluster(location, name)})

    def _parent(self, location: str) -> str:
        return f"projects/{self._project}/locations/{location}"

    def _cluster(self, location: str, name: str) -> str:
        return f"{self._parent(location)}/clusters/{name}"

    def _pool(self, location: str, cluster: str, pool: str) -> str:
        return f"{self._cluster(location, cluster)}/nodePools/{pool}"

    async def _read(self, method: str, request: dict[str, Any], convert: Callable[[Any], T]) -> T:
        def send(**options: Any) -> T:
            return convert(getattr(self._connect(), method)(request=request, **options))

        return await read(send)

    async def _change(self, method: str, request: dict[str, Any]) -> OperationInfo:
        def send(**options: Any) -> OperationInfo:
            return operation_info(getattr(self._connect(), method)(request=request, **options))

        return await change(send)

    def _connect(self) -> Any:
        """The client, made on first use in a worker thread: its packages take 0.3 s to import."""
        with self._making:
            if self._client is None:
                who = credentials(self._endpoints)
                self._client = load("google.cloud.container_v1").ClusterManagerClient(
                    transport="rest",
                    credentials=who,
                    client_options={"api_endpoint": self._endpoints.container},
                )
            return self._client
