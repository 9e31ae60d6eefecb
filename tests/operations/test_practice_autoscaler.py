"""The practice cloud's pools behave as GKE's: an autoscaler's patience, and which machines a smaller size costs."""

from __future__ import annotations

from wire import Wire, until

CLUSTER, ZONE = "shared-tools", "us-central1-b"


def pool(wire: Wire, name: str = "") -> str:
    base = f"/v1/projects/{wire.project}/locations/{ZONE}/clusters/{CLUSTER}/nodePools"
    return f"{base}/{name}" if name else base


def body(name: str, nodes: int, **more: object) -> dict[str, object]:
    config = {"machineType": "e2-standard-4", "diskSizeGb": 50, "labels": {"pool": name}}
    return {"nodePool": {"name": name, "initialNodeCount": nodes, "config": config, **more}}


async def test_an_empty_node_goes_after_ten_minutes_and_not_below_the_minimum(wire: Wire) -> None:
    scaling = {"enabled": True, "minNodeCount": 1, "maxNodeCount": 3}
    wire.google("POST", pool(wire), body("spare", 2, autoscaling=scaling))
    await until(lambda: len(wire.nodes(CLUSTER, "spare")) == 2)
    await until(lambda: len(wire.nodes(CLUSTER, "spare")) == 1)
    assert wire.pool_size(ZONE, CLUSTER, "spare") == 1
    events = wire.kube(CLUSTER, "GET", "/api/v1/events")["items"]
    said = {e["message"] for e in events if e["reason"] == "ScaleDown"}
    assert "marked the node as toBeDeleted/unschedulable" in said


async def test_a_pod_that_fits_nowhere_is_told_why_and_one_that_fits_gets_a_node(wire: Wire) -> None:
    await until(lambda: wire.pool(ZONE, CLUSTER, "spare")["status"] == "RUNNING")

    def wants(name: str, cpu: str) -> None:
        container = {"name": "main", "image": "busybox:1.36", "resources": {"requests": {"cpu": cpu}}}
        spec = {"containers": [container], "nodeSelector": {"pool": "spare"}}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
        wire.kube(CLUSTER, "POST", "/api/v1/namespaces/default/pods", pod)

    def told(name: str, reason: str) -> list[str]:
        events = wire.kube(CLUSTER, "GET", "/api/v1/namespaces/default/events")["items"]
        return [e["message"] for e in events if e["involvedObject"]["name"] == name and e["reason"] == reason]

    wants("too-large", "64")
    await until(lambda: told("too-large", "NotTriggerScaleUp"))
    assert told("too-large", "NotTriggerScaleUp")[0] == "pod didn't trigger scale-up: 1 Insufficient cpu"
    wants("first", "3")
    wants("second", "3")
    await until(lambda: told("second", "TriggeredScaleUp"))
    assert "1->2 (max: 3)" in told("second", "TriggeredScaleUp")[0]
    await until(lambda: told("second", "Scheduled"))


async def test_machines_deleted_by_name_are_the_ones_that_go(wire: Wire) -> None:
    wire.google("POST", pool(wire), body("named", 3))
    await until(lambda: len(wire.nodes(CLUSTER, "named")) == 3)
    await until(lambda: wire.pool(ZONE, CLUSTER, "named")["status"] == "RUNNING")
    before = wire.nodes(CLUSTER, "named")
    group = wire.pool(ZONE, CLUSTER, "named")["instanceGroupUrls"][0].partition("/compute/v1")[2]
    instances = {"instances": [f"zones/{ZONE}/instances/{before[0]}"]}
    wire.google("POST", f"/compute/v1{group}/deleteInstances", instances)
    assert wire.pool_size(ZONE, CLUSTER, "named") == 2
    await until(lambda: len(wire.nodes(CLUSTER, "named")) == 2)
    assert set(wire.nodes(CLUSTER, "named")) == set(before[1:])
    wire.google("POST", f"{pool(wire, 'named')}:setSize", {"nodeCount": 3})
    await until(lambda: len(wire.nodes(CLUSTER, "named")) == 3)
