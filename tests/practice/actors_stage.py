"""A cluster with its actors in this process, at high speed, and ways to wait for what they do."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rhaii_tui.practice.actors import run_actors
from rhaii_tui.practice.actors.nodes import add_node
from rhaii_tui.practice.clock import CloudClock
from rhaii_tui.practice.kube.cluster import KubeCluster
from rhaii_tui.practice.traffic.gateway import Traffic
from rhaii_tui.practice.world import World
from rhaii_tui.practice.xks import definitions, install, objects

Obj = dict[str, Any]
RATE = 1200.0
PATIENCE = 25.0

CPU_POOL = {"name": "default-pool", "config": {"machineType": "e2-standard-4"}}
T4_POOL = {
    "name": "gpu-t4",
    "config": {
        "machineType": "n1-standard-4",
        "accelerators": [{"acceleratorType": "nvidia-tesla-t4", "acceleratorCount": "1"}],
    },
}
V6E_POOL = {"name": "tpu-v6e", "config": {"machineType": "ct6e-standard-4t"}}
ENGINE = "registry.redhat.io/rhaiis/vllm-cuda-rhel9:3.2.5"


@dataclass
class Stage:
    """A world with one cluster whose actors run."""

    world: World
    cluster: KubeCluster

    @property
    def store(self) -> Any:
        return self.cluster.store

    async def until(self, good: Callable[[], Any], *kinds: str) -> Any:
        """Wait for `good` to return something true, looking again at every change of `kinds`."""
        async with asyncio.timeout(PATIENCE):
            async for _ in self.store.watch(*kinds):
                if found := good():
                    return found
        raise AssertionError("unreachable")

    async def history(self, name: str, words: Callable[[Obj], Any], last: Callable[[Any], bool]) -> list[Any]:
        """The different `words` of a pod over time, until `last` holds."""
        seen: list[Any] = []
        async with asyncio.timeout(PATIENCE):
            async for change in self.store.watch("Pod"):
                if change.obj["metadata"]["name"] == name and (not seen or words(change.obj) != seen[-1]):
                    seen.append(words(change.obj))
                    if last(seen[-1]):
                        break
        return seen

    def pod(self, name: str, *, namespace: str = "default") -> Obj | None:
        found: Obj | None = self.store.get("Pod", namespace, name)
        return found

    def messages(self, reason: str, name: str = "") -> list[str]:
        """Messages of the events of one reason."""
        events = [e for e in self.store.list("Event") if e["reason"] == reason]
        return [e["message"] for e in events if not name or e["involvedObject"]["name"] == name]

    def log(self, pod: Obj, container: str = "main") -> str:
        return "\n".join(text for _, text in self.cluster.logs.current(pod["metadata"]["uid"], container).lines)

    async def nodes(self, pool: Obj, count: int) -> list[str]:
        return list(await asyncio.gather(*(add_node(self.world, self.cluster, pool, n) for n in range(count))))

    def create_pod(self, name: str, container: Obj, **spec: Any) -> Obj:
        made: Obj = self.store.create(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": "default"},
                "spec": {"containers": [{"name": "main", "image": "example.com/app:1", **container}], **spec},
            }
        )
        return made

    def pull_secret(self, namespace: str, name: str, host: str = "registry.redhat.io") -> None:
        login = base64.b64encode(b"user:word").decode()
        text = json.dumps({"auths": {host: {"auth": login}}})
        self.store.create(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "type": "kubernetes.io/dockerconfigjson",
                "metadata": {"name": name, "namespace": namespace},
                "data": {".dockerconfigjson": base64.b64encode(text.encode()).decode()},
            }
        )

    async def stack(self) -> None:
        """What deploy-all leaves behind, put straight into the store."""
        for definition in definitions.ALL:
            self.store.create(definition.manifest())
        for name in objects.NAMESPACES:
            self.store.create(objects.namespace(name))
            self.store.create(objects.pull_secret(name))
        operators = (*objects.CERT_MANAGER, objects.MESH_OPERATOR, objects.KSERVE)
        for obj in (o for operator in operators for o in operator.manifests()):
            self.store.create(obj)
        rest = (
            objects.ISTIO,
            objects.GATEWAY_CLASS,
            objects.SELF_SIGNED,
            objects.CA,
            objects.CA_ISSUER,
            objects.INGRESS,
        )
        for obj in (*rest, *install.presets()):
            self.store.create(obj)
        await self.until(lambda: self.store.get("Secret", "cert-manager", "opendatahub-ca"), "Secret")
        await self.until(lambda: self.available("opendatahub", "kserve-controller-manager"), "Deployment")

    def available(self, namespace: str, name: str) -> bool:
        found = self.store.get("Deployment", namespace, name)
        return found is not None and conditions(found).get("Available") == "True"


def conditions(obj: Obj | None) -> dict[str, str]:
    return {c["type"]: c["status"] for c in ((obj or {}).get("status") or {}).get("conditions") or ()}


def reason(obj: Obj, type_: str) -> str:
    found = [c for c in (obj.get("status") or {}).get("conditions") or () if c["type"] == type_]
    return str(found[0].get("reason", "")) if found else ""


def word(pod: Obj, field: str = "containerStatuses") -> str:
    """The first container's state: waiting or terminated reason, or "running"."""
    statuses = pod.get("status", {}).get(field) or [{"state": {"none": {}}}]
    (kind, state), *_ = statuses[0]["state"].items()
    return str(state.get("reason", kind))


@contextlib.asynccontextmanager
async def stage(folder: Path, *, traffic: bool = False) -> AsyncIterator[Stage]:
    world = World(folder, CloudClock(RATE), "token")
    cluster = KubeCluster(world, "demo", "us-central1-b")
    world.clusters["demo"] = cluster
    if traffic:
        world.traffic = Traffic(world)
        await world.traffic.start()
    await cluster.start()
    actors = asyncio.create_task(run_actors(world, cluster))
    try:
        yield Stage(world, cluster)
    finally:
        actors.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await actors
        await cluster.stop()
        if world.traffic is not None:
            await world.traffic.stop()
