"""Operations that are refused, that run dry or are killed: what is left, what is said, and how the next one goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from carrying_out import carried_out, done, found, stopped_at
from wire import Commands, Running, Wire, until

from rhaii_tui.catalog.findings import Next
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.narration import told
from rhaii_tui.deployment.plan import Plan
from rhaii_tui.deployment.state import RunState
from rhaii_tui.deployment.unfinished import unfinished
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.operations.discovery import Wish, find
from rhaii_tui.operations.planning import scale_plan, stop_plan, wake_plan
from rhaii_tui.operations.trouble import Trouble

CLUSTER, POOL, ZONE = "rhaii-gpu-cluster", "gpu-pool", "us-central1-a"
NAMESPACE, SERVICE = "rhaii-inference", "qwen-3b-gpu-svc"


@pytest.fixture(scope="module")
def commands(practice: Running) -> Commands:
    commands = Commands(practice)
    commands.set_up("gpu")
    return commands


@pytest.fixture
def home(commands: Commands) -> Path:
    return commands.home


def there(wire: Wire) -> tuple[int, int, int, int]:
    """Ready replicas, all replicas, nodes, and the size that the pool's instance group wants."""
    pods = len(wire.replicas(CLUSTER, NAMESPACE, SERVICE))
    nodes = len(wire.nodes(CLUSTER, POOL))
    return wire.ready(CLUSTER, NAMESPACE, SERVICE), pods, nodes, wire.pool_size(ZONE, CLUSTER, POOL)


async def test_the_number_that_there_is_changes_nothing(endpoints: Endpoints, home: Path, wire: Wire) -> None:
    before = {p["metadata"]["uid"] for p in wire.replicas(CLUSTER, NAMESPACE, SERVICE)}
    plan = scale_plan(await found(endpoints, home), 3)
    assert plan.bill_before == plan.bill
    await done(plan, endpoints, home)
    assert {p["metadata"]["uid"] for p in wire.replicas(CLUSTER, NAMESPACE, SERVICE)} == before
    assert there(wire) == (3, 3, 3, 3)


def test_a_number_that_cannot_be_is_refused_before_anything_happens(commands: Commands) -> None:
    code, result, said = commands.run("scale", "1000", "--yes")
    assert code == 2
    assert "1 to 16" in said
    assert result["ok"] is False


async def test_a_cluster_that_cannot_be_read_may_hold_the_one_that_is_meant(
    endpoints: Endpoints, home: Path, wire: Wire, tmp_path: Path
) -> None:
    async def clusters(request: web.Request) -> web.Response:
        """The list, with an address for `shared-tools` that speaks no TLS."""
        told = await asyncio.to_thread(wire.google, "GET", request.path)
        for cluster in told["clusters"]:
            if cluster["name"] == "shared-tools":
                cluster["endpoint"] = f"127.0.0.1:{request.url.port}"
        return web.json_response(told)

    async def others(request: web.Request) -> web.Response:
        return web.json_response(await asyncio.to_thread(wire.google, "GET", request.path))

    app = web.Application()
    app.router.add_get("/v1/projects/{project}/locations/-/clusters", clusters)
    app.router.add_get("/{path:.*}", others)
    async with TestServer(app) as between:
        half_blind = replace(endpoints, container=f"http://127.0.0.1:{between.port}")
        with pytest.raises(Trouble) as trouble:
            await find(half_blind, tmp_path, Wish(project=wire.project))
        assert trouble.value.usage
        assert f"{NAMESPACE}/{SERVICE} in {CLUSTER} fits" in trouble.value.why
        assert "shared-tools" in trouble.value.why
        assert (await find(half_blind, tmp_path, Wish(project=wire.project, cluster=CLUSTER))).replicas == 3
        assert (await found(half_blind, home)).ours, "the newest run's own is meant where nothing else is said"
        with pytest.raises(Trouble) as trouble:
            await find(half_blind, home, Wish(project=wire.project, cluster="shared-tools"))
        assert trouble.value.unknown


async def test_who_may_not_resize_is_told_the_permission_and_the_service_is_untouched(
    endpoints: Endpoints, home: Path, wire: Wire
) -> None:
    wire.fault("permission-missing", True)
    state = await carried_out(scale_plan(await found(endpoints, home), 4), endpoints, home)
    wire.fault("permission-missing", False)
    step, finding = stopped_at(state)
    assert (step, finding.next_key) == ("pool", Next.RETRY)
    assert "container.clusters.update" in finding.remediation
    assert "3 of its 3 replicas are ready" in finding.meaning
    assert there(wire) == (3, 3, 3, 3)
    before = {p["metadata"]["name"] for p in wire.replicas(CLUSTER, NAMESPACE, SERVICE)}
    conditions, lines = 0, []

    def hears(event: e.Event, state: RunState) -> None:
        nonlocal conditions
        conditions += isinstance(event, e.ConditionObserved)
        lines.append(told(event, state))

    again = await carried_out(scale_plan(await found(endpoints, home), 4), endpoints, home, hears)
    assert (again.outcome, again.run, again.requests_lost) == ("done", state.run, 0)
    assert conditions > 10
    assert not [x for x in lines if "Programmed is True" in x or "Accepted is True" in x], "that has not changed"
    assert not [x for x in lines if x.startswith("event Unhealthy") and any(name in x for name in before)]
    assert there(wire) == (4, 4, 4, 4)


async def test_who_may_not_delete_machines_is_given_the_line_for_somebody_who_may(
    endpoints: Endpoints, home: Path, wire: Wire
) -> None:
    wire.fault("instances-locked", True)
    step, finding = stopped_at(await carried_out(scale_plan(await found(endpoints, home), 3), endpoints, home))
    wire.fault("instances-locked", False)
    assert (step, finding.next_key) == ("pool", Next.RETRY)
    assert "compute.instanceGroupManagers.update" in finding.remediation
    used = {p["spec"]["nodeName"] for p in wire.replicas(CLUSTER, NAMESPACE, SERVICE)}
    (empty,) = set(wire.nodes(CLUSTER, POOL)) - used
    line = finding.commands[0].text
    assert line.startswith("gcloud compute instance-groups managed delete-instances")
    assert f"--instances={empty} " in line
    assert there(wire) == (3, 3, 4, 4)
    assert (await done(scale_plan(await found(endpoints, home), 3), endpoints, home)).requests_lost == 0
    assert there(wire) == (3, 3, 3, 3)


async def test_cordoned_nodes_are_room_only_where_we_cordoned_them_ourselves(
    endpoints: Endpoints, home: Path, wire: Wire
) -> None:
    def is_cordoned(name: str) -> bool:
        return bool(wire.kube(CLUSTER, "GET", f"/api/v1/nodes/{name}")["spec"].get("unschedulable"))

    await done(scale_plan(await found(endpoints, home), 4), endpoints, home)
    wire.fault("instances-locked", True)
    assert stopped_at(await carried_out(scale_plan(await found(endpoints, home), 3), endpoints, home))[0] == "pool"
    wire.fault("instances-locked", False)
    broken_off = await found(endpoints, home)
    (ours,) = broken_off.ours_cordoned
    assert is_cordoned(ours)
    await done(scale_plan(broken_off, 4), endpoints, home)
    assert there(wire) == (4, 4, 4, 4)
    assert not is_cordoned(ours)

    path = f"/api/v1/nodes/{ours}"
    wire.kube(CLUSTER, "PATCH", path, {"spec": {"unschedulable": True}}, "application/merge-patch+json")
    (lost,) = (p for p in wire.replicas(CLUSTER, NAMESPACE, SERVICE) if p["spec"]["nodeName"] == ours)
    wire.kube(CLUSTER, "DELETE", f"/api/v1/namespaces/{NAMESPACE}/pods/{lost['metadata']['name']}")
    await until(lambda: ours not in {p["spec"].get("nodeName") for p in wire.replicas(CLUSTER, NAMESPACE, SERVICE)})
    theirs = await found(endpoints, home)
    assert (theirs.cordoned, theirs.ours_cordoned) == ((ours,), ()), "what we once cordoned and gave back is not ours"
    plan = scale_plan(theirs, 4)
    assert plan.change is not None
    assert f"kubectl uncordon {ours}" in "".join(plan.change.notes)
    await done(plan, endpoints, home)
    assert there(wire) == (4, 4, 5, 5)
    assert is_cordoned(ours)
    await done(scale_plan(await found(endpoints, home), 3), endpoints, home)
    assert there(wire) == (3, 3, 3, 3)


@pytest.mark.parametrize(
    ("fault", "rule", "early"), [("stockout", "google.stockout", True), ("quota-in-operation", "google.quota", False)]
)
async def test_a_pool_that_cannot_grow_leaves_the_service_as_it_was(
    endpoints: Endpoints, home: Path, wire: Wire, fault: str, rule: str, early: bool
) -> None:
    warned: dict[str, str] = {}

    def hears(event: e.Event, state: RunState) -> None:
        if isinstance(event, e.StepStarted) and event.step == "pool":
            wire.fault(fault, True)
        if isinstance(event, e.FindingRaised):
            warned[event.finding.rule] = event.finding.remediation

    state = await carried_out(scale_plan(await found(endpoints, home), 4), endpoints, home, hears)
    wire.fault(fault, False)
    step, finding = stopped_at(state)
    assert (step, finding.rule, finding.next_key) == ("pool", rule, Next.RETRY)
    assert "replicas are ready" in finding.meaning
    assert (rule in warned) is early, "a stockout is told long before Google gives up"
    for advice in (finding.remediation, *warned.values()):
        assert advice
        assert "another zone" not in advice, "it runs where it runs"
        assert ("A running deployment stays in its zone" in advice) is (rule == "google.stockout")
    assert state.nodes is not None
    standing = f"${0.393 + 0.54 * state.nodes:.2f} per hour"
    assert (standing in finding.remediation) is early, "what stands goes on being billed"
    # Some of these faults take a node away themselves; what is left to heal does so without us.
    await until(lambda: there(wire) == (3, 3, 3, 3))


def at(step: str, type_: str = "step_started") -> Callable[[dict[str, Any]], bool]:
    """The moment that an event of this type and step is on disk."""
    return lambda event: event.get("type") == type_ and event.get("step") == step


@pytest.mark.parametrize(
    ("words", "moment", "replicas"),
    [
        (("scale", "4"), at("pool", "operation_started"), 4),
        (("scale", "3"), at("pool", "intent_recorded"), 3),
        (("stop",), at("gone"), 0),
        (("wake",), at("start"), 3),
    ],
    ids=["up", "down", "stop", "wake"],
)
async def test_killed_in_any_direction_it_is_offered_and_comes_to_its_end(
    commands: Commands,
    endpoints: Endpoints,
    wire: Wire,
    words: tuple[str, ...],
    moment: Callable[[dict[str, Any]], bool],
    replicas: int,
) -> None:
    run = commands.killed(*words, "--yes", at=moment)
    left = unfinished(commands.home, endpoints)
    assert left is not None
    assert left.plan is not None
    assert (left.run, left.plan.kind) == (run, words[0])
    state = await done(await _again(endpoints, commands.home, words, replicas), endpoints, commands.home)
    assert (state.run, state.requests_lost) == (run, 0), "the killed run itself has come to its end"
    assert (state.replicas_ready, state.nodes) == (replicas, replicas)
    assert there(wire) == (replicas, replicas, replicas, replicas)
    assert unfinished(commands.home, endpoints) is None


async def _again(endpoints: Endpoints, home: Path, words: tuple[str, ...], replicas: int) -> Plan:
    """The same command's plan, of how things are now."""
    now = await found(endpoints, home)
    if words[0] == "scale":
        return scale_plan(now, replicas)
    return stop_plan(now) if words[0] == "stop" else wake_plan(now, None, {})


async def test_ctrl_c_ends_with_a_result_that_says_what_goes_on(
    commands: Commands, endpoints: Endpoints, wire: Wire
) -> None:
    code, rest = commands.interrupted("scale", "4", "--yes", at=at("pool", "operation_started"))
    (result,) = (r for r in rest if r["type"] == "result")
    assert result is rest[-1]
    assert (code, result["exit_code"], result["operation"]) == (130, 130, "scale")
    (step,) = (s for s in result["under_way"] if s["step"] == "pool")
    assert step["google_operation"].startswith("operation-")
    assert result["bill_now"]["usd_per_hour"] == pytest.approx(2.553), "four nodes are asked for"
    assert result["resume"] == "rhaii-tui scale 4 --yes --practice --json"
    await done(scale_plan(await found(endpoints, commands.home), 3), endpoints, commands.home)
    assert there(wire) == (3, 3, 3, 3)


async def test_another_number_than_the_unfinished_ones_undoes_what_that_began(
    commands: Commands, endpoints: Endpoints, wire: Wire
) -> None:
    commands.killed("scale", "5", "--yes", at=at("pool", "operation_started"))
    await done(scale_plan(await found(endpoints, commands.home), 3), endpoints, commands.home)
    assert there(wire) == (3, 3, 3, 3)


async def test_pods_of_others_beside_a_replica_keep_the_nodes_of_a_stop(
    endpoints: Endpoints, home: Path, wire: Wire
) -> None:
    node = wire.replicas(CLUSTER, NAMESPACE, SERVICE)[0]["spec"]["nodeName"]
    guest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "guest"},
        "spec": {"nodeName": node, "containers": [{"name": "main", "image": "jupyter/base-notebook:latest"}]},
    }
    pods = "/api/v1/namespaces/default/pods"
    wire.kube(CLUSTER, "POST", pods, guest)
    step, finding = stopped_at(await carried_out(stop_plan(await found(endpoints, home)), endpoints, home))
    assert (step, finding.rule) == ("pool", "pool.shared")
    assert "default/guest" in finding.message
    assert there(wire) == (0, 0, 3, 3)
    wire.kube(CLUSTER, "DELETE", f"{pods}/guest")
    await until(lambda: wire.kube(CLUSTER, "GET", f"{pods}/guest") is None)
    assert (await done(wake_plan(await found(endpoints, home), None, {}), endpoints, home)).replicas_ready == 3


async def test_a_controller_that_does_not_know_the_annotation_is_told_by_number(
    endpoints: Endpoints, home: Path, wire: Wire
) -> None:
    wire.fault("stop-unheeded", True)
    await done(stop_plan(await found(endpoints, home)), endpoints, home)
    assert there(wire) == (0, 0, 0, 0)
    path = f"/apis/serving.kserve.io/v1alpha1/namespaces/{NAMESPACE}/llminferenceservices/{SERVICE}"
    assert wire.kube(CLUSTER, "GET", path)["spec"]["replicas"] == 0
    stopped = await found(endpoints, home)
    assert stopped.stopped
    state = await done(wake_plan(stopped, None, {}), endpoints, home)
    wire.fault("stop-unheeded", False)
    assert state.replicas_ready == 3, "as many as before the stop"
