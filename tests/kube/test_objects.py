"""Events of both shapes and nodes with and without their accelerators."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rhaii_tui.kube import events, nodes
from rhaii_tui.kube.timestamps import unix

T1, T2 = "2026-08-22T10:00:00Z", "2026-08-22T10:05:00.123456Z"


def test_the_kubelets_shape() -> None:
    told = events.read(
        {
            "metadata": {"uid": "e1", "namespace": "ns"},
            "involvedObject": {"kind": "Pod", "name": "p", "uid": "u1", "namespace": "ns"},
            "type": "Warning",
            "reason": "Failed",
            "message": "Error: ErrImagePull",
            "count": 4,
            "firstTimestamp": T1,
            "lastTimestamp": T2,
            "eventTime": None,
            "source": {"component": "kubelet", "host": "n"},
            "reportingComponent": "kubelet",
        }
    )
    assert (told.object, told.count, told.at, told.source) == ("Pod/p", 4, unix(T2), "kubelet")


def test_the_schedulers_shape() -> None:
    told = events.read(
        {
            "metadata": {"uid": "e2", "namespace": "ns"},
            "involvedObject": {"kind": "Pod", "name": "p"},
            "reason": "FailedScheduling",
            "eventTime": T1,
            "firstTimestamp": None,
            "lastTimestamp": None,
            "series": {"count": 7, "lastObservedTime": T2},
            "source": {},
            "reportingComponent": "default-scheduler",
        }
    )
    assert (told.count, told.at, told.source, told.level) == (7, unix(T2), "default-scheduler", "Normal")


def node(ready: str, gpus: str | None, *taints: str) -> dict[str, object]:
    return {
        "metadata": {"name": "n1", "labels": {"cloud.google.com/gke-nodepool": "gpu-pool"}},
        "spec": {"taints": [{"key": t, "effect": "NoSchedule"} for t in taints]},
        "status": {
            "conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": ready}],
            "allocatable": {"cpu": "3920m"} | ({"nvidia.com/gpu": gpus} if gpus else {}),
        },
    }


def test_only_ready_nodes_with_allocatable_accelerators_are_of_use() -> None:
    taint = "nvidia.com/gpu"
    cases = [
        node("True", "1", taint),
        node("True", None, taint),
        node("True", "0", taint),
        node("Unknown", "1", "node.kubernetes.io/unreachable"),
        node("True", "1", "ToBeDeletedByClusterAutoscaler"),
    ]
    told = [nodes.read(n, "nvidia.com/gpu") for n in cases]
    assert [n.allocatable for n in told] == [1, 0, 0, 1, 1]
    assert nodes.usable(told, 1) == (told[0],)
    assert told[0].pool == "gpu-pool"


@given(st.text(max_size=40))
def test_any_stamp_is_a_time_or_nothing(text: str) -> None:
    assert unix(text) is None or isinstance(unix(text), float)
