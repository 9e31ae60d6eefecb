"""Teardown goes by more than names: what was there before, or was made anew under a name of ours, is left."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from between import between
from carrying_out import carried_out, done, stopped_at
from wire import Wire, until

from rhaii_tui.catalog.findings import Status
from rhaii_tui.catalog.shapes import Accelerator, Topology
from rhaii_tui.catalog.target import Target
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import created, intends
from rhaii_tui.deployment.plan import Plan
from rhaii_tui.deployment.session import Session
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.google.gke import Gke
from rhaii_tui.kube.connect import Cluster
from rhaii_tui.operations import memory
from rhaii_tui.operations.discovery import Wish
from rhaii_tui.operations.ownership import ANEW, BEFORE
from rhaii_tui.operations.teardown import plan_teardown
from rhaii_tui.operations.trouble import Trouble

CLUSTER, ZONE, SPACE = "shared-tools", "us-central1-b", "default"
SECRETS = f"/api/v1/namespaces/{SPACE}/secrets"
LOGIN, TOKEN = "rhaiis-pull-secret", "huggingface-token"


def place(endpoints: Endpoints, cluster: str = CLUSTER, zone: str = ZONE) -> Target:
    return Target(
        accelerator=Accelerator.GPU_T4, topology=Topology.SINGLE, project=str(endpoints.project), zone=zone,
        cluster=cluster, pool="gpu-pool", namespace=SPACE, service="a-service", replicas=1,
        model="Qwen/Qwen2.5-3B-Instruct", image="vllm",
    )  # fmt: skip


async def remembered(target: Target, endpoints: Endpoints, home: Path, *events: e.Event) -> None:
    """A setup that has come as far as this."""
    session = await Session.open(target, endpoints, home)
    session.approve("test")
    for event in events:
        session.record(event)
    await session.close()


def secret(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": SPACE}, "type": "Opaque"}


def made(wire: Wire, name: str) -> str:
    """A Secret that somebody makes, instead of one of the name if there is one; its uid."""
    wire.kube(CLUSTER, "DELETE", f"{SECRETS}/{name}")
    return str(wire.kube(CLUSTER, "POST", SECRETS, secret(name))["metadata"]["uid"])


async def applied(endpoints: Endpoints, name: str) -> str:
    """A Secret that we apply; its uid."""
    info = await Gke(endpoints, str(endpoints.project)).get_cluster(ZONE, CLUSTER)
    cluster = await Cluster.from_gke(info.endpoint, info.ca_pem, endpoints)
    try:
        return str((await cluster.apply(secret(name)))["metadata"]["uid"])
    finally:
        await cluster.close()


async def planned(endpoints: Endpoints, home: Path, cluster: str = CLUSTER) -> Plan:
    return await plan_teardown(endpoints, home, Wish(project=str(endpoints.project), cluster=cluster))


def reasons(plan: Plan) -> dict[tuple[str, str], str]:
    assert plan.change is not None
    return {(x.kind, x.name): x.why for x in plan.change.leaves}


def removes(plan: Plan) -> set[str]:
    assert plan.change is not None
    return {x.name for x in plan.change.removes}


def ledger(endpoints: Endpoints, home: Path, target: Target) -> set[str]:
    return {x.name for x in memory.ledger(home, endpoints.name, memory.place(target))}


async def test_what_was_there_before_is_left_and_said_so(endpoints: Endpoints, wire: Wire, tmp_path: Path) -> None:
    target, login = place(endpoints), f"{SPACE}/{LOGIN}"
    before = made(wire, LOGIN)
    ours = created("secrets", "Secret", f"{SPACE}/{TOKEN}", await applied(endpoints, TOKEN))
    await remembered(target, endpoints, tmp_path, intends("secrets", "apply", "Secret", login, existing=True), ours)
    plan = await planned(endpoints, tmp_path)
    assert removes(plan) == {f"{SPACE}/{TOKEN}"}
    assert reasons(plan)["Secret", login] == BEFORE
    await done(plan, endpoints, tmp_path)
    assert wire.kube(CLUSTER, "GET", f"{SECRETS}/{LOGIN}")["metadata"]["uid"] == before
    assert wire.kube(CLUSTER, "GET", f"{SECRETS}/{TOKEN}") is None
    assert ledger(endpoints, tmp_path, target) == set()


@pytest.mark.parametrize("late", [False, True], ids=["before the plan", "after the plan"])
async def test_a_namesake_is_left_and_ours_leaves_the_ledger(
    endpoints: Endpoints, wire: Wire, tmp_path: Path, late: bool
) -> None:
    target, name = place(endpoints), f"{SPACE}/{LOGIN}"
    ours = created("secrets", "Secret", name, await applied(endpoints, LOGIN))
    await remembered(target, endpoints, tmp_path, ours)
    plan = await planned(endpoints, tmp_path)
    assert removes(plan) == {name}
    theirs = made(wire, LOGIN)
    if not late:
        plan = await planned(endpoints, tmp_path)
        assert (removes(plan), reasons(plan)["Secret", name]) == (set(), ANEW)
    await done(plan, endpoints, tmp_path)
    assert wire.kube(CLUSTER, "GET", f"{SECRETS}/{LOGIN}")["metadata"]["uid"] == theirs
    assert ledger(endpoints, tmp_path, target) == set()


async def test_without_a_uid_the_field_manager_tells(endpoints: Endpoints, wire: Wire, tmp_path: Path) -> None:
    target = place(endpoints)
    intents = [intends("secrets", "apply", "Secret", f"{SPACE}/{name}") for name in (LOGIN, TOKEN)]
    made(wire, LOGIN)
    wire.kube(CLUSTER, "DELETE", f"{SECRETS}/{TOKEN}")
    await applied(endpoints, TOKEN)
    await remembered(target, endpoints, tmp_path, *intents)
    plan = await planned(endpoints, tmp_path)
    assert removes(plan) == {f"{SPACE}/{TOKEN}"}
    assert "nothing proves" in reasons(plan)["Secret", f"{SPACE}/{LOGIN}"]
    await done(plan, endpoints, tmp_path)
    assert wire.kube(CLUSTER, "GET", f"{SECRETS}/{LOGIN}") is not None
    assert ledger(endpoints, tmp_path, target) == {f"{SPACE}/{LOGIN}"}, "what is not known is not forgotten"


async def test_a_plan_of_an_earlier_version_is_refused_without_proof(
    endpoints: Endpoints, wire: Wire, tmp_path: Path
) -> None:
    target, name = place(endpoints), f"{SPACE}/{LOGIN}"
    await remembered(target, endpoints, tmp_path, created("secrets", "Secret", name, await applied(endpoints, LOGIN)))
    plan = await planned(endpoints, tmp_path)
    assert plan.change is not None
    items = tuple(x.model_copy(update={"uid": ""}) for x in plan.change.removes)
    made(wire, LOGIN)
    old = plan.model_copy(update={"change": plan.change.model_copy(update={"removes": items})})
    step, finding = stopped_at(await carried_out(old, endpoints, tmp_path))
    assert (step, finding.rule) == ("objects", "teardown.unproven")
    assert f"kubectl delete secret {LOGIN} -n {SPACE}" in finding.remediation
    assert wire.kube(CLUSTER, "GET", f"{SECRETS}/{LOGIN}") is not None


async def test_work_made_anew_under_our_name_keeps_the_cluster(
    endpoints: Endpoints, wire: Wire, tmp_path: Path
) -> None:
    target = place(endpoints)
    info = await Gke(endpoints, target.project).get_cluster(ZONE, CLUSTER)
    wire.kube(
        CLUSTER, "POST", "/apis/apps/v1/namespaces/default/deployments",
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
         "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}},
                  "template": {"metadata": {"labels": {"app": "web"}},
                               "spec": {"containers": [{"name": "web", "image": "nginx"}]}}}},
    )  # fmt: skip
    ours = created("doctor", "Deployment", "default/web", "the-uid-that-is-gone")
    await remembered(target, endpoints, tmp_path, created("cluster", "Cluster", CLUSTER, info.id), ours)
    plan = await planned(endpoints, tmp_path)
    wire.kube(CLUSTER, "DELETE", "/apis/apps/v1/namespaces/default/deployments/web")
    assert "cluster" not in [s.id for s in plan.steps]
    assert ("Deployment", "default/web") in reasons(plan)


@pytest.mark.parametrize(
    ("labels", "entry", "goes", "why"),
    [
        ({"managed-by": "rhaii-tui"}, "another-id", False, ANEW),
        ({"managed-by": "rhaii-tui", "rhaii-tui-run": "another"}, "", False, "no label proves"),
        ({}, "", False, "no label proves"),
        ({"managed-by": "rhaii-tui"}, "", True, ""),
    ],
    ids=["made anew", "another run's", "unlabelled", "an earlier version's"],
)
async def test_a_cluster_is_known_by_its_id_or_its_labels(
    endpoints: Endpoints, wire: Wire, tmp_path: Path, labels: dict[str, str], entry: str, goes: bool, why: str
) -> None:
    name, zone = f"a-cluster-{len(labels)}{len(entry)}", "us-central1-a"
    target = place(endpoints, name, zone)
    where = f"/v1/projects/{wire.project}/locations/{zone}/clusters"
    pools = [{"name": "default-pool", "initialNodeCount": 1}]
    wire.google("POST", where, {"cluster": {"name": name, "resourceLabels": labels, "nodePools": pools}})
    await until(lambda: wire.google("GET", f"{where}/{name}")["status"] == "RUNNING")
    await remembered(target, endpoints, tmp_path, created("cluster", "Cluster", name, entry))
    plan = await planned(endpoints, tmp_path, name)
    assert ("cluster" in [s.id for s in plan.steps]) is goes
    assert why in reasons(plan).get(("Cluster", f"{name} ({zone})"), "")
    await done(plan, endpoints, tmp_path)
    assert (name in wire.clusters()) is not goes
    assert ledger(endpoints, tmp_path, target) == ({name} if why.startswith("no label") else set())


@pytest.mark.parametrize(
    ("labels", "entry", "goes"),
    [
        ({}, "", False),
        ({"managed-by": "rhaii-tui"}, "a-run", False),
        ({"managed-by": "rhaii-tui"}, "", True),
        ({"managed-by": "rhaii-tui", "rhaii-tui-run": "a-run"}, "a-run", True),
    ],
    ids=["unlabelled", "made anew", "an earlier version's", "the run's own"],
)
async def test_a_pool_is_known_by_its_labels(
    endpoints: Endpoints, wire: Wire, tmp_path: Path, labels: dict[str, str], entry: str, goes: bool
) -> None:
    pool = f"pool-{len(labels)}{len(entry)}"
    target, name = place(endpoints).model_copy(update={"pool": pool}), f"{CLUSTER}/{pool}"
    where = f"/v1/projects/{wire.project}/locations/{ZONE}/clusters/{CLUSTER}/nodePools"
    config = {"machineType": "e2-medium", "resourceLabels": labels}
    wire.google("POST", where, {"nodePool": {"name": pool, "initialNodeCount": 0, "config": config}})
    await until(lambda: wire.google("GET", f"{where}/{pool}")["status"] == "RUNNING")
    await remembered(target, endpoints, tmp_path, created("pool", "NodePool", name, entry))
    plan = await planned(endpoints, tmp_path)
    assert (removes(plan) == {name}) is goes
    assert ("no label proves" in reasons(plan).get(("NodePool", name), "")) is not goes
    await done(plan, endpoints, tmp_path)
    assert (wire.google("GET", f"{where}/{pool}") is None) is goes


async def test_a_cluster_without_an_address_has_not_lost_its_objects(
    endpoints: Endpoints, wire: Wire, tmp_path: Path
) -> None:
    target, name = place(endpoints), f"{SPACE}/{TOKEN}"
    wire.kube(CLUSTER, "DELETE", f"{SECRETS}/{TOKEN}")
    await remembered(target, endpoints, tmp_path, created("secrets", "Secret", name, await applied(endpoints, TOKEN)))
    plan = await planned(endpoints, tmp_path)

    def nowhere(method: str, path: str, answer: Any) -> Any:
        for cluster in [answer, *answer.get("clusters", [])]:
            if cluster.get("name") == CLUSTER:
                cluster.pop("endpoint", None)
        return answer

    async with between(wire, endpoints, nowhere) as blind:
        step, finding = stopped_at(await carried_out(plan, blind, tmp_path))
        assert (step, finding.rule, finding.status) == ("connect", "teardown.unseen", Status.UNKNOWN)
        proof = plan.model_copy(update={"steps": (plan.steps[-1].model_copy(update={"after": ()}),)})
        step, finding = stopped_at(await carried_out(proof, blind, tmp_path / "proof"))
        assert (step, finding.status) == ("proof", Status.UNKNOWN)
        with pytest.raises(Trouble) as trouble:
            await planned(blind, tmp_path)
        assert trouble.value.unknown
    assert ledger(endpoints, tmp_path, target) == {name}
    await done(await planned(endpoints, tmp_path), endpoints, tmp_path)
    assert ledger(endpoints, tmp_path, target) == set()


async def test_an_intent_taken_back_by_its_run_claims_nothing(endpoints: Endpoints, tmp_path: Path) -> None:
    target = place(endpoints)
    asked, back = (intends("policies", "apply", "NetworkPolicy", "default/p", existing=x) for x in (False, True))
    await remembered(target, endpoints, tmp_path, asked, back)
    assert ledger(endpoints, tmp_path, target) == set()
    other = target.model_copy(update={"service": "another"})
    await remembered(other, endpoints, tmp_path, asked)
    await remembered(target, endpoints, tmp_path, back, e.RunStopped(at=time.time(), outcome="failed"))
    assert ledger(endpoints, tmp_path, target) == {"default/p"}, "another run's is another matter"


async def test_what_a_later_run_asked_for_is_not_taken_for_an_earlier_ones(
    endpoints: Endpoints, tmp_path: Path
) -> None:
    target = place(endpoints)
    await remembered(target, endpoints, tmp_path, created("policies", "NetworkPolicy", "default/p", "first"))
    other = target.model_copy(update={"service": "another"})
    await remembered(other, endpoints, tmp_path, intends("policies", "apply", "NetworkPolicy", "default/p"))
    (entry,) = memory.ledger(tmp_path, endpoints.name, memory.place(target))
    assert entry.uid == "", "killed before it heard the uid, the later run leaves evidence to decide"
