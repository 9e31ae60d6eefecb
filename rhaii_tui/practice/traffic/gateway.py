"""The data plane of the practice cloud: the gateway's listener, and who serves behind it."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from aiohttp import web

from rhaii_tui.practice.traffic import envoy
from rhaii_tui.practice.traffic.engine_args import engine_args
from rhaii_tui.practice.traffic.exchange import Answer, Call, ConnectionLost, send
from rhaii_tui.practice.traffic.objects import Object, key
from rhaii_tui.practice.traffic.picker import MARKER, Picker, Refusal, Replica
from rhaii_tui.practice.traffic.routes import Match, listening, match
from rhaii_tui.practice.traffic.timing import Jitter, Timing, timing
from rhaii_tui.practice.traffic.upstreams import Backend, lacks_ca, picker_pods, resolve
from rhaii_tui.practice.traffic.vllm import VllmServer

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster
    from rhaii_tui.practice.world import World

# Envoy's default buffer per connection; eight times the longest prompt the models take.
_BODY_LIMIT = 1 << 20
# Wall seconds, as latency is: requests that were sent to a replica before it left its pool arrive within a moment;
# the longest answers take less than the grace period of 30 s.
_ON_THE_WAY, _LONGEST_DRAIN = 0.2, 25.0


@dataclass(frozen=True)
class Upstream:
    """The endpoint a request goes to: `headers` are what the picker adds to the response."""

    pod: Object
    port: int
    server: VllmServer | None
    timing: Timing
    picker: Picker | None
    model: str

    @property
    def address(self) -> str:
        """`ip:port`, as Envoy's %UPSTREAM_HOST% gives it."""
        return f"{self.pod['status']['podIP']}:{self.port}"


class Traffic:
    """One plain-HTTP listener on loopback for the inference gateways of every cluster; latency is real time.

    `profile` is the timing of timing.py: "field" (measured on the real stack) or "brief" (the design goals).
    """

    def __init__(self, world: World, profile: str = "field") -> None:
        self._world = world
        self._profile = profile
        self._rng = random.Random(world.rng.random())
        self._jitter = Jitter(self._rng)
        self._runner: web.AppRunner | None = None
        self._servers: dict[str, VllmServer] = {}
        self._pickers: dict[str, Picker] = {}

    async def start(self) -> str:
        """Open the listener on an ephemeral port. Returns the base URL, also kept in `world.gateway_url`."""
        app = web.Application(client_max_size=_BODY_LIMIT)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._world.gateway_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self._world.gateway_url

    async def stop(self) -> None:
        """Close the listener and every connection."""
        for server in self._servers.values():
            server.stop()
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    def engine_started(self, cluster: KubeCluster, pod: Object) -> None:
        """The vLLM of a workload pod serves with an empty prefix cache."""
        uid = pod["metadata"]["uid"]
        self.engine_stopped(uid)
        args = engine_args(cluster, pod)
        own = timing(self._profile, args.accelerator, alone=False)
        rng = random.Random(self._rng.random())
        self._servers[uid] = VllmServer(args, own, rng, lambda text: cluster.logs.write(uid, "main", text))

    def engine_stopped(self, uid: str) -> None:
        """That vLLM is gone; its prefix cache with it."""
        server = self._servers.pop(uid, None)
        if server is not None:
            server.stop()

    async def engine_drained(self, uid: str) -> None:
        """Until that vLLM, which has been told to end, has answered what it was asked (uvicorn's graceful shutdown)."""
        limit = monotonic() + _LONGEST_DRAIN
        await asyncio.sleep(_ON_THE_WAY)
        while (server := self._servers.get(uid)) is not None and monotonic() < limit:
            if not (server.engine.running or server.engine.waiting):
                return
            await asyncio.sleep(_ON_THE_WAY)

    def picker_started(self, cluster: KubeCluster, pod: Object) -> None:
        """The endpoint picker of a scheduler pod answers, with an empty index."""
        uid = pod["metadata"]["uid"]
        rng = random.Random(self._rng.random())
        log = cluster.logs.write
        self._pickers[uid] = Picker(pod, self._world.clock, rng, lambda text: log(uid, "main", text))

    def picker_stopped(self, uid: str) -> None:
        """That endpoint picker is gone; its index with it."""
        self._pickers.pop(uid, None)

    async def pod_request(
        self, cluster: KubeCluster, pod: Object, port: int, path: str, request: web.Request
    ) -> web.StreamResponse:
        """Answer the API server's pod proxy. Raises ConnectionRefusedError when nothing listens on that port."""
        uid = pod["metadata"]["uid"]
        target = "/" + path.lstrip("/")
        if request.query_string and "?" not in target:
            target = f"{target}?{request.query_string}"
        call = Call(request.method, target, await request.read(), str(uuid.uuid4()))
        picker, server = self._pickers.get(uid), self._servers.get(uid)
        if picker is not None and not self._world.faults.on("epp-dead"):
            replicas = self._replicas(self._pool_of(cluster, pod))
            authorization = request.headers.get("authorization", "")
            return await send(request, picker.answer(port, call, authorization, replicas), {})
        if server is None or port != server.args.port:
            raise ConnectionRefusedError(port)
        try:
            answer = await server.answer(call)
        except ConnectionLost as error:
            raise ConnectionRefusedError(port) from error
        return await send(request, answer, {"server": "uvicorn"})

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        clusters = tuple(self._world.clusters.values())
        if not listening(clusters):
            # No gateway has an address yet; the nearest that one shared listener can come to a refused connection.
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return await send(request, envoy.TOO_LARGE, envoy.SERVER)
        found = match(clusters, request.method, request.raw_path, request.headers)
        if found is None:
            return await send(request, envoy.NO_ROUTE, envoy.SERVER)
        request_id = request.headers.get("x-request-id") or str(uuid.uuid4())
        call = Call(request.method, found.path, body, request_id)
        answer, headers = await self._route(found, call)
        return await send(request, answer, {**headers, **envoy.SERVER, "x-request-id": request_id})

    async def _route(self, found: Match, call: Call) -> tuple[Answer, dict[str, str]]:
        """Through the filters of the route to an endpoint. Also the headers the data plane adds."""
        backend = self._backend(found)
        if backend is None:
            return envoy.BAD_BACKEND, {}
        pods = backend.ready_pods(found.cluster)
        if not pods:
            return envoy.NO_HEALTHY_UPSTREAM, {}
        if lacks_ca(found.cluster, found.gateway, backend):
            return envoy.NO_CA, {}
        try:
            upstream = self._choose(found.cluster, backend, pods, call)
        except Refusal as refusal:
            return Answer(400, str(refusal).encode(), {"content-type": "text/plain"}), {}
        if upstream is None:
            return envoy.BAD_BACKEND, {}
        await asyncio.sleep(upstream.timing.net * self._jitter.factor())
        return await self._forward(found, upstream, call)

    async def _forward(self, found: Match, upstream: Upstream, call: Call) -> tuple[Answer, dict[str, str]]:
        server = upstream.server
        if server is None or server.args.port != upstream.port:
            return envoy.REFUSED, {}
        if not server.args.tls:
            return envoy.PLAIN_UPSTREAM, {}
        began = monotonic()
        try:
            answer = await server.answer(call, upstream.timing)
        except ConnectionLost:
            return envoy.RESET, {}
        seconds = monotonic() - began
        headers = envoy.added_headers(found, upstream.address)
        headers["x-envoy-upstream-service-time"] = str(round(seconds * 1000))
        if upstream.picker is not None:
            headers |= MARKER
            upstream.picker.metrics.answered(upstream.model, seconds)
        return answer, headers

    def _backend(self, found: Match) -> Backend | None:
        if not found.backends:
            return None
        weights = [int(reference.get("weight", 1)) for reference in found.backends]
        if not any(weights):
            return None
        reference = self._rng.choices(found.backends, weights)[0]
        return resolve(found.cluster, found.namespace, reference)

    def _choose(self, cluster: KubeCluster, backend: Backend, pods: Sequence[Object], call: Call) -> Upstream | None:
        """By the endpoint picker, or at random where none is asked or it fails open; None when it fails closed."""
        picker = self._picker(cluster, backend)
        if picker is None and backend.picker_service and not backend.fails_open:
            return None
        model = ""
        if picker is None:
            pod = self._rng.choice(pods)
        else:
            replica, model = picker.pick(call, self._replicas(pods), lambda name: _exists(cluster, name))
            pod = replica.pod
        server = self._servers.get(pod["metadata"]["uid"])
        accelerator = server.args.accelerator if server else "gpu"
        return Upstream(
            pod, backend.port, server, timing(self._profile, accelerator, alone=len(pods) == 1), picker, model
        )

    def _picker(self, cluster: KubeCluster, backend: Backend) -> Picker | None:
        """The picker that answers for a pool: running, Ready behind its Service, not dead."""
        if not backend.picker_service or self._world.faults.on("epp-dead"):
            return None
        pickers = [self._pickers.get(pod["metadata"]["uid"]) for pod in picker_pods(cluster, backend)]
        return next((picker for picker in pickers if picker is not None), None)

    def _replicas(self, pods: Sequence[Object]) -> list[Replica]:
        servers = [self._servers.get(pod["metadata"]["uid"]) for pod in pods]
        return [Replica(p, server.engine if server else None) for p, server in zip(pods, servers, strict=True)]

    def _pool_of(self, cluster: KubeCluster, picker_pod: Object) -> list[Object]:
        """The Ready pods of the pool that a picker's pod serves."""
        namespace = picker_pod["metadata"]["namespace"]
        for kind in ("InferencePool", "InferencePool.inference.networking.x-k8s.io"):
            for pool in cluster.store.list(kind, namespace):
                group = pool["apiVersion"].partition("/")[0]
                reference = {"kind": "InferencePool", "group": group, "name": pool["metadata"]["name"]}
                backend = resolve(cluster, namespace, reference)
                if backend and any(key(pod) == key(picker_pod) for pod in picker_pods(cluster, backend)):
                    return backend.ready_pods(cluster)
        return []


def _exists(cluster: KubeCluster, pod_key: str) -> bool:
    namespace, _, name = pod_key.partition("/")
    return cluster.store.get("Pod", namespace, name) is not None
