"""A pod in kubectl's words: STATUS, READY and RESTARTS as its table prints them, and beside them the truth.

The rules are those of Kubernetes' own printer (kubectl get pods), checked there against 600 random pods.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rhaii_tui.kube import timestamps

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PodStatus:
    """`word`, `ready` ("1/2") and `restarts_text` ("2 (5m ago)") are kubectl's columns.

    `is_ready` is the pod's Ready condition: on a lost node kubectl still says `1/1 Running`. `message` is the most
    telling sentence of the pod's own status, or empty.
    """

    word: str
    ready: str
    restarts: int
    restarts_text: str
    is_ready: bool
    message: str


@dataclass(frozen=True, slots=True)
class _Initializing:
    word: str
    ready: int
    restarts: int
    last: float | None
    active: bool
    sidecar_restarts: int
    sidecar_last: float | None


def status(pod: Json, now: float | None = None) -> PodStatus:
    """The words for a pod at Unix time `now`."""
    spec, state, meta = pod.get("spec") or {}, pod.get("status") or {}, pod.get("metadata") or {}
    conditions = {c.get("type"): c for c in state.get("conditions") or []}
    word = str(state.get("reason") or state.get("phase") or "")
    if (conditions.get("PodScheduled") or {}).get("reason") == "SchedulingGated":
        word = "SchedulingGated"
    init_specs = spec.get("initContainers") or []
    sidecars = {c["name"] for c in init_specs if c.get("restartPolicy") == "Always"}
    total = len(spec.get("containers") or []) + len(sidecars)

    init = _walk_init(state.get("initContainerStatuses") or [], sidecars, len(init_specs), word)
    word, ready, restarts, last = init.word, init.ready, init.restarts, init.last
    initialized = (conditions.get("Initialized") or {}).get("status") == "True"
    if not init.active or initialized:
        restarts, last = init.sidecar_restarts, init.sidecar_last
        has_running, error = False, ""
        for c in reversed(state.get("containerStatuses") or []):
            restarts += int(c.get("restartCount") or 0)
            last = _later(last, _last_end(c))
            now_state = c.get("state") or {}
            waiting, ended = now_state.get("waiting") or {}, now_state.get("terminated")
            if waiting.get("reason"):
                word = str(waiting["reason"])
            elif ended is not None and ended.get("reason"):
                word = str(ended["reason"])
                if ended.get("exitCode"):
                    error = word
            elif ended is not None:
                word = f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode', 0)}"
                if ended.get("exitCode"):
                    error = word
            elif c.get("ready") and now_state.get("running") is not None:
                has_running = True
                ready += 1
        if word == "Completed":
            word = _after_completion(has_running, conditions, error)
    if meta.get("deletionTimestamp"):
        if state.get("reason") == "NodeLost":
            word = "Unknown"
        elif state.get("phase") not in ("Succeeded", "Failed"):
            word = "Terminating"
    moment = time.time() if now is None else now
    text = str(restarts) if not restarts or last is None else f"{restarts} ({timestamps.age(moment - last)} ago)"
    is_ready = (conditions.get("Ready") or {}).get("status") == "True"
    return PodStatus(word, f"{ready}/{total}", restarts, text, is_ready, _message(state, conditions))


def _walk_init(statuses: list[Json], sidecars: set[str], total: int, word: str) -> _Initializing:
    ready = restarts = sidecar_restarts = 0
    last: float | None = None
    sidecar_last: float | None = None
    for i, c in enumerate(statuses):
        restarts += int(c.get("restartCount") or 0)
        last = _later(last, _last_end(c))
        is_sidecar = c.get("name") in sidecars
        if is_sidecar:
            sidecar_restarts += int(c.get("restartCount") or 0)
            sidecar_last = _later(sidecar_last, _last_end(c))
        now_state = c.get("state") or {}
        ended, waiting = now_state.get("terminated"), now_state.get("waiting") or {}
        if ended is not None and not ended.get("exitCode"):
            continue
        if is_sidecar and c.get("started"):
            ready += bool(c.get("ready"))
            continue
        if ended is not None:
            if ended.get("reason"):
                word = f"Init:{ended['reason']}"
            elif ended.get("signal"):
                word = f"Init:Signal:{ended['signal']}"
            else:
                word = f"Init:ExitCode:{ended['exitCode']}"
        elif waiting.get("reason") and waiting["reason"] != "PodInitializing":
            word = f"Init:{waiting['reason']}"
        else:
            word = f"Init:{i}/{total}"
        return _Initializing(word, ready, restarts, last, True, sidecar_restarts, sidecar_last)
    return _Initializing(word, ready, restarts, last, False, sidecar_restarts, sidecar_last)


def _after_completion(has_running: bool, conditions: Mapping[Any, Json], error: str) -> str:
    if has_running and (conditions.get("Ready") or {}).get("status") == "True":
        return "Running"
    return error or ("NotReady" if has_running else "Completed")


def _last_end(container: Json) -> float | None:
    return timestamps.unix(((container.get("lastState") or {}).get("terminated") or {}).get("finishedAt"))


def _later(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else max(a, b)


def _message(state: Json, conditions: Mapping[Any, Json]) -> str:
    """The pod's own message, a waiting container's, a failed container's last words, or the scheduler's."""
    if state.get("message"):
        return str(state["message"])
    containers = [*(state.get("initContainerStatuses") or []), *(state.get("containerStatuses") or [])]
    for c in containers:
        now_state = c.get("state") or {}
        for part in (now_state.get("waiting") or {}, now_state.get("terminated") or {}):
            if part.get("message"):
                return str(part["message"])
    scheduled = conditions.get("PodScheduled") or {}
    return str(scheduled.get("message") or "") if scheduled.get("status") == "False" else ""
