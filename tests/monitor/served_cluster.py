"""A small Kubernetes API on a TLS socket whose objects, refusals and metrics a test writes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web

from rhaii_tui.clock import Clock
from rhaii_tui.endpoints import Endpoints, google_cloud
from rhaii_tui.kube.kinds import KINDS
from rhaii_tui.practice.kube.certificates import authority

NS, SVC = "demo", "chat"
Obj = dict[str, Any]
METRICS = """\
# TYPE process_start_time_seconds gauge
process_start_time_seconds {started}
vllm:num_requests_running{{engine="0",model_name="m"}} {running}
vllm:num_requests_waiting{{engine="0",model_name="m"}} 1
vllm:kv_cache_usage_perc{{engine="0",model_name="m"}} 0.25
vllm:prefix_cache_queries_total{{engine="0",model_name="m"}} {queries}
vllm:prefix_cache_hits_total{{engine="0",model_name="m"}} {hits}
vllm:generation_tokens_total{{engine="0",model_name="m"}} {tokens}
vllm:time_to_first_token_seconds_bucket{{engine="0",le="0.1",model_name="m"}} {fast}
vllm:time_to_first_token_seconds_bucket{{engine="0",le="0.5",model_name="m"}} {count}
vllm:time_to_first_token_seconds_bucket{{engine="0",le="+Inf",model_name="m"}} {count}
vllm:time_to_first_token_seconds_sum{{engine="0",model_name="m"}} {sum}
vllm:time_to_first_token_seconds_count{{engine="0",model_name="m"}} {count}
"""


def engine_text(
    *, started: float = 100, running: int = 2, queries: float = 0, hits: float = 0, tokens: float = 0, fast: float = 0,
    count: float = 0, sum: float = 0.0,
) -> str:  # fmt: skip
    """What a replica's `/metrics` says."""
    return METRICS.format(
        started=started, running=running, queries=queries, hits=hits, tokens=tokens, fast=fast, count=count, sum=sum
    )


class ServedCluster:
    """`forbidden` holds plurals that may not be read, and `pods/proxy`; `metrics` text or an HTTP status per pod."""

    def __init__(self, folder: Path) -> None:
        self._authority = authority("served")
        self.ca_pem = self._authority.ca_pem
        self.token_file = folder / "token"
        self.token_file.write_text("token")
        self.objects: dict[tuple[str, str, str], Obj] = {}
        self.forbidden: set[str] = set()
        self.expired = False
        """The token is refused."""
        self.metrics: dict[str, str | int] = {}
        self.proxied: list[str] = []
        self.address = ""
        self._version = 1
        self._watchers: list[tuple[str, str, asyncio.Queue[bytes]]] = []
        self._told: list[tuple[int, str, str, bytes]] = []
        """Version, kind, namespace and line of every change, for watches that begin in the past."""
        self._runner: web.AppRunner | None = None

    def endpoints(self) -> Endpoints:
        """With a fast clock, so that refusals are asked about again soon."""
        return replace(google_cloud(), token_file=self.token_file, trust_env=False, clock=Clock(60))

    async def start(self) -> None:
        """Listen; on the same port after `stop`."""
        app = web.Application()
        app.router.add_route("GET", "/{path:.*}", self._handle)
        port = int(self.address.rpartition(":")[2]) if self.address else 0
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        context = self._authority.server_context()
        await web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=context).start()
        self.address = f"127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Cut everything."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
            self._watchers.clear()

    def put(self, obj: Obj, change: str = "") -> Obj:
        """Store an object and tell the watchers; `change` DELETED takes it away."""
        self._version += 1
        kind, meta = obj["kind"], obj["metadata"]
        key = (kind, meta.get("namespace", ""), meta["name"])
        meta.setdefault("uid", f"uid-{kind}-{meta['name']}")
        meta.setdefault("creationTimestamp", "2026-11-20T10:00:00Z")
        meta["resourceVersion"] = str(self._version)
        known = key in self.objects
        if change == "DELETED":
            self.objects.pop(key, None)
        else:
            self.objects[key] = obj
        line = json.dumps({"type": change or ("MODIFIED" if known else "ADDED"), "object": obj}).encode() + b"\n"
        self._told.append((self._version, kind, meta.get("namespace", ""), line))
        for watched, namespace, queue in self._watchers:
            if watched == kind and namespace in ("", meta.get("namespace", "")):
                queue.put_nowait(line)
        return obj

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if self.expired:
            said = {"kind": "Status", "code": 401, "reason": "Unauthorized", "message": "Unauthorized"}
            return web.json_response(said, status=401)
        if "/proxy/" in path:
            return self._proxy(path)
        for kind in KINDS.values():
            namespace = path.split("/namespaces/")[1].split("/")[0] if "/namespaces/" in path else ""
            if path == kind.path(namespace or None):
                if kind.plural in self.forbidden:
                    return refusal("list", kind.plural, kind.group, namespace)
                return await self._collection(request, kind.name, namespace)
        return web.json_response({"kind": "Status", "code": 404, "message": f"{path} not found"}, status=404)

    async def _collection(self, request: web.Request, kind: str, namespace: str) -> web.StreamResponse:
        if request.query.get("watch") != "true":
            rows = [o for (k, n, _), o in self.objects.items() if k == kind and namespace in ("", n)]
            gateway = "gateway-name" in request.query.get("labelSelector", "")
            return web.json_response(
                {"metadata": {"resourceVersion": str(self._version)}, "items": [] if gateway else rows}
            )
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        if "gateway-name" not in request.query.get("labelSelector", ""):
            since = int(request.query.get("resourceVersion") or 0)
            for version, changed, where, line in self._told:
                if version > since and changed == kind and namespace in ("", where):
                    queue.put_nowait(line)
            self._watchers.append((kind, namespace, queue))
        while True:
            await response.write(await queue.get())

    def _proxy(self, path: str) -> web.Response:
        name = path.split("/pods/")[1].split("/")[0]
        self.proxied.append(name)
        scheme, pod, _ = name.split(":")
        if "pods/proxy" in self.forbidden:
            return refusal("get", "pods/proxy", "", NS)
        answer = self.metrics.get(pod, 503)
        if isinstance(answer, int):
            return web.json_response({"kind": "Status", "code": answer, "message": "no answer"}, status=answer)
        return web.Response(text=answer) if scheme == "https" else web.Response(status=503)


def refusal(verb: str, resource: str, group: str, namespace: str) -> web.Response:
    """A 403 in the API server's words."""
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    text = f'{resource} is forbidden: User "eve" cannot {verb} resource "{resource}" in API group "{group}" {where}'
    body = {"kind": "Status", "status": "Failure", "code": 403, "reason": "Forbidden", "message": text}
    return web.json_response(body, status=403)


def condition(name: str, status: str = "True", reason: str = "", message: str = "") -> Obj:
    """A condition."""
    return {"type": name, "status": status, "reason": reason, "message": message}


def service(replicas: int = 1, *, ready: str = "True", router: Obj | None = None, stopped: bool = False) -> Obj:
    """An LLMInferenceService."""
    marks = {"serving.kserve.io/stop": "true"} if stopped else {}
    return {
        "kind": "LLMInferenceService",
        "apiVersion": "serving.kserve.io/v1alpha1",
        "metadata": {"name": SVC, "namespace": NS, "annotations": marks},
        "spec": {"replicas": replicas, "model": {"name": "m"}, **({"router": router} if router is not None else {})},
        "status": {"url": "http://10.0.0.1/demo/chat", "conditions": [condition("Ready", ready)]},
    }


def pod(name: str, *, ready: bool = True, node: str = "node-1", restarts: int = 0) -> Obj:
    """A replica."""
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "name": name,
            "namespace": NS,
            "labels": {
                "app.kubernetes.io/name": SVC,
                "app.kubernetes.io/part-of": "llminferenceservice",
                "kserve.io/component": "workload",
            },
        },
        "spec": {"nodeName": node, "containers": [{"name": "main"}]},
        "status": {
            "phase": "Running",
            "conditions": [condition("Ready", "True" if ready else "False")],
            "containerStatuses": [{"name": "main", "ready": ready, "restartCount": restarts, "state": {"running": {}}}],
        },
    }


def gpu_node(name: str) -> Obj:
    """A T4 node as GKE labels it."""
    return {
        "kind": "Node",
        "apiVersion": "v1",
        "metadata": {
            "name": name,
            "labels": {
                "cloud.google.com/gke-accelerator": "nvidia-tesla-t4",
                "cloud.google.com/gke-accelerator-count": "1",
                "cloud.google.com/gke-nodepool": "gpu-pool",
                "node.kubernetes.io/instance-type": "n1-standard-4",
                "topology.kubernetes.io/region": "us-central1",
            },
        },
        "spec": {},
        "status": {
            "conditions": [condition("Ready")],
            "allocatable": {"nvidia.com/gpu": "1"},
            "capacity": {"nvidia.com/gpu": "1"},
        },
    }
