"""Takes the snapshot: read-only, everything side by side, each piece on its own, nothing waited for long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rhaii_tui.doctor.evidence import Json, LogKey, Scrapes, Snapshot, Tail, Traffic
from rhaii_tui.doctor.gathering_google import facts
from rhaii_tui.doctor.gathering_pods import logs, scrape
from rhaii_tui.doctor.pieces import LOG_IN, Missing, Piece, Read, Unread
from rhaii_tui.doctor.place import Place
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.kube import permissions
from rhaii_tui.kube.errors import ApiError, KubeError
from rhaii_tui.kube.kinds import KINDS
from rhaii_tui.serving import conditions
from rhaii_tui.serving.gateway_path import GatewayPath
from rhaii_tui.serving.stack import EA1, EA2

if TYPE_CHECKING:
    from rhaii_tui.kube.connect import Cluster

EVERYWHERE = (
    "Node",
    "Namespace",
    "Pod",
    "Event",
    "Deployment",
    "DaemonSet",
    "LLMInferenceService",
    "LLMInferenceServiceConfig",
    "Gateway",
    "GatewayClass",
    "HTTPRoute",
    "EnvoyFilter",
    "NetworkPolicy",
    "ValidatingWebhookConfiguration",
    "CustomResourceDefinition",
)
"""Listed over the whole cluster, because the cause may lie outside the service's namespace."""
NEARBY = ("ReplicaSet", "InferencePool", "DestinationRule", "Service", "Secret", "ConfigMap")
"""Listed in the service's and the gateway's namespace."""
NARROW = ("Event", "Deployment", "LLMInferenceService", "HTTPRoute")
"""Where the whole cluster is not ours to read, those of the service's namespace say something true by themselves."""
LIST_LIMIT = 5.0
"""Wall seconds for a kind: what an overloaded server has not said by then is told as unread."""
PROBE_LIMIT = 3.0
"""Wall seconds: a request through the gateway that takes longer is an answer of its own."""
WINDOW = 0.6
LONGEST_WINDOW = 2.0
"""Wall seconds between the two looks at the metrics; the longer one when requests are being served."""


async def gather(place: Place, endpoints: Endpoints, cluster: Cluster | None, why_not: str = "") -> Snapshot:
    """The snapshot of a place. Never raises for what a server answers; `why_not` says why there is no connection."""
    at = time.time()
    google = asyncio.create_task(facts(place, endpoints))
    if cluster is None:
        remedy = LOG_IN if why_not.startswith("AUTH") else ""
        told = Unread("the cluster's objects", why_not or "the cluster is not there yet", "", not why_not, remedy)
        kinds: dict[str, Piece[tuple[Json, ...]]] = dict.fromkeys((*EVERYWHERE, *NEARBY), told)
        return Snapshot(place=place, at=at, clock=endpoints.clock, kinds=kinds, facts=await google)
    kinds = await _kinds(cluster, place)
    first = Snapshot(place=place, at=at, clock=endpoints.clock, kinds=kinds)
    kinds = await _at_its_gateway(cluster, first)
    first = replace(first, kinds=kinds)
    (read_logs, (metrics, traffic)), access, told_by_google = await asyncio.gather(
        _inside(cluster, first, endpoints), _may(cluster), google
    )
    return Snapshot(
        place=place,
        at=at,
        clock=endpoints.clock,
        kinds=kinds,
        facts={**told_by_google, "may create clusterroles": access},
        logs=read_logs,
        metrics=metrics,
        traffic=traffic,
    )


async def _kinds(cluster: Cluster, place: Place) -> dict[str, Piece[tuple[Json, ...]]]:
    asked: dict[str, Awaitable[Piece[tuple[Json, ...]]]] = {}
    for kind in EVERYWHERE:
        asked[kind] = _list(cluster, kind, (None,), place.namespace)
    for kind in NEARBY:
        asked[kind] = _list(cluster, kind, _spaces(place), place.namespace)
    found = await asyncio.gather(*asked.values())
    return dict(zip(asked, found, strict=True))


def _spaces(place: Place) -> tuple[str, ...]:
    """The service's namespace and those that a packaging keeps its gateway in."""
    return tuple(dict.fromkeys((place.namespace, *(stack.gateway_namespace for stack in (EA1, EA2)))))


async def _at_its_gateway(cluster: Cluster, seen: Snapshot) -> dict[str, Piece[tuple[Json, ...]]]:
    """The kinds with what is beside a gateway that lives elsewhere than a packaging would put it."""
    try:
        namespace = seen.stack.gateway_namespace
    except Missing:
        return dict(seen.kinds)
    if namespace in _spaces(seen.place):
        return dict(seen.kinds)
    found = await asyncio.gather(*(_list(cluster, kind, (namespace,), namespace) for kind in NEARBY))
    more = dict(zip(NEARBY, found, strict=True))
    return {kind: _joined(piece, more[kind]) if kind in more else piece for kind, piece in seen.kinds.items()}


def _joined(one: Piece[tuple[Json, ...]], other: Piece[tuple[Json, ...]]) -> Piece[tuple[Json, ...]]:
    if isinstance(one, Read) and isinstance(other, Read):
        return Read((*one.value, *other.value), one.at)
    return one if isinstance(one, Unread) else other


async def _list(
    cluster: Cluster, kind: str, namespaces: tuple[str | None, ...], fallback: str
) -> Piece[tuple[Json, ...]]:
    """A kind's objects."""
    try:
        async with asyncio.timeout(LIST_LIMIT):
            try:
                pages = await asyncio.gather(*(cluster.items(kind, n) for n in namespaces))
            except ApiError as error:
                if error.status != 403 or kind not in NARROW:
                    raise
                pages = [await cluster.items(kind, fallback)]
    except (KubeError, TimeoutError) as error:
        return _unread(error, f"{KINDS[kind].plural}", f"list {KINDS[kind].plural}")
    objects = [o for page in pages for o in page]
    for obj in objects:
        obj.setdefault("kind", kind)
        if kind == "Secret":  # only the keys' names: no value is ever kept
            obj["data"] = dict.fromkeys(obj.get("data") or {}, "")
    return Read(tuple(objects), time.time())


def _unread(error: Exception, what: str, permission: str) -> Piece[Any]:
    if isinstance(error, ApiError):
        if error.is_not_found:
            return Read((), time.time())
        if error.status == 401:
            return Unread(what, error.message, remedy=LOG_IN)
        return Unread(what, error.message, permission) if error.status == 403 else Unread(what, str(error))
    if isinstance(error, TimeoutError):
        return Unread(what, f"no answer within {LIST_LIMIT:.0f} s")
    return Unread(what, str(error))


async def _may(cluster: Cluster) -> Piece[Any]:
    try:
        async with asyncio.timeout(LIST_LIMIT):
            answer = await cluster.create(permissions.may_create_cluster_roles())
    except (KubeError, TimeoutError) as error:
        told = _unread(error, "our own permissions", "create selfsubjectaccessreviews")
        return told if isinstance(told, Unread) else Unread("our own permissions", str(error))
    return Read(bool((answer.get("status") or {}).get("allowed")), time.time())


Inside = tuple[
    dict[LogKey, Piece[Tail]],
    tuple[dict[str, Piece[Scrapes]], Piece[Traffic]],
]


async def _inside(cluster: Cluster, seen: Snapshot, endpoints: Endpoints) -> Inside:
    """What pods say: logs beside metrics, and one request between the metrics' two looks."""
    if isinstance(seen.kinds["Pod"], Unread):
        answers = await _ask(seen, endpoints)
        return {}, ({}, Read(answers.value(0.0), answers.at) if isinstance(answers, Read) else answers)
    return await asyncio.gather(logs(cluster, seen), _measured(cluster, seen, endpoints))


async def _measured(
    cluster: Cluster, seen: Snapshot, endpoints: Endpoints
) -> tuple[dict[str, Piece[Scrapes]], Piece[Traffic]]:
    begun = time.monotonic()
    before = await scrape(cluster, seen)
    answers = await _ask(seen, endpoints)
    await asyncio.sleep(max(0.0, WINDOW - (time.monotonic() - begun)) if before else 0.0)
    after = await scrape(cluster, seen)
    if _busy(before, after):
        await asyncio.sleep(max(0.0, LONGEST_WINDOW - (time.monotonic() - begun)))
        after = await scrape(cluster, seen)
    metrics: dict[str, Piece[Scrapes]] = {}
    for pod, piece in after.items():
        first = before.get(pod)
        if isinstance(piece, Read) and isinstance(first, Read):
            silent = piece.value.silent if first.value.silent else ""  # once may be a pod on its way out
            both = Scrapes(first.value.after, piece.value.after, silent)
            metrics[pod] = Read(both, piece.at)
        else:
            metrics[pod] = piece
    if isinstance(answers, Read):
        answers = Read(answers.value(time.monotonic() - begun), answers.at)
    return metrics, answers


def _busy(before: dict[str, Piece[Scrapes]], after: dict[str, Piece[Scrapes]]) -> bool:
    """Whether others than us are being served: more requests than our own one since the first look."""
    served = 0.0
    for pod, piece in after.items():
        first = before.get(pod)
        if isinstance(piece, Read) and isinstance(first, Read) and piece.value.after and first.value.after:
            now, then = piece.value.after.values, first.value.after.values
            if "waiting" in now:
                served += now.get("requests", 0.0) - then.get("requests", 0.0) + now.get("running", 0.0)
    return served > 1


async def _ask(seen: Snapshot, endpoints: Endpoints) -> Any:
    service = seen.service if not isinstance(seen.kinds["LLMInferenceService"], Unread) else None
    url = conditions.service(service).address if service is not None else ""
    if not url or seen.stopped:
        why = "the service is stopped" if url else "the service has no address yet"
        return Unread("the gateway's answers", why, absent=True)
    async with GatewayPath(url, routed=seen.routed, trust_env=endpoints.trust_env, limit=PROBE_LIMIT) as path:
        health, models = await asyncio.gather(path.health(), path.models())
        completion = await path.completion()
    make: Callable[[float], Traffic] = lambda window: Traffic(health, models, completion, 1, window)  # noqa: E731
    return Read(make, time.time())
