"""The scheduler's sentence in every wording: groups, taints, and never an exception."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhaii_tui.doctor.pending import read

OLD = (
    "0/5 nodes are available: 2 Insufficient nvidia.com/gpu, 3 node(s) didn't match Pod's node affinity/selector. "
    "preemption: 0/5 nodes are available: 2 No preemption victims found for incoming pod, 3 Preemption is not helpful "
    "for scheduling."
)
TAINT_122 = (
    "0/3 nodes are available: 1 node(s) had taint {nvidia.com/gpu: present}, that the pod didn't tolerate, "
    "2 Insufficient cpu."
)
TAINT_124 = "0/4 nodes are available: 1 Insufficient memory, 3 node(s) had untolerated taint {team: research}."
NEW = (
    "0/4 nodes are available: 1 Insufficient google.com/tpu, 1 node(s) had untolerated taint(s), 2 node(s) were "
    "unschedulable. no new claims to deallocate, preemption: 0/4 nodes are available: 1 No preemption victims found "
    "for incoming pod."
)
DOWN = "0/2 nodes are available: 2 node(s) had untolerated taint {node.kubernetes.io/unreachable: }."
ANCIENT = "0/3 nodes are available: 3 node(s) didn't match node selector."


@pytest.mark.parametrize(
    ("message", "nodes", "groups", "taints"),
    [
        (OLD, 5, {"accelerator": 2, "selector": 3}, ()),
        (TAINT_122, 3, {"taint": 1, "cpu": 2}, ("nvidia.com/gpu",)),
        (TAINT_124, 4, {"memory": 1, "taint": 3}, ("team",)),
        (NEW, 4, {"accelerator": 1, "taint": 1, "cordoned": 2}, ()),
        (DOWN, 2, {"down": 2}, ("node.kubernetes.io/unreachable",)),
        (ANCIENT, 3, {"selector": 3}, ()),
        ("no nodes available to schedule pods", 0, {}, ()),
        ('0/2 nodes are available: persistentvolumeclaim "cache" not found. not found', 2, {"volume": 1}, ()),
        ("0/2 nodes are available: 2 Insufficient nvidia.com/gpu.", 2, {"accelerator": 2}, ()),
    ],
)
def test_groups(message: str, nodes: int, groups: dict[str, int], taints: tuple[str, ...]) -> None:
    why = read(message)
    assert (why.nodes, dict(why.groups), why.taints) == (nodes, groups, taints)


@given(
    st.text() | st.text(alphabet="0123456789 nodesInsufficet(){}:,./'").map(lambda t: f"0/9 nodes are available: {t}")
)
def test_any_text_is_read(text: str) -> None:
    why = read(text)
    assert all(n >= 1 or n == 0 for n in why.groups.values())
    assert why.words()
