"""The Kubernetes Engine API of the practice cloud, through Google's own client."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google_calls import PLACE, ZONE, call, cluster, container_client, finish, switch, t4_pool
from practice_process import Practice

gexc = pytest.importorskip("google.api_core.exceptions")


@pytest.fixture(scope="module")
def gke(practice: Practice) -> Any:
    return container_client(practice.line["google"], Path(practice.descriptor["token_file"]).read_text().strip())


@pytest.fixture(scope="module")
def demo(gke: Any) -> str:
    """A running cluster; returns its full name."""
    finish(gke, gke.create_cluster(parent=PLACE, cluster=cluster("demo")))
    return f"{PLACE}/clusters/demo"


@pytest.fixture
def fault(practice: Practice) -> Iterator[Any]:
    on: list[str] = []

    def turn_on(name: str) -> None:
        on.append(name)
        switch(practice.line["control"], name, True)

    yield turn_on
    for name in on:
        switch(practice.line["control"], name, False)


def test_the_neighbours_cluster_is_there_from_the_start(gke: Any) -> None:
    clusters = gke.list_clusters(parent="projects/practice-project/locations/-").clusters
    shared = next(c for c in clusters if c.name == "shared-tools")
    assert (shared.location, shared.status, shared.current_node_count) == ("us-central1-b", 2, 2)


def test_a_created_cluster_answers_at_its_endpoint(gke: Any, demo: str, practice: Practice) -> None:
    found = gke.get_cluster(name=demo)
    assert found.status == 2
    assert found.resource_labels == {"managed-by": "rhaii-tui"}
    assert found.self_link.endswith(f"/projects/123456789012/zones/{ZONE}/clusters/demo")
    assert base64.b64decode(found.master_auth.cluster_ca_certificate).startswith(b"-----BEGIN CERTIFICATE-----")
    kubeconfig = Path(practice.line["kubeconfig"]).read_text()
    assert found.endpoint in kubeconfig
    assert f"current-context: gke_practice-project_{ZONE}_demo" in kubeconfig


def test_progress_is_flat_pairs_and_health_checking_stays_at_one_of_two(gke: Any, demo: str) -> None:
    operations = gke.list_operations(parent=PLACE).operations
    created = next(o for o in operations if o.operation_type == 1 and o.target_link.endswith("/demo"))
    metrics = {m.name: m.int_value for m in created.progress.metrics}
    assert metrics["CLUSTER_DEPLOYING"] == metrics["CLUSTER_DEPLOYING_TOTAL"] == 11
    assert (metrics["CLUSTER_HEALTHCHECKING"], metrics["CLUSTER_HEALTHCHECKING_TOTAL"]) == (1, 2)


def test_an_operation_holds_the_lock_and_a_name_is_taken_once(gke: Any, demo: str) -> None:
    with pytest.raises(gexc.Conflict, match=f"Already exists: projects/practice-project/zones/{ZONE}/clusters/demo"):
        gke.create_cluster(parent=PLACE, cluster=cluster("demo"))
    running = gke.create_node_pool(parent=demo, node_pool=t4_pool(1, "locked"))
    with pytest.raises(gexc.BadRequest, match=f"Cluster is running incompatible operation {running.name}"):
        gke.delete_node_pool(name=f"{demo}/nodePools/locked")
    with pytest.raises(gexc.BadRequest, match="Operation type CREATE_NODE_POOL cannot be cancelled"):
        gke.cancel_operation(name=f"{PLACE}/operations/{running.name}")
    assert not finish(gke, running).error.code
    assert gke.get_cluster(name=demo).status == 2
    finish(gke, gke.delete_node_pool(name=f"{demo}/nodePools/locked"))
    with pytest.raises(gexc.NotFound, match="Not found"):
        gke.get_node_pool(name=f"{demo}/nodePools/locked")


def test_a_pool_grows_shrinks_and_a_missing_node_count_is_zero(gke: Any, demo: str, practice: Practice) -> None:
    base = practice.line["google"]
    before = gke.get_cluster(name=demo).current_node_count
    finish(gke, gke.create_node_pool(parent=demo, node_pool=t4_pool(1)))
    pool = f"{demo}/nodePools/gpu-t4"
    for size in (3, 1):
        finish(gke, gke.set_node_pool_size(request={"name": pool, "node_count": size}))
        assert gke.get_cluster(name=demo).current_node_count == before + size
    status, operation = call(base, "POST", f"/v1/{pool}:setSize", {})
    assert status == 200, operation
    finish(gke, gke.get_operation(name=f"{PLACE}/operations/{operation['name']}"))
    assert gke.get_cluster(name=demo).current_node_count == before
    finish(gke, gke.delete_node_pool(name=pool))


def test_autoscaling_is_set_both_ways(gke: Any, demo: str, practice: Practice) -> None:
    pool = f"{demo}/nodePools/default-pool"
    scaling = {"enabled": True, "min_node_count": 1, "max_node_count": 3}
    finish(gke, gke.set_node_pool_autoscaling(request={"name": pool, "autoscaling": scaling}))
    assert gke.get_node_pool(name=pool).autoscaling.max_node_count == 3
    update = {"desiredNodePoolId": "default-pool", "desiredNodePoolAutoscaling": {"enabled": False}}
    status, operation = call(practice.line["google"], "PUT", f"/v1/{demo}", {"update": update})
    assert status == 200, operation
    finish(gke, gke.get_operation(name=f"{PLACE}/operations/{operation['name']}"))
    assert not gke.get_node_pool(name=pool).autoscaling.enabled


def test_zero_quota_refuses_the_pool_before_anything_starts(gke: Any, demo: str, fault: Any) -> None:
    fault("gpu-quota-zero")
    text = (
        "Insufficient regional quota to satisfy request: resource \"NVIDIA_T4_GPUS\": request requires '3.0' and is "
        "short '3.0'. project has a quota of '0.0' with '0.0' available."
    )
    with pytest.raises(gexc.Forbidden) as refused:
        gke.create_node_pool(parent=demo, node_pool=t4_pool(3))
    assert text in str(refused.value)
    assert all(p.name != "gpu-t4" for p in gke.get_cluster(name=demo).node_pools)


def test_a_quota_found_later_fails_the_operation_and_leaves_the_pool(gke: Any, demo: str, fault: Any) -> None:
    fault("gpus-all-regions-zero")
    operation = finish(gke, gke.create_node_pool(parent=demo, node_pool=t4_pool(3)))
    assert operation.error.code == 8
    assert "[GCE_QUOTA_EXCEEDED]" in operation.error.message
    assert "Quota 'GPUS_ALL_REGIONS' exceeded.  Limit: 0.0 globally." in operation.error.message
    pool = f"{demo}/nodePools/gpu-t4"
    assert gke.get_node_pool(name=pool).status == 6  # ERROR: it blocks the name until deleted
    with pytest.raises(gexc.Conflict):
        gke.create_node_pool(parent=demo, node_pool=t4_pool(3))
    finish(gke, gke.delete_node_pool(name=pool))


def test_a_stockout_holds_the_lock_until_it_is_over(gke: Any, demo: str, fault: Any, practice: Practice) -> None:
    fault("stockout")
    operation = gke.create_node_pool(parent=demo, node_pool=t4_pool(2))
    group = gke.get_node_pool(name=f"{demo}/nodePools/gpu-t4").instance_group_urls[0].rpartition("/")[2]
    listing = f"/compute/v1/projects/practice-project/zones/{ZONE}/instanceGroupManagers/{group}/listErrors"
    errors: list[Any] = []
    while not errors and gke.get_operation(name=f"{PLACE}/operations/{operation.name}").status == 2:
        errors = call(practice.line["google"], "GET", listing)[1].get("items", [])
    assert "ZONE_RESOURCE_POOL_EXHAUSTED" in errors[0]["error"]["code"]
    switch(practice.line["control"], "stockout", False)
    assert not finish(gke, operation).error.code
    finish(gke, gke.delete_node_pool(name=f"{demo}/nodePools/gpu-t4"))


@pytest.mark.parametrize(
    ("pool", "text"),
    [
        ({"placement_policy": {"tpu_topology": "2x2"}}, "TPU topology can't be specified with single-host"),
        ({"initial_node_count": 1001}, "between 0 and 1000"),
        ({"name": "UPPER"}, "Invalid value for field"),
        ({"locations": ["us-central1-f"]}, "are not in the cluster's location"),
        ({"config": {"machine_type": "a4-highgpu-8g"}}, "does not exist in zone"),
        ({"autoscaling": {"enabled": True, "min_node_count": 3, "max_node_count": 1}}, "Autoscaling limits"),
    ],
)
def test_what_google_refuses(gke: Any, demo: str, pool: dict[str, Any], text: str) -> None:
    base = {"name": "tpu-v6e", "initial_node_count": 1, "config": {"machine_type": "ct6e-standard-4t"}}
    with pytest.raises(gexc.BadRequest, match=text):
        gke.create_node_pool(parent=demo, node_pool={**base, **pool})


def test_an_unknown_field_is_named_with_its_place(practice: Practice) -> None:
    body = {"cluster": {"name": "x", "nodePools": [{"name": "p", "config": {"machinetype": "e2-medium"}}]}}
    status, answer = call(practice.line["google"], "POST", f"/v1/{PLACE}/clusters", body)
    assert status == 400
    assert (
        "Unknown name \"machinetype\" at 'cluster.nodePools[0].config': Cannot find field."
        in answer["error"]["message"]
    )
    assert answer["error"]["status"] == "INVALID_ARGUMENT"


def test_a_wrong_token_is_refused_and_a_missing_one_is_not(practice: Practice) -> None:
    base = practice.line["google"]
    assert call(base, "GET", f"/v1/{PLACE}/clusters", token="ya29.wrong")[0] == 401
    assert call(base, "GET", f"/v1/{PLACE}/clusters")[0] == 200


def test_permission_and_disabled_api(gke: Any, fault: Any, practice: Practice) -> None:
    fault("permission-missing")
    with pytest.raises(gexc.Forbidden, match=r'Required "container\.clusters\.create" permission'):
        gke.create_cluster(parent=PLACE, cluster=cluster("never"))
    fault("api-disabled")
    status, answer = call(practice.line["google"], "GET", f"/v1/{PLACE}/clusters")
    assert (status, answer["error"]["details"][0]["reason"]) == (403, "SERVICE_DISABLED")


def test_a_cluster_is_deleted_with_its_context(gke: Any, practice: Practice) -> None:
    finish(gke, gke.create_cluster(parent=PLACE, cluster=cluster("brief")))
    finish(gke, gke.delete_cluster(name=f"{PLACE}/clusters/brief"))
    with pytest.raises(gexc.NotFound):
        gke.get_cluster(name=f"{PLACE}/clusters/brief")
    assert "_brief" not in Path(practice.line["kubeconfig"]).read_text()


def test_calls_are_remembered(practice: Practice) -> None:
    requests = call(practice.line["control"], "GET", "/requests")[1]["requests"]
    assert all(set(r) == {"method", "path", "status"} for r in requests)
    assert json.dumps(requests).count("ya29") == 0
