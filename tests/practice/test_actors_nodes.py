"""Node pools become nodes, and pods find them."""

from __future__ import annotations

from pathlib import Path

import pytest
from actors_stage import CPU_POOL, T4_POOL, V6E_POOL, Obj, conditions, stage, word

from rhaii_tui.practice.actors.nodes import node_name, remove_node


@pytest.mark.parametrize(
    ("pool", "label", "taint", "resource", "count"),
    [
        (T4_POOL, ("cloud.google.com/gke-accelerator", "nvidia-tesla-t4"), "nvidia.com/gpu", "nvidia.com/gpu", "1"),
        (V6E_POOL, ("cloud.google.com/gke-tpu-topology", "2x2"), "google.com/tpu", "google.com/tpu", "4"),
    ],
)
async def test_accelerators_show_after_readiness(
    tmp_path: Path, pool: Obj, label: tuple[str, str], taint: str, resource: str, count: str
) -> None:
    async with stage(tmp_path) as s:
        (name,) = await s.nodes(pool, 1)
        assert name == node_name("demo", str(pool["name"]), 0)
        assert name.startswith(f"gke-demo-{pool['name']}-")
        node = s.store.get("Node", None, name)
        assert conditions(node)["Ready"] == "True"
        assert all("lastHeartbeatTime" in c for c in node["status"]["conditions"])
        assert node["status"]["allocatable"].get(resource, "0") == "0"
        assert [(t["key"], t["effect"]) for t in node["spec"]["taints"]] == [(taint, "NoSchedule")]
        assert node["metadata"]["labels"][label[0]] == label[1]
        await s.until(
            lambda: s.store.get("Node", None, name)["status"]["allocatable"].get(resource) == count,
            "Node",
        )
        assert {e["reason"] for e in s.store.list("Event")} >= {"RegisteredNode", "NodeReady"}


async def test_spot_and_labels_come_from_the_pool(tmp_path: Path) -> None:
    pool = {"name": "p", "config": {"machineType": "e2-standard-4", "spot": True, "labels": {"team": "a"}}}
    async with stage(tmp_path) as s:
        (name,) = await s.nodes(pool, 1)
        labels = s.store.get("Node", None, name)["metadata"]["labels"]
    assert (labels["cloud.google.com/gke-spot"], labels["team"]) == ("true", "a")


async def test_the_scheduler_gives_the_real_reasons(tmp_path: Path) -> None:
    gpu = {"resources": {"limits": {"nvidia.com/gpu": "1"}}}
    async with stage(tmp_path) as s:
        s.create_pod("early", {})
        await s.until(lambda: s.messages("FailedScheduling", "early"), "Event")
        assert s.messages("FailedScheduling", "early") == ["no nodes available to schedule pods"]
        await s.nodes(CPU_POOL, 2)
        await s.until(lambda: s.pod("early")["spec"].get("nodeName"), "Pod")  # type: ignore[index]
        s.create_pod("gpu", gpu)
        s.create_pod("picky", {}, nodeSelector={"zone": "moon"})
        s.create_pod("big", {"resources": {"requests": {"cpu": "64"}}})
        s.create_pod("claim", {}, volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "x"}}])
        await s.until(lambda: s.messages("FailedScheduling", "claim"), "Event")
        tail = "preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."
        head = "0/2 nodes are available:"
        assert s.messages("FailedScheduling", "gpu") == [
            f"{head} 2 Insufficient nvidia.com/gpu. no new claims to deallocate, {tail}"
        ]
        assert s.messages("FailedScheduling", "picky") == [
            f"{head} 2 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, {tail}"
        ]
        assert s.messages("FailedScheduling", "big") == [
            f"{head} 2 Insufficient cpu. no new claims to deallocate, {tail}"
        ]
        assert s.messages("FailedScheduling", "claim") == [
            f'{head} persistentvolumeclaim "x" not found. not found',
        ]
        event = next(e for e in s.store.list("Event") if e["reason"] == "FailedScheduling")
        assert event["reportingComponent"] == "default-scheduler"
        assert event["firstTimestamp"] is None
        condition = next(c for c in s.pod("gpu")["status"]["conditions"] if c["type"] == "PodScheduled")  # type: ignore[index]
        assert (condition["status"], condition["reason"]) == ("False", "Unschedulable")


async def test_a_busy_accelerator_is_given_on_when_its_pod_goes(tmp_path: Path) -> None:
    gpu = {"resources": {"limits": {"nvidia.com/gpu": "1"}}}
    async with stage(tmp_path) as s:
        await s.nodes(T4_POOL, 1)
        s.create_pod("first", gpu)
        await s.until(lambda: word(s.pod("first") or {}) == "running", "Pod")
        s.create_pod("second", gpu)
        text = "preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
        await s.until(lambda: any(m.endswith(text) for m in s.messages("FailedScheduling", "second")), "Event")
        s.store.delete("Pod", "default", "first", grace=None)
        await s.until(lambda: word(s.pod("second") or {}) == "running", "Pod")
        assert s.pod("first") is None


async def test_a_removed_node_takes_its_pods_along(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        (name,) = await s.nodes(CPU_POOL, 1)
        s.create_pod("a", {})
        await s.until(lambda: word(s.pod("a") or {}) == "running", "Pod")
        await remove_node(s.world, s.cluster, CPU_POOL, 0)
        assert s.store.get("Node", None, name) is None
        await s.until(lambda: s.pod("a") is None, "Pod", "Node", "Event")
        assert "RemovingNode" in {e["reason"] for e in s.store.list("Event")}
