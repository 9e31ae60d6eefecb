"""Differences, ways back, and the notebook that undo reads."""

from __future__ import annotations

import copy
import stat
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rhaii_tui.doctor.notebook import Done, Entry, Notebook
from rhaii_tui.doctor.objects import bare, difference, merged, way_back
from rhaii_tui.doctor.place import Place
from rhaii_tui.doctor.rule import Change

leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.lists(st.integers(), max_size=2)
trees = st.recursive(leaves, lambda x: st.dictionaries(st.sampled_from("abcd"), x, max_size=3), max_leaves=8)
objects = st.dictionaries(st.sampled_from("abcd"), trees, max_size=3)


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    return value


@given(objects, objects)
def test_the_way_back_leads_back(one: dict[str, Any], two: dict[str, Any]) -> None:
    before, after = _without_none(one), _without_none(two)
    assert _pruned(merged(after, way_back(before, after, after))) == _pruned(before)


def _pruned(value: Any) -> Any:
    """Merge patches cannot tell an empty object from an absent one inside a new object."""
    if isinstance(value, dict):
        return {k: p for k, v in value.items() if (p := _pruned(v)) != {}}
    return value


def test_what_others_changed_since_is_left_alone() -> None:
    before = {"spec": {"a": 1, "b": 1}}
    after = {"spec": {"a": 2, "b": 2}}
    now = {"spec": {"a": 2, "b": 7, "c": 1}}
    assert way_back(before, after, now) == {"spec": {"a": 1}}


def test_a_difference_is_yaml_without_noise_and_without_secrets() -> None:
    one: dict[str, Any] = {
        "kind": "Secret",
        "metadata": {"name": "x", "uid": "1", "resourceVersion": "5"},
        "data": {"k": "c2VjcmV0"},
    }
    two = copy.deepcopy(one)
    two["metadata"]["resourceVersion"] = "6"
    two["data"]["HF_TOKEN"] = "c2VjcmV0"
    text = difference(one, two, "Secret x")
    assert "+  HF_TOKEN: (hidden)" in text
    assert "c2VjcmV0" not in text
    assert "resourceVersion" not in text
    assert bare(None) == {}


def test_a_difference_shows_no_token_that_stands_in_a_manifest() -> None:
    env = [{"name": "HF_TOKEN", "value": "hf_abc"}, {"name": "PORT", "value": "1"}]
    one: dict[str, Any] = {
        "kind": "Deployment",
        "metadata": {"name": "x", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "hf_abc"}},
        "spec": {"containers": [{"env": env}]},
    }
    two = copy.deepcopy(one)
    two["spec"]["containers"][0]["env"][1]["value"] = "2"
    text = difference(one, two, "Deployment x")
    assert "hf_abc" not in text
    assert "(hidden)" in text
    assert bare(one)["spec"]["containers"][0]["env"] == env, "what leads back keeps it"


def test_each_place_has_a_notebook_of_its_own_whatever_its_cluster_is_called(tmp_path: Path) -> None:
    contexts = ("", "here", "prod/api.example.com:6443/admin", "../../etc/x")
    places = [Place("ns", "svc", cluster=c) for c in contexts]
    places += [Place("ns", "svc", "project", zone, "c") for zone in ("us-central1-a", "us-central1-b")]
    books = [Notebook(tmp_path, "google", place) for place in places]
    for book in books:
        book.write(Entry("1", 1.0, "a.b", "applied"))
    assert len({book.path for book in books}) == len(list((tmp_path / "doctor").iterdir())) == len(books)


def test_the_notebook_keeps_the_last_state_and_survives_a_torn_line(tmp_path: Path) -> None:
    book = Notebook(tmp_path, "practice:1", Place("ns", "svc", cluster="c"))
    change = Change("patch", "Node", "", "n", {"spec": {"x": None}})
    book.write(Entry("1", 1.0, "a.b", "intended", (Done(change),)))
    book.write(Entry("1", 2.0, "a.b", "applied", (Done(change, {"spec": {"x": 1}}, {"spec": {}}),)))
    with book.path.open("a") as file:
        file.write('{"id": "2", "at": 3')
    found = book.last_applied("a.b")
    assert found is not None
    assert (found.state, found.done[0].before, found.done[0].change) == ("applied", {"spec": {"x": 1}}, change)
    assert book.last_applied("c.d") is None
    assert stat.S_IMODE(book.path.stat().st_mode) == 0o600
