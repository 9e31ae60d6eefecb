"""What people change is remembered, signed, and taken back only where nobody else has been since."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rhaii_tui.practice.clock import CloudClock
from rhaii_tui.practice.faults import CATALOGUE, Faults
from rhaii_tui.practice.kube.cluster import KubeCluster
from rhaii_tui.practice.mischief.edits import ABSENT, MANAGER, Edits
from rhaii_tui.practice.mischief.run import ACTS
from rhaii_tui.practice.mischief.services import with_options
from rhaii_tui.practice.world import World


@pytest.fixture
def cluster(tmp_path: Path) -> KubeCluster:
    return KubeCluster(World(tmp_path, CloudClock(60), "token"), "demo", "us-central1-a")


def _config(cluster: KubeCluster, **data: str) -> dict[str, Any]:
    meta = {"name": "settings", "namespace": "default"}
    return cluster.store.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})


def _data(cluster: KubeCluster) -> dict[str, str]:
    found = cluster.store.get("ConfigMap", "default", "settings")
    assert found is not None
    data: dict[str, str] = found["data"]
    return data


def test_an_edit_is_signed_and_undone_without_a_trace(cluster: KubeCluster) -> None:
    before = _config(cluster, a="1", b="2")
    edits = Edits(cluster)
    edits.change(before, ("data", "a"), "9")
    edits.change(before, ("data", "b"), ABSENT)
    found = cluster.store.get("ConfigMap", "default", "settings")
    assert found is not None
    assert found["data"] == {"a": "9"}
    assert [m["manager"] for m in found["metadata"]["managedFields"]] == [MANAGER]
    edits.undo()
    after = cluster.store.get("ConfigMap", "default", "settings")
    assert after is not None
    assert after["data"] == {"a": "1", "b": "2"}
    assert "managedFields" not in after["metadata"]


def test_what_somebody_has_changed_since_stays(cluster: KubeCluster) -> None:
    edits = Edits(cluster)
    edits.change(_config(cluster, a="1", b="2"), ("data", "a"), "9")
    cluster.store.update("ConfigMap", "default", "settings", lambda o: o["data"].update(a="fixed"))
    edits.undo()
    assert _data(cluster) == {"a": "fixed", "b": "2"}


def test_an_object_that_was_made_again_stays(cluster: KubeCluster) -> None:
    edits = Edits(cluster)
    edits.change(_config(cluster, a="1"), ("data", "a"), "9")
    cluster.store.delete("ConfigMap", "default", "settings")
    _config(cluster, a="9")
    edits.undo()
    assert _data(cluster) == {"a": "9"}


def test_created_objects_go_and_deleted_ones_return(cluster: KubeCluster) -> None:
    old, edits = _config(cluster, a="1"), Edits(cluster)
    meta = {"name": "other", "namespace": "default"}
    edits.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {}})
    edits.delete(old)
    assert cluster.store.get("ConfigMap", "default", "settings") is None
    edits.undo()
    assert cluster.store.get("ConfigMap", "default", "other") is None
    assert _data(cluster) == {"a": "1"}


async def test_a_fault_that_hits_one_hits_the_first_that_comes() -> None:
    faults = Faults()
    assert not faults.claims("hf-gated", "model", "a")
    await faults.switch("hf-gated", True)
    assert [faults.claims("hf-gated", "model", name) for name in ("a", "b", "a")] == [True, False, True]
    await faults.switch("hf-gated", False)
    assert not faults.struck("hf-gated", "model", "a")
    await faults.switch("hf-gated", True)
    assert faults.claims("hf-gated", "model", "b")


async def test_what_somebody_has_mended_acts_no_more_until_it_is_switched_again() -> None:
    faults = Faults()
    await faults.switch("api-disabled", True)
    faults.mend("api-disabled")
    assert not faults.on("api-disabled")
    assert faults.active() == ("api-disabled",)
    await faults.switch("api-disabled", True)
    assert faults.on("api-disabled")


def test_every_act_belongs_to_a_fault_with_a_name_of_its_own() -> None:
    names = [fault.name for fault in CATALOGUE]
    assert len(names) == len(set(names))
    assert set(ACTS) <= set(names)


def test_options_are_replaced_in_either_form() -> None:
    words = ["serve", "--dtype=half", "--max-num-seqs", "128", "--enable-prefix-caching"]
    left = with_options(words, {"--dtype": "bfloat16", "--max-num-seqs": "1024", "--odd": None})
    assert left == ["serve", "--enable-prefix-caching", "--dtype=bfloat16", "--max-num-seqs=1024", "--odd"]
