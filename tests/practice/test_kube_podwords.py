"""READY, STATUS and RESTARTS in the practice server's tables: the life of a pod, and the product's own rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rhaii_tui.kube import pod_status
from rhaii_tui.practice.kube.ages import duration
from rhaii_tui.practice.kube.podwords import words

Json = dict[str, Any]


def container(name: str, **state: Any) -> Json:
    started = "running" in state
    return {"name": name, "ready": started, "started": started, "restartCount": 0, "state": state}


def a_pod(phase: str, main: Json | None = None, init: Json | None = None, **status: Any) -> Json:
    spec: Json = {"containers": [{"name": "main"}]}
    found: Json = {"metadata": {"name": "p"}, "spec": spec, "status": {"phase": phase} | status}
    if main:
        found["status"]["containerStatuses"] = [main]
    if init:
        spec["initContainers"] = [{"name": "init"}]
        found["status"]["initContainerStatuses"] = [init]
    return found


WAITING = container("main", waiting={"reason": "PodInitializing"})
DONE = container("init", terminated={"reason": "Completed", "exitCode": 0})
INITIALIZED = [{"type": "Initialized", "status": "True"}]


@pytest.mark.parametrize(
    ("pod", "word"),
    [
        (a_pod("Pending"), "Pending"),
        (a_pod("Pending", container("main", waiting={"reason": "ContainerCreating"})), "ContainerCreating"),
        (a_pod("Pending", WAITING, container("init", waiting={"reason": "PodInitializing"})), "Init:0/1"),
        (a_pod("Pending", WAITING, container("init", running={})), "Init:0/1"),
        (a_pod("Pending", WAITING, container("init", terminated={"reason": "Error", "exitCode": 1})), "Init:Error"),
        (a_pod("Pending", WAITING, container("init", terminated={"exitCode": 3})), "Init:ExitCode:3"),
        (
            a_pod("Pending", WAITING, container("init", waiting={"reason": "CrashLoopBackOff"})),
            "Init:CrashLoopBackOff",
        ),
        (a_pod("Pending", WAITING, DONE, conditions=INITIALIZED), "PodInitializing"),
        (a_pod("Pending", container("main", waiting={"reason": "ImagePullBackOff"}), DONE), "ImagePullBackOff"),
        (a_pod("Running", container("main", running={})), "Running"),
        (a_pod("Running", container("main", terminated={"reason": "OOMKilled", "exitCode": 137})), "OOMKilled"),
        (a_pod("Running", container("main", terminated={"signal": 9, "exitCode": 137})), "Signal:9"),
        (a_pod("Succeeded", container("main", terminated={"reason": "Completed", "exitCode": 0})), "Completed"),
        (a_pod("Failed", reason="Evicted"), "Evicted"),
        (
            a_pod("Pending", conditions=[{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]),
            "SchedulingGated",
        ),
    ],
)
def test_the_life_of_a_pod(pod: Json, word: str) -> None:
    assert words(pod).status == word
    deleted = pod | {"metadata": {"name": "p", "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    assert words(deleted).status == (word if pod["status"]["phase"] in ("Succeeded", "Failed") else "Terminating")


AGO = (datetime.now(UTC) - timedelta(hours=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
REASONS = st.sampled_from(["", "Error", "Completed", "OOMKilled", "CrashLoopBackOff", "PodInitializing"])


@st.composite
def statuses(draw: st.DrawFn, name: str) -> Json:
    kind = draw(st.sampled_from(["running", "waiting", "terminated", "none"]))
    state: Json = {}
    if kind == "running":
        state = {"running": {}}
    elif kind == "waiting":
        state = {"waiting": {"reason": draw(REASONS)}}
    elif kind == "terminated":
        code = draw(st.sampled_from([0, 1, 137]))
        state = {"terminated": {"reason": draw(REASONS), "exitCode": code, "signal": draw(st.sampled_from([0, 9]))}}
    found = {
        "name": name,
        "ready": draw(st.booleans()),
        "started": draw(st.booleans()),
        "restartCount": draw(st.integers(0, 3)),
        "state": state,
    }
    if draw(st.booleans()):
        found["lastState"] = {"terminated": {"finishedAt": AGO, "exitCode": 1}}
    return found


@st.composite
def pods(draw: st.DrawFn) -> Json:
    inits = [f"i{n}" for n in range(draw(st.integers(0, 3)))]
    mains = [f"c{n}" for n in range(draw(st.integers(1, 3)))]
    sidecar = {"restartPolicy": "Always"}
    conditions = [
        {"type": kind, "status": draw(st.sampled_from(["True", "False", "Unknown"]))}
        for kind in draw(st.lists(st.sampled_from(["Initialized", "Ready", "PodScheduled"]), unique=True))
    ]
    meta: Json = {"name": "p"}
    if draw(st.booleans()):
        meta["deletionTimestamp"] = AGO
    status: Json = {
        "phase": draw(st.sampled_from(["Pending", "Running", "Succeeded", "Failed", "Unknown"])),
        "conditions": conditions,
        "initContainerStatuses": [draw(statuses(name)) for name in inits],
        "containerStatuses": [draw(statuses(name)) for name in mains],
    }
    if reason := draw(st.sampled_from(["", "", "Evicted", "NodeLost"])):
        status["reason"] = reason
    return {
        "metadata": meta,
        "spec": {
            "initContainers": [{"name": name} | (sidecar if draw(st.booleans()) else {}) for name in inits],
            "containers": [{"name": name} for name in mains],
        },
        "status": status,
    }


@settings(max_examples=400, deadline=None)
@given(pods())
def test_server_and_product_say_the_same(pod: Json) -> None:
    """Two ports of the same rules, written apart from each other."""
    found, ours = words(pod), pod_status.status(pod)
    assert (found.ready, found.status, found.restarts) == (ours.ready, ours.word, ours.restarts_text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"), (119, "119s"), (120, "2m"), (599, "9m59s"), (600, "10m"), (10799, "179m"), (10800, "3h"),
        (28799, "7h59m"), (28800, "8h"), (172799, "47h"), (172800, "2d"), (176400, "2d1h"), (691200, "8d"),
        (63072000, "2y"), (63158400, "2y1d"), (252288000, "8y"), (-5, "<invalid>"),
    ],
)  # fmt: skip
def test_ages(seconds: int, text: str) -> None:
    assert duration(seconds) == text
