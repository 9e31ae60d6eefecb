"""Faults of nodes and of the pool they come from."""

from __future__ import annotations

import pytest
from fault_stage import Deployed, conditions, ready, reason, word


async def _pending(deployed: Deployed) -> str:
    """The scheduler's message for a replica that finds no place."""
    for pod in await deployed.replicas():
        for entry in pod["status"].get("conditions") or ():
            if entry["type"] == "PodScheduled" and entry["status"] == "False":
                return str(entry["message"])
    return ""


SCHEDULING = [
    ("node-label-missing", "3 node(s) didn't match Pod's node affinity/selector"),
    ("node-taint-extra", "1 node(s) had untolerated taint(s)"),
    ("device-plugin-broken", "3 Insufficient nvidia.com/gpu"),
    ("pool-too-small", "0/4 nodes are available: 2 Insufficient nvidia.com/gpu"),
]


@pytest.mark.parametrize(("fault", "words"), SCHEDULING)
async def test_a_replica_finds_no_place(deployed: Deployed, fault: str, words: str) -> None:
    async with deployed.broken(fault):

        async def told() -> bool:
            return words in await _pending(deployed)

        await deployed.until(told, "Pod")
        assert ready(await deployed.replicas()) == 2


async def test_the_device_plugin_says_why(deployed: Deployed) -> None:
    async with deployed.broken("device-plugin-broken"):

        async def without() -> str:
            nodes = [n for n in await deployed.list("Node") if n["status"]["allocatable"].get("nvidia.com/gpu") == "0"]
            return str(nodes[0]["metadata"]["name"]) if nodes else ""

        name = await deployed.until(without, "Node")
        pods = [p for p in await deployed.list("Pod", "kube-system") if p["spec"]["nodeName"] == name]
        assert "failed to generate CDI spec" in await deployed.log(pods[0], "nvidia-gpu-device-plugin")


async def test_a_node_falls_silent_and_comes_back(deployed: Deployed) -> None:
    async with deployed.broken("node-lost"):

        async def evicted() -> bool:
            return any(word(p) == "Terminating" for p in await deployed.replicas()) and bool(await _pending(deployed))

        await deployed.until(evicted, "Pod")
        node = next(n for n in await deployed.list("Node") if conditions(n)["Ready"] == "Unknown")
        assert reason(node, "Ready") == "NodeStatusUnknown"
        unreachable = [t["effect"] for t in node["spec"]["taints"] if t["key"] == "node.kubernetes.io/unreachable"]
        assert unreachable == ["NoSchedule", "NoExecute"]
        pod = next(p for p in await deployed.replicas() if word(p) == "Terminating")
        assert pod["status"]["containerStatuses"][0]["ready"] is True
        assert conditions(pod)["Ready"] == "False"
        assert reason(pod, "DisruptionTarget") == "DeletionByTaintManager"


async def test_a_spot_machine_is_taken_back(deployed: Deployed) -> None:
    async with deployed.broken("spot-reclaimed"):

        async def gone() -> bool:
            return len(await deployed.list("Node")) == 4 and bool(await _pending(deployed))

        await deployed.until(gone, "Node", "Pod")
        assert await deployed.messages("DeletingNode")
        accelerated = [n for n in await deployed.list("Node") if "nvidia.com/gpu" in n["status"]["allocatable"]]
        assert all(n["metadata"]["labels"]["cloud.google.com/gke-spot"] == "true" for n in accelerated)


REPAIRS = [("quota-in-operation", "GPUS_ALL_REGIONS"), ("gpu-quota-zero", "NVIDIA_T4_GPUS")]


@pytest.mark.parametrize(("fault", "metric"), REPAIRS)
async def test_a_repair_meets_the_quota_inside_its_operation(deployed: Deployed, fault: str, metric: str) -> None:
    async with deployed.broken(fault):

        async def failed() -> bool:
            pools = (await deployed.gke("/nodePools"))["nodePools"]
            return any(p["status"] == "RUNNING_WITH_ERROR" for p in pools)

        await deployed.until(failed, "Node", "Pod", "Event", "Deployment")
        operations = (await deployed.gke("/operations"))["operations"]
        ended = [o for o in operations if o["operationType"] == "AUTO_REPAIR_NODES"][-1]
        assert ended["status"] == "DONE"
        assert ended["error"]["code"] == 8
        assert "[GCE_QUOTA_EXCEEDED]: Instance 'gke-" in ended["error"]["message"]
        assert f"Quota '{metric}' exceeded" in ended["error"]["message"]
        assert ready(await deployed.replicas()) == 2


async def test_a_repair_waits_for_machines_and_holds_the_lock(deployed: Deployed) -> None:
    async with deployed.broken("stockout"):

        async def gone() -> bool:
            return "0/4 nodes" in await _pending(deployed)

        await deployed.until(gone, "Pod")
        operations = (await deployed.gke("/operations"))["operations"]
        assert operations[-1]["operationType"] == "AUTO_REPAIR_NODES"
        assert operations[-1]["status"] == "RUNNING"
