"""The store that actors build on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kube_stage import DEPLOYMENT, crd, pod

from rhaii_tui.practice.kube import journal, patches
from rhaii_tui.practice.kube.errors import StatusError
from rhaii_tui.practice.kube.fieldsets import from_fields, owned, to_fields
from rhaii_tui.practice.kube.shape import known
from rhaii_tui.practice.kube.store import Store

Json = dict[str, Any]


def test_updates_count_generations_and_skip_nothing_changed() -> None:
    store = Store()
    made = store.create(DEPLOYMENT)
    same = store.update("Deployment", "default", "web", lambda o: o["spec"].update(replicas=2))
    assert same is made
    spec = store.update("Deployment", "default", "web", lambda o: o["spec"].update(replicas=3))
    assert spec is not None
    assert spec["metadata"]["generation"] == 2

    def both(obj: Json) -> None:
        obj["spec"]["replicas"] = 9
        obj["status"] = {"replicas": 3}

    status = store.update("Deployment", "default", "web", both, status=True)
    assert status is not None
    assert (status["spec"]["replicas"], status["status"], status["metadata"]["generation"]) == (3, {"replicas": 3}, 2)
    assert made["spec"]["replicas"] == 2
    assert store.update("Deployment", "default", "gone", both) is None


async def test_watch_starts_with_everything_and_merges_what_is_unread() -> None:
    store = Store()
    store.create(pod("p1"))
    changes = store.watch("Pod")
    assert (await anext(changes)).type == "ADDED"
    store.create(pod("p2"))
    for number in range(50):
        store.update("Pod", "default", "p2", lambda o, n=number: o["status"].update(message=str(n)))
    change = await anext(changes)
    assert (change.type, change.obj["status"]["message"]) == ("ADDED", "49")
    waiting = asyncio.ensure_future(anext(changes))
    store.delete("Pod", "default", "p1")
    assert (await waiting).type == "DELETED"


def test_finalizers_hold_and_grace_belongs_to_the_kubelet() -> None:
    store = Store()
    held = pod("p1")
    held["metadata"]["finalizers"] = ["a/b"]
    store.create(held)
    store.delete("Pod", "default", "p1")
    marked = store.get("Pod", "default", "p1")
    assert marked is not None
    assert marked["metadata"]["deletionTimestamp"]
    store.update("Pod", "default", "p1", lambda o: o["metadata"].pop("finalizers"))
    assert store.get("Pod", "default", "p1") is None
    store.create(pod("p2"))
    store.delete("Pod", "default", "p2", grace=None)
    store.update("Pod", "default", "p2", lambda o: o["status"].update(message="ending"))
    assert store.get("Pod", "default", "p2") is not None
    store.delete("Pod", "default", "p2")
    assert store.list("Pod") == []


def test_kinds_in_two_groups_and_kinds_that_come_and_go() -> None:
    store = Store()
    assert not store.has_kind("InferencePool")
    pool = {"kind": "InferencePool", "metadata": {"name": "p"}}
    with pytest.raises(StatusError) as refused:
        store.create(pool | {"apiVersion": "inference.networking.k8s.io/v1"})
    assert refused.value.code == 404
    old, new = "inference.networking.x-k8s.io", "inference.networking.k8s.io"
    store.create(crd(old, "InferencePool", "v1alpha2"))
    store.create(crd(new, "InferencePool", "v1"))
    store.create(pool | {"apiVersion": f"{old}/v1alpha2"})
    assert store.list("InferencePool") == []
    assert len(store.list(f"InferencePool.{old}")) == 1
    store.delete("CustomResourceDefinition", None, f"inferencepools.{old}")
    assert store.list(f"InferencePool.{old}") == []
    assert store.has_kind("InferencePool")


def test_events_are_counted_and_bounded() -> None:
    store = Store()
    made = store.create(pod("p1"))
    for _ in range(3):
        store.event(made, "Warning", "BackOff", "Back-off restarting", "kubelet")
    (event,) = store.list("Event")
    assert (event["count"], event["source"]) == (3, {"component": "kubelet"})


def test_the_ring_forgets() -> None:
    ring = journal.Journal(100)
    for number in range(journal.RING + 5):
        version = journal.Version({"metadata": {"resourceVersion": str(101 + number)}})
        ring.append(journal.Entry(101 + number, "ADDED", version, None))
    assert ring.after(100) is None
    newest = ring.after(101 + journal.RING + 2)
    assert newest is not None
    assert [entry.rv for entry in newest] == [104 + journal.RING, 105 + journal.RING]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=1), inner),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text("abc", min_size=1, max_size=1), JSON), st.dictionaries(st.text("abc", min_size=1), JSON))
def test_merge_patch_is_idempotent_and_leaves_its_input(target: Json, patch: Json) -> None:
    before = repr(target)
    once = patches.merge(target, patch)
    assert patches.merge(once, patch) == once
    assert repr(target) == before


NAMES = st.lists(st.sampled_from("abcdef"), unique=True, max_size=5)


@settings(max_examples=200, deadline=None)
@given(NAMES, NAMES)
def test_strategic_merge_keeps_one_item_per_key_in_the_asked_order(live: list[str], wanted: list[str]) -> None:
    shape = known("v1", "Pod")
    assert shape is not None
    spec = {"spec": {"containers": [{"name": name, "image": "old"} for name in live]}}
    patch = {
        "spec": {
            "$setElementOrder/containers": [{"name": name} for name in wanted],
            "containers": [{"name": name, "image": "new"} for name in wanted]
            + [{"name": name, "$patch": "delete"} for name in live if name not in wanted],
        }
    }
    found = patches.strategic(spec, patch, shape)["spec"]["containers"]
    assert [item["name"] for item in found] == wanted
    assert all(item["image"] == "new" for item in found)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text("ab:./", min_size=1, max_size=4), st.text(max_size=2)), NAMES)
def test_field_sets_survive_their_notation(data: dict[str, str], names: list[str]) -> None:
    shape = known("v1", "Pod")
    assert shape is not None
    containers = [{"name": name, "env": [{"name": n} for n in names]} for name in names]
    obj: Json = {"metadata": {"labels": data, "finalizers": names}, "spec": {"containers": containers}}
    fields = owned(obj, shape, status=False)
    assert from_fields(to_fields(fields)) == fields
