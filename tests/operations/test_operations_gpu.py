"""A GPU deployment through its second day, and to its end: seen from the cloud's side, with requests all the while."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from carrying_out import done, found
from wire import Commands, Running, Wire, until

from rhaii_tui.catalog.findings import Status
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.operations.discovery import Wish, find
from rhaii_tui.operations.memory import place, scaling_to_restore
from rhaii_tui.operations.planning import scale_plan, stop_plan, wake_plan
from rhaii_tui.operations.running import open_operation, perform
from rhaii_tui.operations.teardown import plan_teardown
from rhaii_tui.operations.trouble import Trouble

CLUSTER, POOL, ZONE = "rhaii-gpu-cluster", "gpu-pool", "us-central1-a"
NAMESPACE, SERVICE = "rhaii-inference", "qwen-3b-gpu-svc"
HOURLY = {0: 0.393, 2: 1.473, 3: 2.013, 5: 3.093}
"""USD per hour by nodes of the pool: T4 and n1-standard-4 at 0.54, the cluster around them 0.393."""


@pytest.fixture(scope="module")
def home(practice: Running) -> Path:
    """The state folder in which the setup's journal is."""
    commands = Commands(practice)
    commands.set_up("gpu")
    return commands.home


@asynccontextmanager
async def constant_requests(url: str) -> AsyncIterator[list[str]]:
    """Four clients that ask one after the other, without a retry. What went wrong is in the list."""
    lost: list[str] = []
    sent = 0
    ending = asyncio.Event()

    async def client() -> None:
        nonlocal sent
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            model = (await http.get(f"{url}/v1/models")).json()["data"][0]["id"]
            while not ending.is_set():
                body = {"model": model, "prompt": f"Number {sent}", "max_tokens": 16}
                answer = await http.post(f"{url}/v1/completions", json=body)
                sent += 1
                if answer.status_code != 200:
                    lost.append(f"{answer.status_code} {answer.text[:200]}")

    clients = [asyncio.create_task(client()) for _ in range(4)]
    yield lost
    ending.set()
    await asyncio.gather(*clients)
    assert sent > 8


async def test_without_quota_nothing_is_changed(endpoints: Endpoints, home: Path, wire: Wire) -> None:
    session = await open_operation(scale_plan(await found(endpoints, home), 5), endpoints, home)
    wire.fault("gpu-quota-zero", True)
    session.approve("test")
    state = await perform(session, watch_requests=False)
    await session.close()
    wire.fault("gpu-quota-zero", False)
    assert state.outcome == "failed"
    assert [s.spec.id for s in state.steps if s.status == "failed"] == ["limits"]
    finding = state.step("limits").finding
    assert finding is not None
    assert "NVIDIA_T4_GPUS" in finding.message
    assert wire.pool_size(ZONE, CLUSTER, POOL) == 3
    # The fault takes a node away as well; it comes back with the quota.
    await until(lambda: len(wire.nodes(CLUSTER, POOL)) == wire.ready(CLUSTER, NAMESPACE, SERVICE) == 3)
    # The next test gives the same order again: this very run is finished by it.


async def test_up_and_down_without_a_lost_request(endpoints: Endpoints, home: Path, wire: Wire) -> None:
    before = await found(endpoints, home)
    assert (before.replicas, before.nodes, before.others, before.ours) == (3, 3, 0, True)
    async with constant_requests(before.endpoint) as lost:
        for replicas, nodes_before in ((5, 3), (2, 5)):
            plan = scale_plan(await found(endpoints, home), replicas)
            assert plan.bill_before is not None
            assert (plan.bill_before.usd_per_hour, plan.bill.usd_per_hour) == (HOURLY[nodes_before], HOURLY[replicas])
            state = await done(plan, endpoints, home)
            assert (state.replicas_ready, state.nodes) == (replicas, replicas)
            assert state.requests_sent > 0
            assert state.requests_lost == 0
            assert not [f for f in state.findings if f.status is not Status.PASS]
            assert wire.ready(CLUSTER, NAMESPACE, SERVICE) == replicas
            assert len(wire.replicas(CLUSTER, NAMESPACE, SERVICE)) == replicas
            assert wire.pool_size(ZONE, CLUSTER, POOL) == replicas
            homes = {p["spec"]["nodeName"] for p in wire.replicas(CLUSTER, NAMESPACE, SERVICE)}
            assert homes == set(wire.nodes(CLUSTER, POOL))
    assert lost == []


async def test_the_manifest_is_not_in_conflict_after_scaling(endpoints: Endpoints, home: Path, wire: Wire) -> None:
    path = f"/apis/serving.kserve.io/v1alpha1/namespaces/{NAMESPACE}/llminferenceservices/{SERVICE}"
    live = wire.kube(CLUSTER, "GET", path)
    owners = [
        m["manager"] for m in live["metadata"]["managedFields"] if "f:replicas" in str(m["fieldsV1"].get("f:spec"))
    ]
    assert owners == ["rhaii-tui"]
    assert live["spec"]["template"]["containers"], "nothing else was given up"


async def test_a_stop_outlasts_an_autoscaler_and_a_wake_gives_it_back(
    endpoints: Endpoints, home: Path, wire: Wire
) -> None:
    url = f"/v1/projects/{wire.project}/locations/{ZONE}/clusters/{CLUSTER}/nodePools/{POOL}:setAutoscaling"
    wire.google("POST", url, {"autoscaling": {"enabled": True, "minNodeCount": 1, "maxNodeCount": 4}})
    await until(lambda: wire.pool(ZONE, CLUSTER, POOL).get("autoscaling", {}).get("enabled"))
    plan = stop_plan(await found(endpoints, home))
    assert plan.bill.usd_per_hour == HOURLY[0]
    assert any("autoscaler" in note for note in plan.change.notes)  # type: ignore[union-attr]
    state = await done(plan, endpoints, home)
    assert (state.replicas_ready, state.nodes) == (0, 0)
    # Ten cloud minutes, in which an autoscaler would have scanned sixty times.
    later, nodes = time.monotonic() + endpoints.clock.wall(600), set()

    def looked_long_enough() -> bool:
        nodes.update(wire.nodes(CLUSTER, POOL))
        return time.monotonic() > later

    await until(looked_long_enough)
    assert nodes == set(), "not even for a moment"
    assert wire.replicas(CLUSTER, NAMESPACE, SERVICE) == []
    assert wire.nodes(CLUSTER, POOL) == []
    assert wire.pool_size(ZONE, CLUSTER, POOL) == 0
    events = wire.kube(CLUSTER, "GET", f"/api/v1/namespaces/{NAMESPACE}/events")["items"]
    assert not [e for e in events if e["reason"] == "TriggeredScaleUp"]

    stopped = await found(endpoints, home)
    assert stopped.stopped
    with pytest.raises(Trouble, match="stopped"):
        scale_plan(stopped, 3)
    scaling = scaling_to_restore(home, endpoints.name, place(stopped.target), POOL)
    assert (scaling["min_node_count"], scaling["max_node_count"]) == (1, 4)
    plan = wake_plan(stopped, 3, scaling)
    assert plan.bill.usd_per_hour == HOURLY[3]
    assert plan.expected_seconds > 300
    state = await done(plan, endpoints, home)
    assert (state.replicas_ready, state.nodes) == (3, 3)
    assert state.model, "an answered request is the proof"
    assert wire.ready(CLUSTER, NAMESPACE, SERVICE) == 3
    autoscaling = wire.pool(ZONE, CLUSTER, POOL)["autoscaling"]
    assert (autoscaling["enabled"], autoscaling["minNodeCount"], autoscaling["maxNodeCount"]) == (True, 1, 4)
    assert scaling_to_restore(home, endpoints.name, place(stopped.target), POOL) == {}


async def test_a_pool_emptied_by_hand_is_filled_again_by_its_autoscaler(home: Path, wire: Wire) -> None:
    url = f"/v1/projects/{wire.project}/locations/{ZONE}/clusters/{CLUSTER}/nodePools/{POOL}:setSize"
    before = {p["metadata"]["uid"] for p in wire.replicas(CLUSTER, NAMESPACE, SERVICE)}

    def replaced() -> bool:
        now = {p["metadata"]["uid"] for p in wire.replicas(CLUSTER, NAMESPACE, SERVICE)}
        return not now & before and wire.ready(CLUSTER, NAMESPACE, SERVICE) == 3

    wire.google("POST", url, {"nodeCount": 0})
    await until(replaced)
    assert len(wire.nodes(CLUSTER, POOL)) == wire.pool_size(ZONE, CLUSTER, POOL) == 3
    events = wire.kube(CLUSTER, "GET", f"/api/v1/namespaces/{NAMESPACE}/events")["items"]
    said = [e["message"] for e in events if e["reason"] == "TriggeredScaleUp"]
    assert said
    assert said[0].startswith("pod triggered scale-up: [{https://www.googleapis.com/compute/v1/projects/")
    assert said[0].endswith("(max: 4)}]")


async def test_without_a_journal_it_is_found_scaled_and_not_torn_down(
    endpoints: Endpoints, home: Path, wire: Wire, tmp_path: Path
) -> None:
    theirs = await find(endpoints, tmp_path, Wish(project=wire.project, service=SERVICE))
    assert not theirs.ours
    assert (theirs.target.cluster, theirs.pool.name, theirs.replicas) == (CLUSTER, POOL, 3)
    state = await done(scale_plan(theirs, 2), endpoints, tmp_path)
    assert state.nodes == 2
    with pytest.raises(Trouble) as trouble:
        await plan_teardown(endpoints, tmp_path, Wish(project=wire.project))
    assert CLUSTER in trouble.value.why


async def test_others_work_keeps_the_cluster(endpoints: Endpoints, home: Path, wire: Wire) -> None:
    wire.kube(
        CLUSTER, "POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "theirs"}}
    )
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "notebook", "namespace": "theirs"},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "notebook"}},
            "template": {
                "metadata": {"labels": {"app": "notebook"}},
                "spec": {"containers": [{"name": "main", "image": "jupyter/base-notebook:latest"}]},
            },
        },
    }
    wire.kube(CLUSTER, "POST", "/apis/apps/v1/namespaces/theirs/deployments", deployment)
    plan = await plan_teardown(endpoints, home, Wish(project=wire.project))
    assert plan.change is not None
    assert "cluster" not in [step.id for step in plan.steps]
    assert "nodepool" in [step.id for step in plan.steps]
    by_hand = {step.id: [c.text for c in step.commands] for step in plan.steps}
    assert "kubectl delete namespace rhaii-inference" in by_hand["objects"]
    assert all(lines for id, lines in by_hand.items() if id != "proof")
    assert ("Deployment", "theirs/notebook") in [(x.kind, x.name) for x in plan.change.leaves]
    wire.kube(CLUSTER, "DELETE", "/api/v1/namespaces/theirs")
    await until(lambda: wire.kube(CLUSTER, "GET", "/api/v1/namespaces/theirs") is None)


def test_a_teardown_killed_half_way_is_finished_by_the_next(home: Path, wire: Wire) -> None:
    command = [sys.executable, "-m", "rhaii_tui", "teardown", "--practice", "--confirm", CLUSTER, "--json"]
    environ = dict(os.environ, RHAII_TUI_HOME=str(home))
    first = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    for line in first.stdout:
        event = json.loads(line)
        if event.get("type") == "operation_started":
            break
    first.kill()
    first.wait()
    first.stdout.close()
    second = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 0, second.stdout[-2000:] + second.stderr
    lines = [json.loads(line) for line in second.stdout.splitlines()]
    assert next(x for x in lines if x["type"] == "run")["resumed"]
    result = lines[-1]
    assert result["ok"]
    assert result["bill_after"]["usd_per_hour"] == 0
    assert any("shared-tools" in x["name"] for x in result["left"])
    assert wire.clusters() == ["shared-tools"]
    assert len(wire.nodes("shared-tools", "default-pool")) == 2
    third = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert third.returncode == 1
    assert "nothing to tear down" in third.stderr
    assert "shared-tools" in third.stderr
