"""READY, STATUS and RESTARTS of a pod in the words of a real server's table."""

from __future__ import annotations

from typing import Any, NamedTuple

from rhaii_tui.practice.kube.ages import age

Json = dict[str, Any]


class PodWords(NamedTuple):
    """The three cells."""

    ready: str
    status: str
    restarts: str


def words(pod: Json) -> PodWords:
    """Compute the cells from spec, status and deletion mark."""
    spec, status, meta = pod.get("spec", {}), pod.get("status", {}), pod["metadata"]
    conditions = {c["type"]: c for c in status.get("conditions", ())}
    word = status.get("reason") or status.get("phase") or ""
    if conditions.get("PodScheduled", {}).get("reason") == "SchedulingGated":
        word = "SchedulingGated"
    inits = {c["name"]: c for c in spec.get("initContainers", ())}
    sidecars = {name for name, c in inits.items() if c.get("restartPolicy") == "Always"}
    total, ready = len(spec.get("containers", ())) + len(sidecars), 0

    init_restarts, sidecar_restarts, newest_init, newest_sidecar = 0, 0, "", ""
    initializing = False
    for index, container in enumerate(status.get("initContainerStatuses", ())):
        sidecar = container["name"] in sidecars
        init_restarts += container.get("restartCount", 0)
        newest_init = max(newest_init, _ended(container))
        if sidecar:
            sidecar_restarts += container.get("restartCount", 0)
            newest_sidecar = max(newest_sidecar, _ended(container))
        state = container.get("state") or {}
        terminated, waiting = state.get("terminated"), state.get("waiting")
        if terminated is not None and terminated.get("exitCode", 0) == 0:
            continue
        if sidecar and container.get("started"):
            ready += bool(container.get("ready"))
            continue
        if terminated is not None:
            word = "Init:" + (terminated.get("reason") or _exit(terminated))
        elif waiting and waiting.get("reason") and waiting["reason"] != "PodInitializing":
            word = "Init:" + waiting["reason"]
        else:
            word = f"Init:{index}/{len(inits)}"
        initializing = True
        break

    restarts, newest = init_restarts, newest_init
    if not initializing or conditions.get("Initialized", {}).get("status") == "True":
        restarts, newest, error, running = sidecar_restarts, newest_sidecar, "", False
        for container in reversed(status.get("containerStatuses", ())):
            restarts += container.get("restartCount", 0)
            newest = max(newest, _ended(container))
            state = container.get("state") or {}
            terminated, waiting = state.get("terminated"), state.get("waiting")
            if waiting and waiting.get("reason"):
                word = waiting["reason"]
            elif terminated is not None:
                word = terminated.get("reason") or _exit(terminated)
                if terminated.get("exitCode", 0) != 0:
                    error = word
            elif container.get("ready") and state.get("running") is not None:
                running = True
                ready += 1
        if word == "Completed":
            if running and conditions.get("Ready", {}).get("status") == "True":
                word = "Running"
            elif error:
                word = error
            elif running:
                word = "NotReady"
    if meta.get("deletionTimestamp"):
        if status.get("reason") == "NodeLost":
            word = "Unknown"
        elif status.get("phase") not in ("Succeeded", "Failed"):
            word = "Terminating"
    shown = f"{restarts} ({age(newest)} ago)" if restarts and newest else str(restarts)
    return PodWords(f"{ready}/{total}", word, shown)


def _ended(container: Json) -> str:
    """When the container's last run ended, "" if it never restarted."""
    return str((container.get("lastState") or {}).get("terminated", {}).get("finishedAt") or "")


def _exit(terminated: Json) -> str:
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"
