"""What pods say of themselves: the last lines of their logs, and their metrics through the API server's pod proxy."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from rhaii_tui.doctor.evidence import Json, LogKey, Scrapes, Snapshot, Tail, is_true, status_of
from rhaii_tui.doctor.pieces import LOG_IN, Piece, Read, Unread
from rhaii_tui.kube import timestamps
from rhaii_tui.kube.errors import ApiError, KubeError
from rhaii_tui.kube.kinds import KINDS
from rhaii_tui.kube.objects import name_of
from rhaii_tui.serving import metrics
from rhaii_tui.serving.failures import redacted

if TYPE_CHECKING:
    from rhaii_tui.kube.connect import Cluster

TAIL, TAIL_READY = 300, 60
"""Lines of a log: enough for a traceback with its cause; fewer of a replica that is ready."""
AT_ONCE = 16
LOG_LIMIT = 5.0
SCRAPE_LIMIT = 3.0
"""Wall seconds."""
PLUGIN = "device-plugin"
"""Part of the name of the DaemonSets that hand out accelerators."""


async def logs(cluster: Cluster, seen: Snapshot) -> dict[LogKey, Piece[Tail]]:
    """The logs of the service's pods and of device plugins, of runs that have begun."""
    wanted = [k for pod in (*seen.replicas, *seen.pickers) for k in _runs(pod)]
    wanted += [k for pod in plugin_pods(seen) for k in _runs(pod)]
    gate = asyncio.Semaphore(AT_ONCE)
    spaces = {name_of(p): str(p["metadata"]["namespace"]) for p in seen.items("Pod")}
    ready = {name_of(p) for p in seen.items("Pod") if is_true(p, "Ready")}

    async def one(key: LogKey) -> Piece[Tail]:
        async with gate:
            return await _log(cluster, spaces[key.pod], key, TAIL_READY if key.pod in ready else TAIL)

    found = await asyncio.gather(*(one(k) for k in wanted))
    return dict(zip(wanted, found, strict=True))


def plugin_pods(seen: Snapshot) -> list[Json]:
    """Device plugin pods on nodes with accelerators."""
    nodes = {name_of(n) for n in seen.accelerator_nodes} if isinstance(seen.kinds["Node"], Read) else set()
    return [
        p
        for p in seen.items("Pod", "kube-system")
        if PLUGIN in name_of(p) and (p.get("spec") or {}).get("nodeName") in nodes
    ]


def _runs(pod: Json) -> list[LogKey]:
    state = status_of(pod)
    found = []
    for one in [*(state.get("initContainerStatuses") or []), *(state.get("containerStatuses") or [])]:
        now = one.get("state") or {}
        if "running" in now or "terminated" in now:
            found.append(LogKey(name_of(pod), str(one["name"])))
        if int(one.get("restartCount") or 0) > 0:
            found.append(LogKey(name_of(pod), str(one["name"]), previous=True))
    return found


async def _log(cluster: Cluster, namespace: str, key: LogKey, tail: int) -> Piece[Tail]:
    query = [("container", key.container), ("tailLines", str(tail)), ("limitBytes", "262144"), ("timestamps", "true")]
    if key.previous:
        query.append(("previous", "true"))
    path = KINDS["Pod"].path(namespace, key.pod, "log")
    try:
        text = await cluster.text(path, query, timeout=LOG_LIMIT)
    except ApiError as error:
        if error.status == 401:
            return Unread(f"logs of pods in {namespace}", error.message, remedy=LOG_IN)
        if error.status == 403:
            return Unread(f"logs of pods in {namespace}", error.message, "get pods/log")
        return Unread(str(key), str(error), absent=error.status in (400, 404))
    except KubeError as error:
        return Unread(str(key), str(error))
    return Read(tail_of(text, tail), time.time())


def tail_of(text: str, most: int) -> Tail:
    """Stamped lines as a Tail, tokens taken out. A progress bar's parts come as lines of their own."""
    lines: list[str] = []
    last: float | None = None
    for line in text.splitlines():
        stamp, space, rest = line.partition(" ")
        at = timestamps.unix(stamp[:26].rstrip("Z") + "+00:00" if stamp.endswith("Z") else stamp) if space else None
        last = at or last
        lines += [redacted(part[:2000]) for part in (rest if at else line).split("\r") if part]
    return Tail(tuple(lines[-most:]), last)


_POD_SILENT = "error trying to reach service"
"""The API server's own words when a pod does not take the connection it makes for us."""


async def scrape(cluster: Cluster, seen: Snapshot) -> dict[str, Piece[Scrapes]]:
    """One look at the metrics of every ready replica and endpoint picker, by pod name; kept as `after`."""
    pods = [(p, "https", 8000) for p in seen.replicas if is_true(p, "Ready")]
    pods += [(p, "http", 9090) for p in seen.pickers if is_true(p, "Ready")]
    found = await asyncio.gather(*(_metrics(cluster, pod, scheme, port) for pod, scheme, port in pods))
    return {name_of(pod): piece for (pod, _, _), piece in zip(pods, found, strict=True)}


async def _metrics(cluster: Cluster, pod: Json, scheme: str, port: int) -> Piece[Scrapes]:
    namespace, name = pod["metadata"]["namespace"], name_of(pod)
    read = metrics.vllm if port == 8000 else metrics.picker
    silent = ""
    other: Unread | None = None
    # Versions differ in whether the picker's metrics speak TLS, and a replica may lack it against the rules.
    for one in (scheme, "https" if scheme == "http" else "http"):
        path = f"/api/v1/namespaces/{namespace}/pods/{one}:{name}:{port}/proxy/metrics"
        try:
            text = await cluster.text(path, timeout=SCRAPE_LIMIT)
        except ApiError as error:
            if error.status == 401 and error.is_status_object:
                return Unread(f"metrics of pods in {namespace}", error.message, remedy=LOG_IN)
            if error.status == 403 and error.is_status_object:
                return Unread(f"metrics of pods in {namespace}", error.message, "get pods/proxy")
            if not (error.is_status_object and _POD_SILENT in error.message):
                other = Unread(f"metrics of {name}", str(error)[:300])  # an error page tells nothing about the pod
                continue
            silent = silent or str(error)[:300]
            continue
        except KubeError as error:  # the API server's own silence says nothing about the pod
            return Unread(f"metrics of {name}", str(error))
        return Read(Scrapes(None, read(text)), time.time())
    return Read(Scrapes(None, None, silent), time.time()) if silent or other is None else other
