"""The data plane of the practice cloud: the gateway's listener, and who serves behind it."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from aiohttp import web

from rhaii_tui.practice.traffic import envoy
from rhaii_tui.practice.traffic.engine_args import engine_args
from rhaii_tui.practice.traffic.exchange import Answer, Call, ConnectionLost, send
from rhaii_tui.practice.traffic.extproc import asks_picker
from rhaii_tui.practice.traffic.objects import Object, has_sidecar, key
from rhaii_tui.practice.traffic.picker import MARKER, Picker, Refusal, Replica
from rhaii_tui.practice.traffic.policies import KONNECTIVITY, enters, gateway_pod, reaches
from rhaii_tui.practice.traffic.pressure import Pressure
from rhaii_tui.practice.traffic.routes import Match, listening, match
from rhaii_tui.practice.traffic.timing import Jitter, Timing, timing
from rhaii_tui.practice.traffic.upstreams import Backend, lacks_ca, picker_pods, resolve
from rhaii_tui.practice.traffic.vllm import VllmServer

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster
    from rhaii_tui.practice.world import World

# Envoy's default buffer per connection; eight times the longest prompt the models take.
_BODY_LIMIT = 1 << 20
GRPC_PORT, WORKLOAD_PORT = 9002, 8000
# Cloud seconds until Istio gives a connection up that nobody answers.
CONNECT_TIMEOUT = 10.0
# Seconds that a sidecar adds to an answer: TLS inside TLS, 1.4 s instead of 0.4 in the field (September 2026).
SIDECAR = 0.95
# Wall seconds, as latency is: between two looks whether a replica that ends still has requests; the longest answers
# take less than the grace period of 30 s.
_BETWEEN_LOOKS, _LONGEST_DRAIN = 0.2, 25.0


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
        self._under_way: Counter[str] = Counter()
        self._pressure: Pressure | None = None

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
        server = VllmServer(args, own, rng, lambda text: cluster.logs.write(uid, "main", text))
        server.engine.pressure = self._pressure
        self._servers[uid] = server

    def engine_stopped(self, uid: str) -> None:
        """That vLLM is gone; its prefix cache with it."""
        server = self._servers.pop(uid, None)
        if server is not None:
            server.stop()

    async def engine_drained(self, uid: str) -> None:
        """Until that vLLM, which has been told to end, has answered what it was asked (uvicorn's graceful shutdown)."""
        limit = monotonic() + _LONGEST_DRAIN
        await asyncio.sleep(_BETWEEN_LOOKS)
        while (server := self._servers.get(uid)) is not None and monotonic() < limit:
            if not (self._under_way[uid] or server.engine.running or server.engine.waiting):
                return
            await asyncio.sleep(_BETWEEN_LOOKS)

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
        if self._silent(pod) or not enters(cluster, KONNECTIVITY, pod, port):
            await self._world.clock.sleep(CONNECT_TIMEOUT)
            raise TimeoutError
        if picker is not None and self._hangs(pod):
            raise ConnectionRefusedError(port)
        if picker is not None:
            replicas = self._replicas(cluster, pod, self._pool_of(cluster, pod))
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
            upstream = self._choose(found, backend, pods, call)
        except Refusal as refusal:
            return Answer(400, str(refusal).encode(), {"content-type": "text/plain"}), {}
        if upstream is None:
            return envoy.BAD_BACKEND, {}
        uid = upstream.pod["metadata"]["uid"]
        self._under_way[uid] += 1
        try:
            return await self._carry(found, upstream, call)
        finally:
            self._under_way[uid] -= 1
            if not self._under_way[uid]:
                del self._under_way[uid]

    async def _carry(self, found: Match, upstream: Upstream, call: Call) -> tuple[Answer, dict[str, str]]:
        """Over the network to the chosen endpoint."""
        if self._silent(upstream.pod) or not enters(
            found.cluster, gateway_pod(found.gateway), upstream.pod, upstream.port
        ):
            await self._world.clock.sleep(CONNECT_TIMEOUT)
            return envoy.TIMED_OUT, {}
        extra = SIDECAR if has_sidecar(upstream.pod) else 0.0
        await asyncio.sleep((upstream.timing.net + extra) * self._jitter.factor())
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

    def _choose(self, found: Match, backend: Backend, pods: Sequence[Object], call: Call) -> Upstream | None:
        """By the endpoint picker, or at random where none is asked or it fails open; None when it fails closed."""
        cluster, picker = found.cluster, None
        if backend.picker_service and asks_picker(found, self._world.faults):
            picker_pod = self._picker_pod(found, backend)
            if picker_pod is None and not backend.fails_open:
                return None
            picker = self._pickers[picker_pod["metadata"]["uid"]] if picker_pod else None
        model = ""
        if picker is None or picker_pod is None:
            pod = self._rng.choice(pods)
        else:
            replicas = self._replicas(cluster, picker_pod, pods)
            replica, model = picker.pick(call, replicas, lambda name: _exists(cluster, name))
            pod = replica.pod
        server = self._servers.get(pod["metadata"]["uid"])
        accelerator = server.args.accelerator if server else "gpu"
        return Upstream(
            pod, backend.port, server, timing(self._profile, accelerator, alone=len(pods) == 1), picker, model
        )

    def _picker_pod(self, found: Match, backend: Backend) -> Object | None:
        """The pod whose picker answers the gateway: running, Ready behind its Service, within reach, not hanging.

        A sidecar in front of it ends the gateway's TLS with a certificate of its own: the call fails.
        """
        proxy = gateway_pod(found.gateway)
        for pod in picker_pods(found.cluster, backend):
            if self._hangs(pod) or self._silent(pod) or has_sidecar(pod):
                continue
            if pod["metadata"]["uid"] in self._pickers and enters(found.cluster, proxy, pod, GRPC_PORT):
                return pod
        return None

    def _hangs(self, picker_pod: Object) -> bool:
        """Whether "epp-dead" has hit this picker; a pod that takes its place is well."""
        service = (picker_pod["metadata"].get("labels") or {}).get("app.kubernetes.io/name", "")
        return self._world.faults.claims("epp-dead", f"picker of {service}", picker_pod["metadata"]["uid"])

    def _silent(self, pod: Object) -> bool:
        return self._world.faults.struck("node-lost", "node", str(pod["spec"].get("nodeName")))

    def press(self, pressure: Pressure | None) -> None:
        """Put foreign load on every engine, those to come too; None takes it away."""
        self._pressure = pressure
        for server in self._servers.values():
            server.engine.pressure = pressure

    def servers(self) -> list[VllmServer]:
        """The engines that serve now."""
        return list(self._servers.values())

    async def visit(self, path: str, body: bytes) -> int:
        """A POST of a client inside this process, through the gateway. Returns the status."""
        found = match(tuple(self._world.clusters.values()), "POST", path, {})
        if found is None:
            return 404
        answer, _ = await self._route(found, Call("POST", found.path, body, str(uuid.uuid4())))
        if not isinstance(answer.body, bytes):
            async with aclosing(answer.body) as parts:
                async for _ in parts:
                    pass
        return answer.status

    def _replicas(self, cluster: KubeCluster, picker_pod: Object, pods: Sequence[Object]) -> list[Replica]:
        """Candidates as a picker sees them: those it cannot scrape have no engine."""
        servers = [
            self._servers.get(pod["metadata"]["uid"]) if reaches(cluster, picker_pod, pod, WORKLOAD_PORT) else None
            for pod in pods
        ]
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
