"""A stage for the data plane's tests: a cluster of real stores and logs, with the objects that KServe leaves behind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from aiohttp import web
from aiohttp.test_utils import TestServer

from rhaii_tui.practice.clock import CloudClock
from rhaii_tui.practice.kube.cluster import KubeCluster
from rhaii_tui.practice.traffic.gateway import Traffic
from rhaii_tui.practice.world import World

NS, SVC, GATEWAY_NS = "rhaii-inference", "qwen-3b-gpu-svc", "opendatahub"
MODEL = "Qwen/Qwen2.5-3B-Instruct"
POOL_GROUP = "inference.networking.k8s.io"
GPU_ARGS = (
    *("serve", "/mnt/models", "--served-model-name", MODEL, "--max-model-len", "4096", "--max-num-seqs=128"),
    *("--enable-prompt-tokens-details", "--ssl-certfile", "/var/run/kserve/tls/tls.crt"),
    *("--ssl-keyfile", "/var/run/kserve/tls/tls.key"),
)
GPU, TPU = {"nvidia.com/gpu": "1"}, {"google.com/tpu": "4"}
_CUSTOM = (
    ("gateway.networking.k8s.io", "v1", "Gateway"),
    ("gateway.networking.k8s.io", "v1", "HTTPRoute"),
    (POOL_GROUP, "v1", "InferencePool"),
    ("networking.istio.io", "v1", "DestinationRule"),
    ("networking.istio.io", "v1alpha3", "EnvoyFilter"),
)


def condition(kind: str) -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": "True"}]}


class Stage:
    """One service on one cluster. `replicas` and `pickers` are pods, Ready and serving unless a test says otherwise."""

    def __init__(self, folder: Path, profile: str) -> None:
        self.world = World(folder, CloudClock(60), "token")
        self.cluster = KubeCluster(self.world, "rhaii-cluster", "us-central1-a")
        self.world.clusters["rhaii-cluster"] = self.cluster
        self.store = self.cluster.store
        self.traffic = self.world.traffic = Traffic(self.world, profile)
        self.replicas: list[dict[str, Any]] = []
        self.picker: dict[str, Any] | None = None
        for group, version, kind in _CUSTOM:
            plural = kind.lower() + "s"
            names = {"kind": kind, "plural": plural, "singular": kind.lower()}
            spec = {
                "group": group,
                "names": names,
                "scope": "Namespaced",
                "versions": [{"name": version, "served": True, "storage": True}],
            }
            self.make("apiextensions.k8s.io/v1", "CustomResourceDefinition", None, f"{plural}.{group}", spec=spec)
        for namespace in (NS, GATEWAY_NS):
            self.make("v1", "Namespace", None, namespace)

    def make(self, api: str, kind: str, namespace: str | None, name: str, **fields: Any) -> dict[str, Any]:
        """Create an object with labels and any top-level fields."""
        meta: dict[str, Any] = {"name": name, "labels": fields.pop("labels", {})}
        if namespace:
            meta["namespace"] = namespace
        return self.store.create({"apiVersion": api, "kind": kind, "metadata": meta, **fields})

    def gateway(self, *, ca: bool = True) -> None:
        """A programmed gateway and its pod."""
        spec = {"gatewayClassName": "istio", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]}
        api = "gateway.networking.k8s.io/v1"
        self.make(api, "Gateway", GATEWAY_NS, "inference-gateway", spec=spec, status=condition("Programmed"))
        proxy: dict[str, Any] = {"name": "istio-proxy"}
        template: dict[str, Any] = {"containers": [proxy]}
        if ca:
            self.make("v1", "ConfigMap", GATEWAY_NS, "odh-ca-bundle", data={"ca.crt": "pem"})
            proxy["volumeMounts"] = [{"name": "ca", "mountPath": "/var/run/secrets/opendatahub"}]
            template["volumes"] = [{"name": "ca", "configMap": {"name": "odh-ca-bundle"}}]
        spec = {"template": {"spec": template}}
        self.make("apps/v1", "Deployment", GATEWAY_NS, "inference-gateway-istio", spec=spec)

    def service(self, *, pool: bool = True) -> None:
        """Route, pool, Services and DestinationRule, as KServe 0.15 makes them."""
        to_pool = {"group": POOL_GROUP, "kind": "InferencePool", "name": f"{SVC}-inference-pool", "port": 8000}
        to_service = {"kind": "Service", "name": f"{SVC}-kserve-workload-svc", "port": 8000}
        rules = [
            rule("/v1/completions", "/v1/completions", to_pool if pool else to_service),
            rule("/v1/chat/completions", "/v1/chat/completions", to_pool if pool else to_service),
            rule("", "/", to_service),
        ]
        parent = {"name": "inference-gateway", "namespace": GATEWAY_NS}
        spec: dict[str, Any] = {"parentRefs": [parent], "rules": rules}
        self.make("gateway.networking.k8s.io/v1", "HTTPRoute", NS, f"{SVC}-kserve-route", spec=spec)
        workload = {"app.kubernetes.io/name": SVC, "kserve.io/component": "workload"}
        spec = {"selector": workload, "ports": [{"port": 8000, "targetPort": 8000}]}
        self.make("v1", "Service", NS, f"{SVC}-kserve-workload-svc", spec=spec)
        spec = {
            "host": f"{SVC}-kserve-workload-svc.{NS}.svc.cluster.local",
            "trafficPolicy": {"tls": {"mode": "SIMPLE", "caCertificates": "/var/run/secrets/opendatahub/ca.crt"}},
        }
        self.make("networking.istio.io/v1", "DestinationRule", NS, f"{SVC}-kserve-workload-svc", spec=spec)
        if pool:
            spec = {
                "selector": {"matchLabels": workload},
                "targetPorts": [{"number": 8000}],
                "endpointPickerRef": {
                    "name": f"{SVC}-epp-service",
                    "port": {"number": 9002},
                    "failureMode": "FailOpen",
                },
            }
            self.make(f"{POOL_GROUP}/v1", "InferencePool", NS, f"{SVC}-inference-pool", spec=spec)
            spec = {"selector": {"app.kubernetes.io/component": "llminferenceservice-router-scheduler"}}
            self.make("v1", "Service", NS, f"{SVC}-epp-service", spec=spec)

    def workload(self, count: int, *, args: Iterable[str] = GPU_ARGS, limits: dict[str, str] | None = None) -> None:
        """Ready pods whose vLLM serves."""
        for number in range(len(self.replicas), len(self.replicas) + count):
            container = {"name": "main", "args": list(args), "resources": {"limits": limits or GPU}}
            labels = {"app.kubernetes.io/name": SVC, "kserve.io/component": "workload"}
            status = {"podIP": f"10.8.1.{number}", **condition("Ready")}
            pod = self.make(
                "v1",
                "Pod",
                NS,
                f"{SVC}-kserve-{number}",
                labels=labels,
                spec={"containers": [container]},
                status=status,
            )
            self.replicas.append(pod)
            self.traffic.engine_started(self.cluster, pod)

    def scheduler(self, *args: str) -> None:
        """A Ready scheduler pod whose picker answers."""
        labels = {"app.kubernetes.io/name": SVC, "app.kubernetes.io/component": "llminferenceservice-router-scheduler"}
        container = {"name": "main", "args": ["--pool-name", f"{SVC}-inference-pool", *args]}
        status = {"podIP": "10.8.2.1", **condition("Ready")}
        name = f"{SVC}-kserve-router-scheduler-0"
        self.picker = self.make("v1", "Pod", NS, name, labels=labels, spec={"containers": [container]}, status=status)
        self.traffic.picker_started(self.cluster, self.picker)

    def filter(self, header: str, route: str | None = None) -> None:
        """An EnvoyFilter that shows the upstream host in a response header."""
        vhost = {"route": {"name": route}} if route else {}
        patch = {
            "applyTo": "HTTP_ROUTE",
            "match": {"context": "GATEWAY", "routeConfiguration": {"vhost": vhost}},
            "patch": {
                "operation": "MERGE",
                "value": {"response_headers_to_add": [{"header": {"key": header, "value": "%UPSTREAM_HOST%"}}]},
            },
        }
        self.make("networking.istio.io/v1alpha3", "EnvoyFilter", GATEWAY_NS, "show", spec={"configPatches": [patch]})

    def unready(self, pod: dict[str, Any]) -> None:
        """Take a pod out of its endpoints."""

        def change(obj: dict[str, Any]) -> None:
            obj["status"]["conditions"][0]["status"] = "False"

        self.store.update("Pod", NS, pod["metadata"]["name"], change)

    def log(self, pod: dict[str, Any]) -> list[str]:
        """What a pod's main container has written."""
        return [text for _, text in self.cluster.logs.current(pod["metadata"]["uid"], "main").lines]

    @asynccontextmanager
    async def proxied(self) -> AsyncIterator[Callable[..., Any]]:
        """`get(pod, port, path)` through a server that hands requests to the pod proxy's entry."""

        async def handle(request: web.Request) -> web.StreamResponse:
            pod = self.store.get("Pod", NS, request.match_info["pod"])
            assert pod is not None
            try:
                port, path = int(request.match_info["port"]), request.match_info["path"]
                return await self.traffic.pod_request(self.cluster, pod, port, path, request)
            except ConnectionRefusedError:
                return web.Response(status=503, text="connection refused")

        app = web.Application()
        app.router.add_route("*", "/{pod}/{port}/{path:.*}", handle)
        async with TestServer(app) as server, httpx.AsyncClient(base_url=str(server.make_url("/"))) as client:

            async def get(pod: dict[str, Any], port: int, path: str) -> httpx.Response:
                return await client.get(f"/{pod['metadata']['name']}/{port}/{path}")

            yield get


def rule(path: str, rewrite: str, backend: dict[str, Any]) -> dict[str, Any]:
    """One rule of KServe's HTTPRoute."""
    return {
        "matches": [{"path": {"type": "PathPrefix", "value": f"/{NS}/{SVC}{path}"}}],
        "filters": [
            {
                "type": "URLRewrite",
                "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": rewrite}},
            }
        ],
        "backendRefs": [backend],
    }


@asynccontextmanager
async def stage(folder: Path, profile: str = "brief") -> AsyncIterator[tuple[Stage, httpx.AsyncClient]]:
    """An empty stage with its listener open, and a client whose base is the service's URL."""
    built = Stage(folder, profile)
    base = await built.traffic.start()
    try:
        async with httpx.AsyncClient(base_url=f"{base}/{NS}/{SVC}", timeout=30) as client:
            yield built, client
    finally:
        await built.traffic.stop()


def counter(text: str, name: str) -> float:
    """The sum over all series of one metric."""
    lines = [line for line in text.splitlines() if line.startswith((name + "{", name + " "))]
    return sum(float(line.rpartition(" ")[2]) for line in lines)
