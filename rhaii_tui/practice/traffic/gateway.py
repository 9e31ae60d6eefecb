"""The data plane of the practice cloud: the gateway's listener, and who serves behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster
    from rhaii_tui.practice.world import World


class Traffic:
    """One plain-HTTP listener on loopback for the inference gateways of every cluster; latency is real time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._runner: web.AppRunner | None = None
        self._engines: dict[str, tuple[KubeCluster, dict]] = {}  # type: ignore[type-arg]
        self._pickers: dict[str, tuple[KubeCluster, dict]] = {}  # type: ignore[type-arg]

    async def start(self) -> str:
        """Open the listener on an ephemeral port. Returns the base URL, also kept in `world.gateway_url`."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._world.gateway_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self._world.gateway_url

    async def stop(self) -> None:
        """Close the listener and every connection."""
        if self._runner:
            await self._runner.cleanup()

    def engine_started(self, cluster: KubeCluster, pod: dict) -> None:  # type: ignore[type-arg]
        """The vLLM of a workload pod serves on port 8000."""
        self._engines[pod["metadata"]["uid"]] = (cluster, pod)

    def engine_stopped(self, uid: str) -> None:
        """That vLLM is gone; its prefix cache with it."""
        self._engines.pop(uid, None)

    def picker_started(self, cluster: KubeCluster, pod: dict) -> None:  # type: ignore[type-arg]
        """The endpoint picker of a scheduler pod answers."""
        self._pickers[pod["metadata"]["uid"]] = (cluster, pod)

    def picker_stopped(self, uid: str) -> None:
        """That endpoint picker is gone; its index with it."""
        self._pickers.pop(uid, None)

    async def pod_request(
        self,
        cluster: KubeCluster,
        pod: dict,  # type: ignore[type-arg]
        port: int,
        path: str,
        request: web.Request,
    ) -> web.StreamResponse:
        """Answer the API server's pod proxy. Raises ConnectionRefusedError when nothing listens there."""
        raise ConnectionRefusedError(port)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=404, headers={"server": "istio-envoy"})
