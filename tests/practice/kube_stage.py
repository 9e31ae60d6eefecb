"""A stage for tests of the practice Kubernetes API: a cluster on its own, reached by kubectl and by kubernetes.aio."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from rhaii_tui.practice.clock import CloudClock
from rhaii_tui.practice.kube.cluster import KubeCluster
from rhaii_tui.practice.world import World

Json = dict[str, Any]
TOKEN = "practice-token-of-the-tests"
DEADLINE = 20.0

needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")

DEPLOYMENT: Json = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "main", "image": "web:1", "ports": [{"containerPort": 80}]}]},
        },
    },
}


def pod(name: str, **status: Any) -> Json:
    """A running pod on node n1."""
    running = {"name": "main", "ready": True, "restartCount": 0, "state": {"running": {}}, "image": "i", "imageID": "i"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": "web"}},
        "spec": {"nodeName": "n1", "containers": [{"name": "main", "image": "i"}]},
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.9",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [running],
        }
        | status,
    }


def crd(group: str, kind: str, version: str, plural: str = "", **extra: Any) -> Json:
    """A definition without a schema of its own."""
    plural = plural or kind.lower() + "s"
    schema = extra.pop("schema", {"type": "object", "x-kubernetes-preserve-unknown-fields": True})
    names = {"kind": kind, "plural": plural, "singular": kind.lower()}
    subresources = {"subresources": {"status": {}}}
    served = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": names,
            "scope": "Namespaced",
            "versions": [served | subresources | extra],
        },
    }


@dataclass
class Finished:
    """A finished kubectl."""

    code: int
    out: str
    err: str


@dataclass
class Stage:
    """A running cluster and the ways to it."""

    cluster: KubeCluster
    folder: Path
    binary: str = "kubectl"

    async def kubectl(self, *arguments: str, stdin: str | Json | None = None) -> Finished:
        """Run kubectl to its end."""
        process = await self.spawn(*arguments)
        text = stdin if isinstance(stdin, str) or stdin is None else json.dumps(stdin)
        async with asyncio.timeout(DEADLINE):
            out, err = await process.communicate(text.encode() if text else None)
        return Finished(process.returncode or 0, out.decode(), err.decode())

    async def ok(self, *arguments: str, stdin: str | Json | None = None) -> str:
        """Run kubectl, which must succeed; its output."""
        finished = await self.kubectl(*arguments, stdin=stdin)
        assert finished.code == 0, finished.err
        return finished.out

    async def spawn(self, *arguments: str) -> asyncio.subprocess.Process:
        """Start kubectl."""
        environment = os.environ | {"KUBECONFIG": str(self.folder / "config"), "HOME": str(self.folder)}
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            self.binary, *arguments, stdin=pipe, stdout=pipe, stderr=pipe, env=environment
        )

    @asynccontextmanager
    async def api(self, token: str | None = TOKEN) -> AsyncIterator[Callable[..., Awaitable[Any]]]:
        """`await call(method, path, body=..., ctype=..., query=...)` -> (status, headers, parsed body or text)."""
        from kubernetes.aio import client

        configuration = client.Configuration(host=f"https://{self.cluster.address}")
        configuration.ssl_ca_cert = str(self.folder / "ca.pem")
        configuration.client_session_kwargs = {"trust_env": False}
        if token:
            configuration.api_key = {"BearerToken": token}
            configuration.api_key_prefix = {"BearerToken": "Bearer"}
        api = client.ApiClient(configuration)

        async def call(
            method: str, path: str, body: Any = None, ctype: str = "application/json", accept: str = "application/json"
        ) -> Any:
            headers = {"Accept": accept, "Content-Type": ctype}
            request = await api.param_serialize(
                method, path, body=body, header_params=headers, auth_settings=["BearerToken"]
            )
            response = (await api.call_api(*request, _request_timeout=DEADLINE)).response
            raw = await response.read()
            parsed = json.loads(raw) if "json" in response.headers.get("Content-Type", "") else raw.decode()
            return response.status, response.headers, parsed

        call.client = api  # type: ignore[attr-defined]
        try:
            yield call
        finally:
            await api.close()


@asynccontextmanager
async def stage(folder: Path, speed: float = 60.0) -> AsyncIterator[Stage]:
    """Start a cluster with its kubeconfig in `folder`."""
    world = World(folder, CloudClock(speed), TOKEN)
    cluster = world.clusters["practice"] = KubeCluster(world, "practice", "us-central1-a")
    await cluster.start()
    (folder / "ca.pem").write_bytes(cluster.ca_pem)
    authority = base64.b64encode(cluster.ca_pem).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "c", "cluster": {"server": f"https://{cluster.address}", "certificate-authority-data": authority}}
        ],
        "users": [{"name": "u", "user": {"token": TOKEN}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "c",
    }
    (folder / "config").write_text(yaml.safe_dump(config))
    try:
        yield Stage(cluster, folder)
    finally:
        await cluster.stop()
