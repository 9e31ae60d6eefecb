"""Where a service that others made lives: its accelerator and pool, and what operations refuse in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rhaii_tui.catalog.accelerators import accelerator_facts
from rhaii_tui.catalog.shapes import Accelerator
from rhaii_tui.google.values import PoolInfo
from rhaii_tui.operations.discovery import target_of
from rhaii_tui.operations.placement import accelerator_of, pool_of, refuse_shared_nodes
from rhaii_tui.operations.trouble import Trouble

GPU, TPU = accelerator_facts(Accelerator.GPU_T4), accelerator_facts(Accelerator.TPU_V6E)
PRESET = {"metadata": {"name": "chat", "namespace": "team"}, "spec": {"model": {"uri": "hf://a/b"}}}
FOUND: dict[str, Any] = {
    "accelerator": Accelerator.GPU_T4, "topology": "single", "project": "test-project", "zone": "us-central1-a",
    "cluster": "c", "pool": "p", "namespace": "team", "service": "chat", "replicas": 1, "model": "chat", "image": "",
}  # fmt: skip


def pool(name: str, machine: str, accelerator: str = "") -> PoolInfo:
    return PoolInfo(
        name=name, status="RUNNING", status_message="", machine_type=machine, accelerator=accelerator,
        accelerators_per_node=1, initial_nodes=0, locations=("us-central1-a",), version="", provisioning="on-demand",
        autoscaled=False, most_nodes=0, instance_groups=(), labels={}, conditions=(), scaling={},
    )  # fmt: skip


CPUS, T4S, CHIPS = (
    pool("cpus", "e2-standard-4"),
    pool("t4s", "n1-standard-4", "nvidia-tesla-t4"),
    pool("v6e", "ct6e-standard-4t"),
)


def refused(what: Callable[[], object]) -> str:
    """Everything that the refusal says."""
    with pytest.raises(Trouble) as told:
        what()
    return f"{told.value.what}. {told.value.why} {told.value.next}"


def test_a_stopped_service_of_a_preset_is_placed_by_the_only_kind_of_pool() -> None:
    assert accelerator_of(PRESET, [], (CPUS, T4S)) is GPU
    assert accelerator_of(PRESET, [], (CPUS, CHIPS)) is TPU
    assert pool_of(PRESET, [], (CPUS, T4S), GPU) is T4S
    assert "--pool" in refused(lambda: accelerator_of(PRESET, [], (CPUS, T4S, CHIPS)))
    assert "not known" in refused(lambda: accelerator_of(PRESET, [], (CPUS,)))


def test_names_of_others_are_taken_and_the_rest_is_refused_in_words() -> None:
    long = "a-name-that-is-so-long-that-kserve-has-to-hash-it"
    assert target_of(**FOUND | {"service": long, "namespace": "0-team", "model": "house/model:v2"}).service == long
    assert "regional cluster" in refused(lambda: target_of(**FOUND | {"zone": "us-central1"}))
    assert "Its namespace is 'kube-system'" in refused(lambda: target_of(**FOUND | {"namespace": "kube-system"}))


def test_replicas_that_share_a_node_are_refused() -> None:
    def replica(node: str) -> dict[str, Any]:
        return {"metadata": {"name": "r"}, "spec": {"nodeName": node}, "status": {"phase": "Running"}}

    refuse_shared_nodes("chat", [replica("a"), replica("b"), replica("")])
    assert "a carries 2" in refused(lambda: refuse_shared_nodes("chat", [replica("a"), replica("a")]))
