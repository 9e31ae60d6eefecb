"""What is remembered of an autoscaler, and what is not known of a pool."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from between import between
from carrying_out import done
from wire import Wire, until

from rhaii_tui.catalog.bill import Bill
from rhaii_tui.catalog.shapes import Accelerator, Topology
from rhaii_tui.catalog.target import Target
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import RunContext
from rhaii_tui.deployment.logbook import LogBook
from rhaii_tui.deployment.plan import Change, Plan, StepSpec
from rhaii_tui.deployment.state import RunState
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.google.gke import Gke
from rhaii_tui.kube.connect import Cluster
from rhaii_tui.operations.memory import place, scaling_to_restore
from rhaii_tui.operations.pool_size import group_target, pool_size
from rhaii_tui.operations.running import open_operation

CLUSTER, POOL, ZONE, NODES = "shared-tools", "default-pool", "us-central1-b", 2


@pytest.fixture
def target(endpoints: Endpoints) -> Target:
    return Target(
        accelerator=Accelerator.GPU_T4, topology=Topology.SINGLE, project=str(endpoints.project), zone=ZONE,
        cluster=CLUSTER, pool=POOL, namespace="inference", service="a-service", replicas=1,
        model="Qwen/Qwen2.5-3B-Instruct", image="vllm",
    )  # fmt: skip


def plan(kind: Any, target: Target, *steps: str, scaling: dict[str, int | str]) -> Plan:
    specs = tuple(StepSpec(id=id, title=id, usual_seconds=1) for id in steps)
    bill = Bill(region=target.region, provisioning="on-demand", components=())
    change = Change(replicas_before=0, replicas_after=0, nodes_before=0, nodes_after=0, scaling=scaling)
    return Plan(kind=kind, target=target, steps=specs, bill=bill, bill_before=bill, change=change)


async def test_an_autoscaler_that_somebody_gave_back_is_not_given_back_again(
    endpoints: Endpoints, target: Target, wire: Wire, tmp_path: Path
) -> None:
    was: dict[str, int | str] = {"min_node_count": 1, "max_node_count": 4}

    def remembered() -> dict[str, int | str]:
        return scaling_to_restore(tmp_path, endpoints.name, place(target), POOL)

    stop = await open_operation(plan("stop", target, scaling=was), endpoints, tmp_path)
    stop.record(
        e.AutoscalerSwitched(
            at=time.time(), step="autoscaler", cluster=CLUSTER, pool=POOL, enabled=False, scaling=was
        )
    )  # fmt: skip
    stop.approve("test")
    await stop.run()
    await stop.close()
    assert remembered() == was
    url = f"/v1/projects/{wire.project}/locations/{ZONE}/clusters/{CLUSTER}/nodePools/{POOL}:setAutoscaling"
    wire.google("POST", url, {"autoscaling": {"enabled": True, "minNodeCount": 1, "maxNodeCount": 2}})
    await until(lambda: wire.pool(ZONE, CLUSTER, POOL).get("autoscaling", {}).get("enabled"))
    state = await done(plan("wake", target, "autoscaler", scaling=was), endpoints, tmp_path)
    assert state.step("autoscaler").status == "already"
    assert wire.pool(ZONE, CLUSTER, POOL)["autoscaling"]["maxNodeCount"] == 2, "theirs is left as it is"
    assert remembered() == {}
    wire.google("POST", url, {"autoscaling": {"enabled": False}})
    await until(lambda: not wire.pool(ZONE, CLUSTER, POOL).get("autoscaling", {}).get("enabled"))


async def test_a_pool_without_a_named_group_is_of_unknown_size(
    endpoints: Endpoints, target: Target, wire: Wire, tmp_path: Path
) -> None:
    def nameless(method: str, path: str, answer: Any) -> Any:
        return {**answer, "instanceGroupUrls": []} if path.endswith(f"/nodePools/{POOL}") else answer

    async with between(wire, endpoints, nameless) as half_blind:
        run = RunContext(target, half_blind, tmp_path, LogBook(tmp_path / "logs"), lambda event: None, RunState)
        info = await run.gke.get_cluster(ZONE, CLUSTER)
        await run.adopt_connection(await Cluster.from_gke(info.endpoint, info.ca_pem, half_blind))
        size = await pool_size(run, "zero")
        await run.close()
        pool = await Gke(half_blind, target.project).get_node_pool(ZONE, CLUSTER, POOL)
        assert await group_target(half_blind, target.project, pool) is None
    assert (size.known, size.target) == (False, NODES), "Node objects are counted instead"
    assert "names no instance group" in size.evidence[0].text
