"""Every shape, built and torn down: nothing of ours is left in the cloud, and everything of others still is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from carrying_out import done
from wire import Commands, Running, Wire, until

from rhaii_tui.catalog.shapes import Topology
from rhaii_tui.catalog.target import Target
from rhaii_tui.deployment.session import Session
from rhaii_tui.deployment.state import RunState
from rhaii_tui.deployment.unfinished import unfinished
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.operations import memory
from rhaii_tui.operations.discovery import Wish
from rhaii_tui.operations.teardown import plan_teardown
from rhaii_tui.settings import resolve

FOREIGN = "shared-tools"
FOREIGN_PODS = 2
"""A cluster that the practice cloud has from the start, with somebody's workload."""


@pytest.fixture
def commands(practice: Running) -> Commands:
    return Commands(practice)


@pytest.fixture
def home(commands: Commands) -> Path:
    return commands.home


def of_others(wire: Wire) -> dict[str, list[str]]:
    """Everything in the cluster that was there before us, by kind."""
    paths = {
        "namespaces": "/api/v1/namespaces",
        "nodes": "/api/v1/nodes",
        "pods": "/api/v1/pods",
        "services": "/api/v1/services",
        "deployments": "/apis/apps/v1/deployments",
        "definitions": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    }
    found = {kind: wire.kube(FOREIGN, "GET", path)["items"] for kind, path in paths.items()}
    return {kind: sorted(i["metadata"]["uid"] for i in items) for kind, items in found.items()}


def machines(wire: Wire, zone: str) -> list[str]:
    """Names of all instance groups in a zone."""
    found: Any = wire.google("GET", f"/compute/v1/projects/{wire.project}/zones/{zone}/instanceGroupManagers")
    return [group["name"] for group in found.get("items", [])]


async def built(accelerator: str, topology: Topology, endpoints: Endpoints, home: Path) -> Target:
    """One shape that runs."""
    flags = {"accelerator": accelerator, "topology": topology.value}
    target = resolve(flags, endpoints, {}, home).target()
    session = await Session.open(target, endpoints, home)
    try:
        session.approve("test")
        state = await session.run()
    finally:
        await session.close()
    assert state.outcome == "done", [s.finding for s in state.steps if s.finding]
    return target


async def torn_down(target: Target, endpoints: Endpoints, home: Path, wire: Wire) -> RunState:
    """What the ledger knows of the target's cluster, gone by its own word and by the cloud's."""
    assert target.cluster in await asyncio.to_thread(wire.clusters)
    where = memory.place(target)
    plan = await plan_teardown(endpoints, home, Wish(project=target.project, cluster=target.cluster))
    assert plan.change is not None
    owned = {(entry.kind, entry.name) for entry in memory.ledger(home, endpoints.name, where)}
    assert {(item.kind, item.name) for item in plan.change.removes} | {("Stack", "operators")} == owned
    assert any(FOREIGN in item.name for item in plan.change.leaves)
    state = await done(plan, endpoints, home)
    assert memory.ledger(home, endpoints.name, where) == ()
    assert target.cluster not in await asyncio.to_thread(wire.clusters)
    assert await asyncio.to_thread(machines, wire, target.zone) == []
    return state


async def test_after_each_of_the_six_shapes_nothing_of_ours_is_left(
    endpoints: Endpoints, home: Path, wire: Wire
) -> None:
    await until(lambda: len(of_others(wire)["pods"]) == FOREIGN_PODS)
    before = await asyncio.to_thread(of_others, wire)

    async def all_of(accelerator: str) -> None:
        for topology in Topology:
            await torn_down(await built(accelerator, topology, endpoints, home), endpoints, home, wire)

    async with asyncio.TaskGroup() as both:
        both.create_task(all_of("gpu"))
        both.create_task(all_of("tpu"))
    assert await asyncio.to_thread(wire.clusters) == [FOREIGN]
    assert await asyncio.to_thread(of_others, wire) == before


async def test_killed_between_two_objects_the_next_start_finishes_it(
    commands: Commands, endpoints: Endpoints, home: Path, wire: Wire
) -> None:
    await until(lambda: len(of_others(wire)["pods"]) == FOREIGN_PODS)
    before = await asyncio.to_thread(of_others, wire)
    target = await built("gpu", Topology.SINGLE, endpoints, home)

    def at(event: dict[str, Any]) -> bool:
        return (event.get("type"), event.get("step")) == ("intent_recorded", "gateway")

    run = await asyncio.to_thread(commands.killed, "teardown", "--confirm", target.cluster, at=at)
    left = unfinished(home, endpoints)
    assert left is not None
    assert left.run == run
    assert left.plan is not None
    assert (await done(left.plan, endpoints, home)).run == run
    assert await asyncio.to_thread(wire.clusters) == [FOREIGN]
    assert await asyncio.to_thread(of_others, wire) == before
