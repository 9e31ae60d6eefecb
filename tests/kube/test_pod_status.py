"""kubectl's STATUS, READY and RESTARTS: the life of a pod row by row, and random pods against an oracle of its own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rhaii_tui.kube.pod_status import status
from rhaii_tui.kube.timestamps import age

NOW = 1_800_000_000.0
RUN = {"running": {}}


def waiting(reason: str = "", message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def ended(code: int, reason: str = "", signal: int = 0) -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason, "signal": signal}}


def container(
    name: str, state: dict[str, Any], *, ready: bool = False, restarts: int = 0, **more: Any
) -> dict[str, Any]:
    return {"name": name, "state": state, "ready": ready, "restartCount": restarts, **more}


def make(
    phase: str,
    init: tuple[dict[str, Any], ...] = (),
    main: tuple[dict[str, Any], ...] = (),
    *,
    conditions: dict[str, str] | None = None,
    sidecars: tuple[str, ...] = (),
    containers: int = 1,
    **more: Any,
) -> dict[str, Any]:
    inits = [{"name": c["name"]} | ({"restartPolicy": "Always"} if c["name"] in sidecars else {}) for c in init]
    return {
        "metadata": more.pop("metadata", {}),
        "spec": {"initContainers": inits, "containers": [{"name": f"c{i}"} for i in range(containers)]},
        "status": {
            "phase": phase,
            "conditions": [{"type": t, "status": s} for t, s in (conditions or {}).items()],
            "initContainerStatuses": list(init),
            "containerStatuses": list(main),
            **more,
        },
    }


INIT = {"Initialized": "False"}
UP = {"Initialized": "True", "Ready": "True"}
DOWN = {"Initialized": "True", "Ready": "False"}
INITIALIZING = waiting("PodInitializing")


def only(state: dict[str, Any], *, ready: bool = False) -> tuple[dict[str, Any], ...]:
    return (container("m", state, ready=ready),)


def initial(state: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    return (container("i", state),)


@pytest.mark.parametrize(
    ("pod", "word", "ready"),
    [
        (make("Pending"), "Pending", "0/1"),
        (make("Pending", main=only(waiting("ContainerCreating")), conditions=DOWN), "ContainerCreating", "0/1"),
        (make("Pending", initial(INITIALIZING), only(INITIALIZING), conditions=INIT), "Init:0/1", "0/1"),
        (make("Pending", initial(RUN), only(INITIALIZING), conditions=INIT), "Init:0/1", "0/1"),
        (make("Pending", initial(ended(1, "Error")), conditions=INIT), "Init:Error", "0/1"),
        (make("Pending", initial(waiting("CrashLoopBackOff")), conditions=INIT), "Init:CrashLoopBackOff", "0/1"),
        (make("Pending", initial(ended(137, "OOMKilled")), conditions=INIT), "Init:OOMKilled", "0/1"),
        (make("Pending", initial(ended(9, signal=9)), conditions=INIT), "Init:Signal:9", "0/1"),
        (make("Pending", initial(ended(3)), conditions=INIT), "Init:ExitCode:3", "0/1"),
        (make("Pending", initial(ended(0, "Completed")), only(INITIALIZING), conditions=DOWN),
         "PodInitializing", "0/1"),
        (make("Pending", main=only(waiting("ImagePullBackOff")), conditions=DOWN), "ImagePullBackOff", "0/1"),
        (make("Running", main=only(RUN), conditions=DOWN), "Running", "0/1"),
        (make("Running", main=only(RUN, ready=True), conditions=UP), "Running", "1/1"),
        (make("Running", main=only(ended(1, "Error")), conditions=DOWN), "Error", "0/1"),
        (make("Running", main=only(ended(137, "OOMKilled")), conditions=DOWN), "OOMKilled", "0/1"),
        (make("Running", main=only(ended(2)), conditions=DOWN), "ExitCode:2", "0/1"),
        (make("Running", main=only(RUN, ready=True), conditions=UP,
              metadata={"deletionTimestamp": "2026-08-22T10:00:00Z"}), "Terminating", "1/1"),
        (make("Running", main=only(RUN, ready=True), conditions=DOWN, reason="NodeLost",
              metadata={"deletionTimestamp": "2026-08-22T10:00:00Z"}), "Unknown", "1/1"),
        (make("Succeeded", main=only(ended(0, "Completed")), conditions=DOWN,
              metadata={"deletionTimestamp": "2026-08-22T10:00:00Z"}), "Completed", "0/1"),
        (make("Failed", reason="Evicted"), "Evicted", "0/1"),
        (make("Running", main=(container("a", RUN, ready=True), container("b", ended(0, "Completed"))), containers=2,
              conditions=UP), "Running", "1/2"),
        (make("Running", main=(container("a", ended(0, "Completed")), container("b", RUN, ready=True)), containers=2,
              conditions=UP), "Running", "1/2"),
        (make("Running", main=(container("a", ended(0, "Completed")), container("b", RUN, ready=True)), containers=2,
              conditions=DOWN), "NotReady", "1/2"),
        (make("Running", main=(container("a", ended(0, "Completed")), container("b", ended(1, "Error"))), containers=2,
              conditions=DOWN), "Error", "0/2"),
        (make("Running", (container("s", RUN, ready=True, started=True),), only(RUN, ready=True),
              sidecars=("s",), conditions=UP), "Running", "2/2"),
    ],
)  # fmt: skip
def test_each_step_of_a_pods_life(pod: dict[str, Any], word: str, ready: str) -> None:
    told = status(pod, NOW)
    assert (told.word, told.ready) == (word, ready)


def test_gated_pods() -> None:
    pod = make("Pending")
    pod["status"]["conditions"] = [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]
    assert status(pod).word == "SchedulingGated"


def test_readiness_is_the_condition_not_the_containers() -> None:
    lost = make(
        "Running", main=(container("m", RUN, ready=True),), conditions={"Initialized": "True", "Ready": "Unknown"}
    )
    told = status(lost, NOW)
    assert (told.word, told.ready, told.is_ready) == ("Running", "1/1", False)


def test_restarts_tell_the_newest_end() -> None:
    old = {"lastState": {"terminated": {"finishedAt": "2027-01-15T07:00:00Z"}}}
    new = {"lastState": {"terminated": {"finishedAt": "2027-01-15T07:54:00Z"}}}
    pod = make(
        "Running",
        main=(container("a", RUN, restarts=2, **old), container("b", RUN, restarts=1, **new)),
        containers=2,
        conditions=DOWN,
    )
    told = status(pod, NOW)
    assert (told.restarts, told.restarts_text) == (3, "3 (6m ago)")


def test_the_message_explains_a_pending_pod() -> None:
    text = "0/3 nodes are available: 1 Insufficient nvidia.com/gpu, 2 node(s) had untolerated taint(s)."
    pod = make("Pending")
    pod["status"]["conditions"] = [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": text}
    ]
    assert status(pod).message == text
    pulling = make(
        "Pending", main=(container("m", waiting("ImagePullBackOff", "Back-off pulling image")),), conditions=DOWN
    )
    assert status(pulling).message == "Back-off pulling image"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"), (-0.5, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (303, "5m3s"), (600, "10m"),
        (10_799, "179m"), (10_800, "3h"), (11_100, "3h5m"), (28_800, "8h"), (172_799, "47h"), (172_800, "2d"),
        (180_000, "2d2h"), (691_200, "8d"), (63_071_999, "729d"), (63_072_000, "2y"), (63_158_400, "2y1d"),
        (252_288_000, "8y"),
    ],
)  # fmt: skip
def test_ages(seconds: float, text: str) -> None:
    assert age(seconds) == text


STATES = st.sampled_from(
    [
        RUN,
        waiting(),
        INITIALIZING,
        waiting("CrashLoopBackOff"),
        waiting("ContainerCreating"),
        ended(0, "Completed"),
        ended(0),
        ended(1, "Error"),
        ended(137, "OOMKilled"),
        ended(9, "", 9),
        ended(4),
        {},
    ]
)
INITS = st.lists(st.tuples(STATES, st.booleans(), st.booleans(), st.booleans(), st.integers(0, 3)), max_size=3)
MAINS = st.lists(st.tuples(STATES, st.booleans(), st.integers(0, 3)), max_size=3)


def oracle(
    phase: str, reason: str, inits: list[Any], mains: list[Any], initialized: bool, ready: bool, deleted: bool
) -> tuple[str, int, int]:
    """STATUS, ready containers, restarts: told from the rules' text, state by state, without sharing any code."""

    def exit_word(t: dict[str, Any]) -> str:
        return t["reason"] or (f"Signal:{t['signal']}" if t["signal"] else f"ExitCode:{t['exitCode']}")

    blocked = next(
        (
            i
            for i, (state, sidecar, started, _, _) in enumerate(inits)
            if not ("terminated" in state and state["terminated"]["exitCode"] == 0) and not (sidecar and started)
        ),
        None,
    )
    walked = inits if blocked is None else inits[:blocked]
    count = sum(
        1
        for state, sidecar, started, is_ready, _ in walked
        if is_ready and sidecar and started and not ("terminated" in state and state["terminated"]["exitCode"] == 0)
    )
    word = reason or phase
    if blocked is not None:
        state = inits[blocked][0]
        if "terminated" in state:
            word = "Init:" + exit_word(state["terminated"])
        elif state.get("waiting", {}).get("reason") not in (None, "", "PodInitializing"):
            word = "Init:" + state["waiting"]["reason"]
        else:
            word = f"Init:{blocked}/{len(inits)}"
    reached = inits if blocked is None else inits[: blocked + 1]
    if blocked is not None and not initialized:
        restarts = sum(i[4] for i in reached)
    else:
        restarts = sum(i[4] for i in reached if i[1]) + sum(m[2] for m in mains)
        words = []
        for state, _, _ in mains:
            if state.get("waiting", {}).get("reason"):
                words.append(state["waiting"]["reason"])
            elif "terminated" in state:
                words.append(exit_word(state["terminated"]))
            else:
                words.append(None)
        running = sum(1 for state, is_ready, _ in mains if is_ready and "running" in state)
        count += running
        word = next((w for w in words if w), word)
        if word == "Completed":
            failed = [w for w, (s, _, _) in zip(words, mains, strict=True) if s.get("terminated", {}).get("exitCode")]
            if running and ready:
                word = "Running"
            elif failed:
                word = failed[0]
            elif running:
                word = "NotReady"
    if deleted:
        word = "Unknown" if reason == "NodeLost" else word if phase in ("Succeeded", "Failed") else "Terminating"
    return word, count, restarts


@settings(max_examples=600, deadline=None)
@given(
    st.sampled_from(["Pending", "Running", "Succeeded", "Failed", "Unknown"]),
    st.sampled_from(["", "", "", "Evicted", "NodeLost"]),
    INITS,
    MAINS,
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_random_pods(
    phase: str, reason: str, inits: list[Any], mains: list[Any], initialized: bool, ready: bool, deleted: bool
) -> None:
    pod = make(
        phase,
        tuple(
            container(f"i{n}", state, ready=is_ready, restarts=restarts, started=started)
            for n, (state, _, started, is_ready, restarts) in enumerate(inits)
        ),
        tuple(container(f"c{n}", state, ready=r, restarts=restarts) for n, (state, r, restarts) in enumerate(mains)),
        conditions={"Initialized": str(initialized), "Ready": str(ready)},
        sidecars=tuple(f"i{n}" for n, i in enumerate(inits) if i[1]),
        containers=max(1, len(mains)),
        metadata={"deletionTimestamp": "2026-08-22T10:00:00Z"} if deleted else {},
        **({"reason": reason} if reason else {}),
    )
    word, count, restarts = oracle(phase, reason, inits, mains, initialized, ready, deleted)
    told = status(pod, NOW)
    total = max(1, len(mains)) + sum(1 for i in inits if i[1])
    assert (told.word, told.ready, told.restarts) == (word, f"{count}/{total}", restarts)
    assert told.is_ready is ready
