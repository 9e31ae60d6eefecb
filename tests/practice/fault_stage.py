"""A deployment on a running practice cloud, asked as its users ask; faults are switched over the control path."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

import httpx
import yaml

Obj = dict[str, Any]
NS, PATIENCE = "rhaii-inference", 25.0
MARKER = "x-went-into-resp-headers"
KINDS = {
    "Pod": "/api/v1/pods",
    "Node": "/api/v1/nodes",
    "Event": "/api/v1/events",
    "Service": "/api/v1/services",
    "Secret": "/api/v1/secrets",
    "Namespace": "/api/v1/namespaces",
    "ConfigMap": "/api/v1/configmaps",
    "Deployment": "/apis/apps/v1/deployments",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/networkpolicies",
    "Gateway": "/apis/gateway.networking.k8s.io/v1/gateways",
    "HTTPRoute": "/apis/gateway.networking.k8s.io/v1/httproutes",
    "EnvoyFilter": "/apis/networking.istio.io/v1alpha3/envoyfilters",
    "LLMInferenceService": "/apis/serving.kserve.io/v1alpha1/llminferenceservices",
}


class Deployed:
    """One cluster with one service. Everything is read anew with each call."""

    def __init__(self, descriptor: Obj) -> None:
        config = yaml.safe_load(Path(descriptor["kubeconfig"]).read_text())
        chosen = next(c for c in config["contexts"] if c["name"] == config["current-context"])["context"]["cluster"]
        cluster = next(c for c in config["clusters"] if c["name"] == chosen)["cluster"]
        self.control, self.google, self.url = descriptor["control"], descriptor["google"], ""
        self.place = chosen.split("_")[2:]
        headers = {"Authorization": "Bearer " + Path(descriptor["token_file"]).read_text().strip()}
        context = ssl.create_default_context(cadata=_pem(cluster["certificate-authority-data"]))
        self.api = httpx.AsyncClient(base_url=cluster["server"], headers=headers, verify=context, timeout=PATIENCE)
        self.web = httpx.AsyncClient(timeout=PATIENCE)
        self.project = descriptor["project"]

    async def close(self) -> None:
        await self.api.aclose()
        await self.web.aclose()

    async def switch(self, fault: str, on: bool) -> None:
        answer = await self.web.post(f"{self.control}/faults/{fault}", json={"on": on})
        assert answer.status_code == 200, answer.text

    async def active(self) -> list[str]:
        answer = await self.web.get(f"{self.control}/faults")
        return [f["name"] for f in answer.json()["faults"] if f["on"]]

    @contextlib.asynccontextmanager
    async def broken(self, fault: str) -> AsyncIterator[None]:
        """With one fault on; afterwards, healthy again."""
        await self.switch(fault, True)
        try:
            yield
        finally:
            await self.switch(fault, False)
        await self.healed()

    async def healed(self) -> None:
        """Wait until everything is as the setup left it: replicas, conditions, answers, picked by the picker."""
        await self.until(self._healthy, "Pod", "LLMInferenceService", "Node")
        limit = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(httpx.TransportError):
                health, answer = await self.health(), await self.complete()
                if health.status_code == answer.status_code == 200 and MARKER in answer.headers:
                    return
            assert time.monotonic() < limit, "it does not answer as it did"

    async def _healthy(self) -> bool:
        service, pods = await self.service(), await self.replicas()
        whole = all(len(p["spec"]["containers"]) == 1 for p in pods)
        true = all(c["status"] == "True" for c in service["status"]["conditions"])
        return len(pods) == ready(pods) == service["spec"]["replicas"] and whole and true

    async def unready(self) -> Obj | None:
        """A replica that is bound to a node and not Ready."""
        pods = [p for p in await self.replicas() if not ready([p]) and "deletionTimestamp" not in p["metadata"]]
        return next((p for p in pods if p["spec"].get("nodeName")), None)

    async def list(self, kind: str, namespace: str = "") -> list[Obj]:
        answer = await self.api.get(KINDS[kind])
        assert answer.status_code == 200, answer.text
        items: list[Obj] = answer.json()["items"]
        return [i for i in items if not namespace or i["metadata"].get("namespace") == namespace]

    async def get(self, kind: str, namespace: str, name: str) -> Obj:
        return next(o for o in await self.list(kind, namespace) if o["metadata"]["name"] == name)

    async def service(self) -> Obj:
        return (await self.list("LLMInferenceService"))[0]

    async def replicas(self) -> list[Obj]:
        return [
            p for p in await self.list("Pod", NS) if p["metadata"]["labels"].get("kserve.io/component") == "workload"
        ]

    async def picker(self) -> Obj:
        role = "llminferenceservice-router-scheduler"
        pods = await self.list("Pod", NS)
        return next(p for p in pods if p["metadata"]["labels"].get("app.kubernetes.io/component") == role)

    async def log(self, pod: Obj, container: str = "main", *, previous: bool = False) -> str:
        meta = pod["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/log"
        answer = await self.api.get(path, params={"container": container, "previous": str(previous).lower()})
        return answer.text

    async def metrics(self, pod: Obj, port: int = 8000) -> httpx.Response:
        meta = pod["metadata"]
        return await self.api.get(f"/api/v1/namespaces/{NS}/pods/https:{meta['name']}:{port}/proxy/metrics")

    async def messages(self, reason: str) -> list[str]:
        return [e.get("message", "") for e in await self.list("Event") if e["reason"] == reason]

    async def patch(self, kind: str, namespace: str, name: str, body: Obj) -> httpx.Response:
        head, _, plural = KINDS[kind].rpartition("/")
        place = f"{head}/namespaces/{namespace}/{plural}" if namespace else f"{head}/{plural}"
        kinds = {"Content-Type": "application/merge-patch+json"}
        return await self.api.patch(f"{place}/{name}", content=json.dumps(body), headers=kinds)

    async def delete(self, kind: str, namespace: str, name: str) -> None:
        head, _, plural = KINDS[kind].rpartition("/")
        await self.api.delete(f"{head}/namespaces/{namespace}/{plural}/{name}")

    async def complete(self, prompt: str = "Tell me about routing. " * 20) -> httpx.Response:
        body = {"model": "Qwen/Qwen2.5-3B-Instruct", "prompt": prompt, "max_tokens": 2}
        return await self.web.post(f"{self.url}/v1/completions", json=body)

    async def health(self) -> httpx.Response:
        return await self.web.get(f"{self.url}/health")

    async def gke(self, path: str = "") -> Obj:
        name, zone = self.place[1], self.place[0]
        parent = f"{self.google}/v1/projects/{self.project}/locations/{zone}"
        answer = await self.web.get(f"{parent}{path}" if path.startswith("/op") else f"{parent}/clusters/{name}{path}")
        found: Obj = answer.json()
        return found

    async def until(self, good: Callable[[], Any], *kinds: str) -> Any:
        """Wait until `good` (async) returns something true, looking again at every change of `kinds`."""
        limit = time.monotonic() + PATIENCE
        async with contextlib.AsyncExitStack() as streams:
            watches = [await streams.enter_async_context(self._watch(kind)) for kind in kinds]
            lines = [asyncio.ensure_future(anext(watch)) for watch in watches]
            try:
                while not (found := await good()):
                    left = limit - time.monotonic()
                    done, _ = await asyncio.wait(lines, timeout=max(0.0, left), return_when=asyncio.FIRST_COMPLETED)
                    assert done, f"not within {PATIENCE} s"
                    lines = [
                        asyncio.ensure_future(anext(w)) if t in done else t for w, t in zip(watches, lines, strict=True)
                    ]
            finally:
                for line in lines:
                    line.cancel()
                await asyncio.gather(*lines, return_exceptions=True)
            return found

    @contextlib.asynccontextmanager
    async def _watch(self, kind: str) -> AsyncIterator[AsyncIterator[str]]:
        query = {"watch": "true", "timeoutSeconds": str(int(PATIENCE))}
        async with self.api.stream("GET", KINDS[kind], params=query) as response:
            yield response.aiter_lines()


def _pem(data: str) -> str:
    return base64.b64decode(data).decode()


def conditions(obj: Obj) -> dict[str, str]:
    return {c["type"]: c["status"] for c in (obj.get("status") or {}).get("conditions") or ()}


def reason(obj: Obj, type_: str) -> str:
    found = [c for c in (obj.get("status") or {}).get("conditions") or () if c["type"] == type_]
    return str(found[0].get("reason", "")) if found else ""


def word(pod: Obj) -> str:
    """Roughly kubectl's STATUS of a pod."""
    if "deletionTimestamp" in pod["metadata"]:
        return "Terminating"
    status = pod["status"]
    if status.get("reason"):
        return str(status["reason"])
    for entry in status.get("initContainerStatuses") or ():
        (kind, state), *_ = entry["state"].items()
        if kind == "terminated" and state["exitCode"] == 0:
            continue
        return f"Init:{state.get('reason', kind)}"
    words = [next(iter(e["state"].items())) for e in status.get("containerStatuses") or ()]
    return next((str(s["reason"]) for k, s in words if k != "running"), str(status["phase"]))


def ready(pods: Iterable[Obj]) -> int:
    return sum(conditions(p).get("Ready") == "True" and "deletionTimestamp" not in p["metadata"] for p in pods)
