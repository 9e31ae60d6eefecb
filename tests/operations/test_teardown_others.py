"""What others do in a cluster of ours keeps it from being deleted, whatever it is and whenever they began."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from carrying_out import carried_out, stopped_at
from wire import Wire, until

from rhaii_tui.catalog.bill import Bill
from rhaii_tui.catalog.shapes import Accelerator, Topology
from rhaii_tui.catalog.target import Target
from rhaii_tui.deployment.plan import Change, Effect, Item, Plan, StepSpec
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.google.gke import Gke
from rhaii_tui.operations.teardown import Others, others_inside

CLUSTER, ZONE = "shared-tools", "us-central1-b"
"""Somebody's cluster that the practice cloud has from the start; here it stands for one of ours."""
TEMPLATE = {
    "metadata": {"labels": {"app": "db"}},
    "spec": {"containers": [{"name": "db", "image": "postgres:17"}]},
}


async def seen(endpoints: Endpoints, owned: set[tuple[str, str]]) -> Others:
    info = await Gke(endpoints, str(endpoints.project)).get_cluster(ZONE, CLUSTER)
    return await others_inside(info, endpoints, owned)


def named(others: Others) -> set[tuple[str, str]]:
    return {(item.kind, item.name) for item in others.items}


@pytest.mark.parametrize(
    ("path", "obj", "found"),
    [
        ("/apis/apps/v1/namespaces/default/statefulsets", {"apiVersion": "apps/v1", "kind": "StatefulSet",
         "metadata": {"name": "db"}, "spec": {"replicas": 0, "serviceName": "db", "template": TEMPLATE,
         "selector": {"matchLabels": {"app": "db"}}}}, ("StatefulSet", "default/db")),
        ("/apis/apps/v1/namespaces/default/deployments", {"apiVersion": "apps/v1", "kind": "Deployment",
         "metadata": {"name": "db"}, "spec": {"replicas": 0, "template": TEMPLATE,
         "selector": {"matchLabels": {"app": "db"}}}}, ("Deployment", "default/db")),
        ("/api/v1/namespaces/default/pods", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "db"},
         "spec": TEMPLATE["spec"]}, ("Pod", "default/db")),
    ],
)  # fmt: skip
async def test_every_kind_of_work_is_seen(
    endpoints: Endpoints, wire: Wire, path: str, obj: dict[str, Any], found: tuple[str, str]
) -> None:
    assert found not in named(await seen(endpoints, set()))
    wire.kube(CLUSTER, "POST", path, obj)
    try:
        assert found in named(await seen(endpoints, set()))
        assert found not in named(await seen(endpoints, {found})), "what the ledger has is not work of others"
    finally:
        wire.kube(CLUSTER, "DELETE", f"{path}/db")
        await until(lambda: wire.kube(CLUSTER, "GET", f"{path}/db") is None)


async def test_work_that_began_after_the_plan_keeps_the_cluster(
    endpoints: Endpoints, wire: Wire, tmp_path: Path
) -> None:
    target = Target(
        accelerator=Accelerator.GPU_T4,
        topology=Topology.SINGLE,
        project=str(endpoints.project),
        zone=ZONE,
        cluster=CLUSTER,
        pool="default-pool",
        namespace="inference",
        service="a-service",
        replicas=1,
        model="Qwen/Qwen2.5-3B-Instruct",
        image="vllm",
    )
    change = Change(
        replicas_before=0, replicas_after=0, nodes_before=0, nodes_after=0, ours=True,
        removes=(Item(kind="Cluster", name=CLUSTER),),
    )  # fmt: skip
    step = StepSpec(
        id="cluster", title="Cluster", effect=Effect.DESTROY, usual_seconds=1, usual_source="", waits_for="",
    )  # fmt: skip
    bill = Bill(region=target.region, provisioning="on-demand", components=())
    plan = Plan(kind="teardown", target=target, steps=(step,), bill=bill, bill_before=bill, change=change)
    failed, finding = stopped_at(await carried_out(plan, endpoints, tmp_path))
    assert (failed, finding.rule) == ("cluster", "teardown.others")
    assert "would go with it" in finding.message
    assert CLUSTER in wire.clusters()
