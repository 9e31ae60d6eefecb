"""Routes of container.googleapis.com v1, under both spellings of a place (`locations` and the older `zones`)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from rhaii_tui.practice.google import admission
from rhaii_tui.practice.google.errors import GoogleError
from rhaii_tui.practice.google.gke import KubernetesEngine
from rhaii_tui.practice.google.messages import parse
from rhaii_tui.practice.google.operations import Operation
from rhaii_tui.practice.google.records import VERSION, Cluster
from rhaii_tui.practice.world import PROJECT

PACKAGE = "container_v1"
_PLACE = r"/v1/projects/{project}/{kind:locations|zones}/{location}"
_CLUSTER = _PLACE + r"/clusters/{cluster:[^:/]+}"
_POOL = _CLUSTER + r"/nodePools/{pool:[^:/]+}"


class Container:
    """Reads requests, asks the engine, writes answers."""

    def __init__(self, engine: KubernetesEngine) -> None:
        self._engine = engine

    def add_to(self, app: web.Application) -> None:
        """Register every route."""
        for method, path, handler in (
            ("GET", _PLACE + "/clusters", self._list_clusters),
            ("POST", _PLACE + "/clusters", self._create_cluster),
            ("GET", _CLUSTER, self._get_cluster),
            ("PUT", _CLUSTER, self._update_cluster),
            ("DELETE", _CLUSTER, self._delete_cluster),
            ("POST", _CLUSTER + ":setResourceLabels", self._set_labels),
            ("POST", _CLUSTER + "/resourceLabels", self._set_labels),
            ("GET", _CLUSTER + "/nodePools", self._list_pools),
            ("POST", _CLUSTER + "/nodePools", self._create_pool),
            ("GET", _POOL, self._get_pool),
            ("DELETE", _POOL, self._delete_pool),
            ("POST", _POOL + ":setSize", self._set_size),
            ("POST", _POOL + "/setSize", self._set_size),
            ("POST", _POOL + ":setAutoscaling", self._set_autoscaling),
            ("POST", _POOL + "/autoscaling", self._set_autoscaling),
            ("GET", _PLACE + "/{_:serverConfig|serverconfig}", self._server_config),
            ("GET", _PLACE + "/operations", self._list_operations),
            ("GET", _PLACE + "/operations/{operation:[^:/]+}", self._get_operation),
            ("POST", _PLACE + "/operations/{operation:[^:/]+}:cancel", self._cancel_operation),
        ):
            app.router.add_route(method, path, handler)

    def _place(self, request: web.Request) -> str:
        admission.check_project(request.match_info["project"])
        self._engine.check_enabled()
        return request.match_info["location"]

    def _cluster(self, request: web.Request) -> Cluster:
        return self._engine.cluster(self._place(request), request.match_info["cluster"])

    async def _list_clusters(self, request: web.Request) -> web.Response:
        clusters = [c.view() for c in self._engine.clusters(self._place(request))]
        return web.json_response({"clusters": clusters} if clusters else {})

    async def _get_cluster(self, request: web.Request) -> web.Response:
        return web.json_response(self._cluster(request).view())

    async def _create_cluster(self, request: web.Request) -> web.Response:
        location = self._place(request)
        body = await parse(request, PACKAGE, "CreateClusterRequest")
        return _answer(self._engine.create_cluster(location, body.get("cluster", {})))

    async def _delete_cluster(self, request: web.Request) -> web.Response:
        return _answer(self._engine.delete_cluster(self._place(request), request.match_info["cluster"]))

    async def _update_cluster(self, request: web.Request) -> web.Response:
        location = self._place(request)
        body = await parse(request, PACKAGE, "UpdateClusterRequest")
        update = body.get("update", {})
        pool_name = update.get("desiredNodePoolId", "")
        if pool_name and "desiredNodePoolAutoscaling" in update:
            return self._autoscale(request, location, pool_name, update["desiredNodePoolAutoscaling"])
        gateway = update.get("desiredGatewayApiConfig")
        if gateway is None:
            raise GoogleError(400, "Must specify a field to update.")

        def change(cluster: Cluster) -> None:
            cluster.record["networkConfig"]["gatewayApiConfig"] = gateway

        name = request.match_info["cluster"]
        return _answer(self._engine.change_cluster(location, name, "UPDATE_CLUSTER", change))

    async def _set_labels(self, request: web.Request) -> web.Response:
        location = self._place(request)
        body = await parse(request, PACKAGE, "SetLabelsRequest")
        if body.get("labelFingerprint") != self._cluster(request).record["labelFingerprint"]:
            raise GoogleError(400, "Labels could not be set due to fingerprint mismatch.", status="FAILED_PRECONDITION")

        def change(cluster: Cluster) -> None:
            cluster.record["resourceLabels"] = body.get("resourceLabels", {})

        return _answer(self._engine.change_cluster(location, request.match_info["cluster"], "UPDATE_CLUSTER", change))

    async def _list_pools(self, request: web.Request) -> web.Response:
        return web.json_response({"nodePools": [p.view() for p in self._cluster(request).pools.values()]})

    async def _get_pool(self, request: web.Request) -> web.Response:
        return web.json_response(self._cluster(request).pool(request.match_info["pool"]).view())

    async def _create_pool(self, request: web.Request) -> web.Response:
        location = self._place(request)
        body = await parse(request, PACKAGE, "CreateNodePoolRequest")
        pool = body.get("nodePool", {})
        return _answer(self._engine.create_pool(location, request.match_info["cluster"], pool))

    async def _delete_pool(self, request: web.Request) -> web.Response:
        match = request.match_info
        return _answer(self._engine.delete_pool(self._place(request), match["cluster"], match["pool"]))

    async def _set_size(self, request: web.Request) -> web.Response:
        location, match = self._place(request), request.match_info
        body = await parse(request, PACKAGE, "SetNodePoolSizeRequest")
        count = int(body.get("nodeCount", 0))  # proto3 leaves a zero off the wire
        return _answer(self._engine.resize_pool(location, match["cluster"], match["pool"], count))

    async def _set_autoscaling(self, request: web.Request) -> web.Response:
        location = self._place(request)
        body = await parse(request, PACKAGE, "SetNodePoolAutoscalingRequest")
        return self._autoscale(request, location, request.match_info["pool"], body.get("autoscaling", {}))

    def _autoscale(self, request: web.Request, location: str, pool: str, scaling: dict[str, Any]) -> web.Response:
        self._cluster(request).pool(pool)

        def change(cluster: Cluster) -> None:
            cluster.pool(pool).record["autoscaling"] = scaling

        name = request.match_info["cluster"]
        return _answer(self._engine.change_cluster(location, name, "UPDATE_CLUSTER", change))

    async def _server_config(self, request: web.Request) -> web.Response:
        location = self._place(request)
        if location != "-":
            admission.check_location(location)
        rapid, stable = "1.34.1-gke.3971001", "1.32.9-gke.1326000"
        channels = (("RAPID", rapid), ("REGULAR", VERSION), ("STABLE", stable))
        versions = [rapid, VERSION, stable]
        return web.json_response(
            {
                "defaultClusterVersion": VERSION,
                "validMasterVersions": versions,
                "validNodeVersions": versions,
                "defaultImageType": "COS_CONTAINERD",
                "validImageTypes": ["COS_CONTAINERD", "UBUNTU_CONTAINERD"],
                "channels": [{"channel": c, "defaultVersion": v, "validVersions": [v]} for c, v in channels],
            }
        )

    async def _list_operations(self, request: web.Request) -> web.Response:
        operations = [o.record for o in self._engine.operations.list(self._place(request))]
        return web.json_response({"operations": operations} if operations else {})

    async def _get_operation(self, request: web.Request) -> web.Response:
        return web.json_response(self._operation(request).record)

    async def _cancel_operation(self, request: web.Request) -> web.Response:
        operation = self._operation(request)
        text = f"Operation type {operation.type} cannot be cancelled"
        raise GoogleError(400, text, status="FAILED_PRECONDITION", reason="failedPrecondition")

    def _operation(self, request: web.Request) -> Operation:
        location = self._place(request)
        parent = f"projects/{PROJECT}/locations/{location}"
        return self._engine.operations.get(request.match_info["operation"], location, parent)


def _answer(operation: Operation) -> web.Response:
    return web.json_response(operation.record)
