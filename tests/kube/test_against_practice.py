"""Our client and real kubectl side by side on a practice cluster, the same faults as a user can switch on."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rhaii_tui.catalog.target import Target
from rhaii_tui.clock import Clock
from rhaii_tui.endpoints import google_cloud
from rhaii_tui.kube import events, kinds
from rhaii_tui.kube.connect import Cluster
from rhaii_tui.kube.errors import ApiError
from rhaii_tui.kube.logs import follow
from rhaii_tui.kube.pod_status import status
from rhaii_tui.kube.reflector import Changed, Lost, Reflector, Synced
from rhaii_tui.practice.clock import CloudClock
from rhaii_tui.practice.kube.cluster import KubeCluster
from rhaii_tui.practice.kubeconfig import write_kubeconfig
from rhaii_tui.practice.world import World
from rhaii_tui.practice.xks import definitions
from rhaii_tui.serving import manifests

TARGET = Target(
    accelerator="gpu-t4",
    topology="scale-out",
    project="practice-project",
    zone="us-central1-a",
    cluster="rhaii",
    pool="gpu-pool",
    namespace="rhaii-inference",
    service="chat",
    replicas=3,
    model="Qwen/Qwen2.5-3B-Instruct",
    image="registry.redhat.io/rhaiis/vllm-cuda-rhel9:3.2.5",
)
ROUTE = {
    "metadata": {"name": "chat-kserve-route", "namespace": "rhaii-inference"},
    "spec": {"rules": [{"backendRefs": [{"kind": "InferencePool", "name": "p"}]}]},
}


class Both:
    """The practice cluster, our connection to it, and kubectl."""

    def __init__(self, world: World, practice: KubeCluster, cluster: Cluster) -> None:
        self.world, self.practice, self.cluster = world, practice, cluster

    async def kubectl(self, *words: str) -> str:
        """Output of a kubectl call that must succeed."""
        if shutil.which("kubectl") is None:
            pytest.skip("kubectl is not installed")
        environ = dict(os.environ, KUBECONFIG=str(self.world.folder / "kubeconfig"))
        process = await asyncio.create_subprocess_exec(
            "kubectl", *words, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, err.decode()
        return out.decode()


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Both]:
    world = World(tmp_path, CloudClock(600), "practice-token")
    practice = world.clusters["rhaii"] = KubeCluster(world, "rhaii", "us-central1-a")
    for definition in definitions.ALL:
        practice.store.create(definition.manifest())
    await practice.start()
    write_kubeconfig(world, tmp_path / "kubeconfig")
    (tmp_path / "token").write_text(world.token)
    endpoints = replace(google_cloud(), token_file=tmp_path / "token", trust_env=False)
    cluster = await Cluster.from_gke(practice.address, practice.ca_pem, endpoints)
    yield Both(world, practice, cluster)
    await cluster.close()
    await practice.stop()


def documents() -> list[dict[str, Any]]:
    gateway_namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "opendatahub"}}
    return [
        gateway_namespace,
        manifests.namespace(TARGET),
        manifests.pull_secret(TARGET, b'{"auths": {"registry.redhat.io": {"auth": "YTpi"}}}'),
        manifests.hub_secret(TARGET, "hf_practice"),
        *manifests.documents(TARGET)[1:],
        *manifests.network_policies(TARGET),
        manifests.body_forwarding(TARGET, ROUTE),
        manifests.diagnostics(TARGET, ROUTE),
    ]


async def test_every_manifest_passes_the_strict_dry_run_and_is_applied(both: Both) -> None:
    for doc in documents():
        await both.cluster.apply(doc, dry_run=True)
        applied = await both.cluster.apply(doc)
        assert applied["metadata"]["uid"]
        again = await both.cluster.apply(doc)
        assert again["metadata"]["resourceVersion"] == applied["metadata"]["resourceVersion"], (
            "applying twice changes nothing"
        )
    service = await both.cluster.read("LLMInferenceService", "rhaii-inference", "chat")
    assert service is not None
    assert service["spec"]["router"]["scheduler"] == {}


async def test_kubectl_takes_the_same_files(both: Both, tmp_path: Path) -> None:
    folder = Path(__file__).parents[2] / "manifests"
    await both.kubectl("create", "namespace", "opendatahub")
    for name in ("namespace.yaml", "gateway.yaml", "networkpolicies.yaml", "envoyfilter-extproc-body.yaml"):
        await both.kubectl("apply", "--server-side", "-f", str(folder / name))
    out = await both.kubectl("apply", "-f", str(folder / "llminferenceservice" / "tpu-v6e-scale-out.yaml"))
    assert "qwen-3b-tpu-svc created" in out


async def test_a_misspelt_field_is_told_by_its_path(both: Both) -> None:
    await both.cluster.apply(manifests.namespace(TARGET))
    doc = manifests.service(TARGET)
    doc["spec"]["replikas"] = 3
    with pytest.raises(ApiError) as refused:
        await both.cluster.apply(doc, dry_run=True)
    assert refused.value.is_manifest_mistake
    assert refused.value.field_path == "spec.replikas"


def pod(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"containers": [{"name": "main", "image": "x"}]},
    }


async def until(stream: Any, *types: type) -> list[Any]:
    wanted, seen = list(types), []
    async with asyncio.timeout(30):
        while wanted:
            seen.append(await anext(stream))
            if isinstance(seen[-1], wanted[0]):
                wanted.pop(0)
    return seen


async def test_watching_through_every_fault_a_user_can_switch_on(both: Both) -> None:
    store = both.practice.store
    path = kinds.KINDS["Pod"].path("default")
    async with aclosing(aiter(Reflector(both.cluster, path, clock=Clock(600)))) as stream:
        await until(stream, Synced)
        store.create(pod("one"))
        (added,) = await until(stream, Changed)
        assert (added.type, added.obj["metadata"]["name"]) == ("ADDED", "one")
        for number, fault in enumerate(("watch-410", "api-503-burst", "api-restart")):
            await both.world.faults.switch(fault, True)
            if fault != "api-503-burst":
                await until(stream, Lost)
            await both.world.faults.switch(fault, False)
            name = f"after-{number}"
            store.create(pod(name))
            known: set[str] = set()
            async with asyncio.timeout(30):
                while name not in known:
                    happening = await anext(stream)
                    if isinstance(happening, Synced):
                        known |= {p["metadata"]["name"] for p in happening.items}
                    elif isinstance(happening, Changed):
                        known.add(happening.obj["metadata"]["name"])


async def test_reads_and_applies_outlast_the_burst(both: Both) -> None:
    await both.world.faults.switch("api-503-burst", True)
    await both.cluster.apply(manifests.namespace(TARGET))
    assert await both.cluster.items("Namespace")
    assert await both.cluster.read("Namespace", None, TARGET.namespace) is not None


async def test_a_log_across_a_restart_of_the_server(both: Both) -> None:
    created = both.practice.store.create(pod("p"))
    uid = created["metadata"]["uid"]
    running = [{"name": "main", "state": {"running": {"startedAt": "2026-08-22T10:00:00Z"}}}]

    def started(found: dict[str, Any]) -> None:
        found["spec"]["nodeName"] = "n"
        found["status"] = {"phase": "Running", "containerStatuses": running}

    both.practice.store.update("Pod", "default", "p", started)
    both.practice.logs.write(uid, "main", "one")
    lines: list[str] = []
    async with aclosing(follow(both.cluster, "default", "p", "main")) as batches, asyncio.timeout(30):
        while lines != ["one"]:
            lines += await anext(batches)
        await both.world.faults.switch("api-restart", True)
        both.practice.logs.write(uid, "main", "two")
        await both.world.faults.switch("api-restart", False)
        both.practice.logs.write(uid, "main", "three")
        while len(lines) < 3:
            lines += await anext(batches)
    assert lines == ["one", "two", "three"]


async def test_events_of_both_shapes(both: Both) -> None:
    store = both.practice.store
    involved = store.create(pod("p"))
    for _ in range(3):
        store.event(involved, "Warning", "FailedScheduling", "0/3 nodes", "default-scheduler", new_style=True)
        store.event(involved, "Normal", "Pulling", 'Pulling image "x"', "kubelet")
    told = {e.reason: e for e in map(events.read, await both.cluster.items("Event", "default"))}
    assert {e.count for e in told.values()} == {3}
    assert told["FailedScheduling"].source == "default-scheduler"
    assert all(e.at > 1.7e9 and e.object == "Pod/p" for e in told.values())


STATES = st.sampled_from(
    [
        {"running": {"startedAt": "2026-08-22T10:00:00Z"}},
        {"waiting": {"reason": "CrashLoopBackOff"}},
        {"waiting": {"reason": "PodInitializing"}},
        {"waiting": {}},
        {"terminated": {"exitCode": 0, "reason": "Completed"}},
        {"terminated": {"exitCode": 1, "reason": "Error"}},
        {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
        {"terminated": {"exitCode": 9, "signal": 9}},
        {"terminated": {"exitCode": 3}},
    ]
)
CONTAINERS = st.lists(st.tuples(STATES, st.booleans(), st.integers(0, 3), st.booleans()), max_size=3)


@st.composite
def pods(draw: st.DrawFn) -> dict[str, Any]:
    """A pod in any state, as a server may show it."""
    inits, mains = draw(CONTAINERS), draw(CONTAINERS)

    def statuses(prefix: str, drawn: list[Any]) -> list[dict[str, Any]]:
        return [
            {
                "name": f"{prefix}{n}",
                "image": "x",
                "imageID": "",
                "state": s,
                "ready": r,
                "restartCount": c,
                "started": t,
            }
            for n, (s, r, c, t) in enumerate(drawn)
        ]

    conditions = [
        {"type": t, "status": draw(st.sampled_from(["True", "False"]))}
        for t in draw(st.lists(st.sampled_from(["Initialized", "Ready"]), unique=True))
    ]
    if draw(st.integers(0, 9)) == 0:
        conditions.append({"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"})
    reason = draw(st.sampled_from(["", "", "Evicted", "NodeLost"]))
    return {
        "spec": {
            "initContainers": [
                {"name": f"i{n}", "image": "x"} | ({"restartPolicy": "Always"} if draw(st.booleans()) else {})
                for n in range(len(inits))
            ],
            "containers": [{"name": f"c{n}", "image": "x"} for n in range(max(1, len(mains)))],
        },
        "status": {
            "phase": draw(st.sampled_from(["Pending", "Running", "Succeeded", "Failed"])),
            "conditions": conditions,
            "initContainerStatuses": statuses("i", inits),
            "containerStatuses": statuses("c", mains),
        }
        | ({"reason": reason} if reason else {}),
    }


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(pods(), min_size=60, max_size=60))
def test_our_words_are_the_words_kubectl_prints(drawn: list[dict[str, Any]], tmp_path: Path) -> None:
    asyncio.run(compare(drawn, tmp_path))


async def compare(drawn: list[dict[str, Any]], folder: Path) -> None:
    world = World(folder, CloudClock(600), "practice-token")
    practice = world.clusters["rhaii"] = KubeCluster(world, "rhaii", "us-central1-a")
    for n, found in enumerate(drawn):
        practice.store.create(pod(f"p{n:03d}") | found)
    await practice.start()
    write_kubeconfig(world, folder / "kubeconfig")
    (folder / "token").write_text(world.token)
    endpoints = replace(google_cloud(), token_file=folder / "token", trust_env=False)
    cluster = await Cluster.from_gke(practice.address, practice.ca_pem, endpoints)
    try:
        table = await Both(world, practice, cluster).kubectl("get", "pods", "--no-headers")
        printed = {line.split()[0]: tuple(line.split()[1:4]) for line in table.splitlines()}
        told = {p["metadata"]["name"]: status(p) for p in await cluster.items("Pod", "default")}
    finally:
        await cluster.close()
        await practice.stop()
    assert printed == {name: (s.ready, s.word, str(s.restarts)) for name, s in told.items()}
