"""GET of a pod's log."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from rhaii_tui.practice.kube.call import Call
from rhaii_tui.practice.kube.errors import StatusError
from rhaii_tui.practice.kube.podlogs import Run

Json = dict[str, Any]

_WAITING = {"ImagePullBackOff": "trying and failing to pull image", "ErrImagePull": "image can't be pulled"}


def _refuse(text: str) -> StatusError:
    return StatusError(400, text)


def _container(call: Call, pod: Json) -> str:
    spec, name = pod["spec"], pod["metadata"]["name"]
    names = [c["name"] for c in spec.get("containers", ())]
    inits = [c["name"] for c in spec.get("initContainers", ())]
    wanted = call.query("container")
    if not wanted:
        if len(names) == 1:
            return str(names[0])
        text = f"a container name must be specified for pod {name}, choose one of: [{' '.join(names)}]"
        raise _refuse(text + (f" or one of the init containers: [{' '.join(inits)}]" if inits else ""))
    if wanted not in names + inits:
        raise _refuse(f"container {wanted} is not valid for pod {name}")
    return wanted


def _status(pod: Json, container: str) -> Json | None:
    status = pod.get("status", {})
    found = [*status.get("containerStatuses", ()), *status.get("initContainerStatuses", ())]
    return next((item for item in found if item["name"] == container), None)


def _run(call: Call, pod: Json, container: str) -> Run:
    """The run whose log is asked for. Raises 400 as the kubelet does, 500 when the kubelet does not answer."""
    node = str(pod["spec"].get("nodeName", ""))
    if call.cluster.world.faults.struck("node-lost", "node", node):
        where = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}/{container}"
        address = f"{pod.get('status', {}).get('hostIP', node)}:10250"
        raise StatusError(500, f'Get "https://{address}/containerLogs/{where}": dial tcp {address}: i/o timeout')
    logs, uid, name = call.cluster.logs, pod["metadata"]["uid"], pod["metadata"]["name"]
    where = f'container "{container}" in pod "{name}"'
    if call.flag("previous"):
        run = logs.previous(uid, container)
        if run is None:
            raise _refuse(f"previous terminated {where} not found")
        return run
    status = _status(pod, container)
    if status is None:
        raise _refuse(f"{where} is not available")
    state = status.get("state") or {}
    if state.get("running") is not None or state.get("terminated") is not None:
        return logs.current(uid, container)
    if (status.get("lastState") or {}).get("terminated"):
        current = logs.current(uid, container)
        return current if current.written else logs.previous(uid, container) or current
    reason = (state.get("waiting") or {}).get("reason") or "ContainerCreating"
    raise _refuse(f"{where} is waiting to start: {_WAITING.get(reason, reason)}")


def _first(call: Call, run: Run) -> int:
    """The running number of the first line asked for."""
    first, since = run.first, 0.0
    if text := call.query("sinceTime"):
        try:
            since = datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
        except ValueError:
            raise _refuse(f'unable to decode query: parsing time "{text}"') from None
    elif text := call.query("sinceSeconds"):
        since = datetime.now(UTC).timestamp() - float(text)
    if since:
        first += sum(stamp < since for stamp, _ in run.lines)
    tail = call.query("tailLines")
    return max(first, run.written - int(tail)) if tail else first


def _written(lines: list[tuple[float, str]], *, stamped: bool) -> bytes:
    if not stamped:
        return "".join(f"{text}\n" for _, text in lines).encode("utf-8", "surrogateescape")
    stamps = ((datetime.fromtimestamp(at, UTC), text) for at, text in lines)
    return "".join(f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06d}000Z {text}\n" for at, text in stamps).encode(
        "utf-8", "surrogateescape"
    )


async def get(call: Call) -> web.StreamResponse:
    """The log, whole or followed until the container ends."""
    pod = call.found().obj
    container = _container(call, pod)
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    if not pod["spec"].get("nodeName"):
        await response.prepare(call.request)
        return response
    run = _run(call, pod, container)
    number, stamped, limit = _first(call, run), call.flag("timestamps"), int(call.query("limitBytes") or 0)
    response.enable_chunked_encoding()
    await response.prepare(call.request)
    changed, pods = asyncio.Event(), call.store.journal("Pod")
    run.attach(changed)
    pods.attach(changed)
    try:
        while True:
            changed.clear()
            lines = run.after(number)
            number = run.written
            if lines:
                data = _written(lines, stamped=stamped)
                await response.write(data[:limit] if limit else data)
                if limit:
                    limit -= len(data)
                    if limit <= 0:
                        break
            if run.written > number:
                continue
            if not call.flag("follow") or run.closed or _ended(call, pod, container):
                break
            await changed.wait()
    finally:
        run.detach(changed)
        pods.detach(changed)
    await response.write_eof()
    return response


def _ended(call: Call, pod: Json, container: str) -> bool:
    """Whether the container will write no more in this run."""
    now = call.store.get("Pod", pod["metadata"]["namespace"], pod["metadata"]["name"])
    if now is None or now["metadata"]["uid"] != pod["metadata"]["uid"]:
        return True
    state = (_status(now, container) or {}).get("state") or {}
    return state.get("terminated") is not None or call.flag("previous")
