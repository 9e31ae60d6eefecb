"""Replicas on their way out: watched until they have answered their last requests and are gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from rhaii_tui.catalog.findings import Finding, Status
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import RunContext, evidence, finished, intends, progressed
from rhaii_tui.deployment.failures import failure
from rhaii_tui.deployment.observe import is_true, watch_until
from rhaii_tui.deployment.patience import patiently
from rhaii_tui.deployment.step import Probe, StepStopped
from rhaii_tui.kube.objects import name_of
from rhaii_tui.operations.change_of import change_of
from rhaii_tui.operations.discovery import KIND
from rhaii_tui.operations.owned_fields import set_replicas
from rhaii_tui.operations.placement import replica_labels, replicas_in
from rhaii_tui.operations.steps.service import read_service
from rhaii_tui.serving.stack import deployment_name

Obj = dict[str, Any]
LIMIT = 900.0
"""Cloud seconds: the grace period is 30 s, yet a long answer and a slow kubelet may take their time."""
HEED = 180.0
HEED_LEAST = 6.0
"""Cloud seconds, and at least so many of the wall, for the controller to heed the stop annotation by taking the
Deployment away; older ones do not know it."""


class DrainedStep:
    """Done when no more replicas are there than wanted, those that end included. Which ones end, the ReplicaSet
    chooses: unready ones first, then the younger."""

    id = "drained"

    async def probe(self, run: RunContext) -> Probe:
        """Count the pods."""
        pods = await _pods(run, self.id)
        wanted = change_of(run).replicas_after
        return Probe("already" if _settled(pods, wanted) else "needed", f"{len(pods)} replicas")

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        """Watch them go."""
        wanted = change_of(run).replicas_after
        left = await _until(run, self.id, wanted, lambda pods: _settled(pods, wanted), LIMIT, _late)
        yield finished(self.id, f"{left} replicas left, all ready", evidence("pods", f"{left} of the service"))


class GoneStep:
    """Done when no replica and no Deployment is left. A controller that does not know the annotation is told by the
    number of replicas instead."""

    id = "gone"

    async def probe(self, run: RunContext) -> Probe:
        """Look for pods and the Deployment."""
        pods = await _pods(run, self.id)
        if not pods and not await self._wanted_pods(run):
            return Probe("already", "nothing runs", (evidence("pods", "none"),))
        return Probe("needed")

    async def _wanted_pods(self, run: RunContext) -> int:
        """Pods that the service's Deployment still wants; 0 when it is gone."""
        target = run.target
        name = deployment_name(target.service)
        found = await patiently(run, self.id, "kubernetes", lambda: run.kube.read("Deployment", target.namespace, name))
        return int((found or {}).get("spec", {}).get("replicas", 1)) if found else 0

    async def _heeded(self, run: RunContext) -> bool:
        """Whether the Deployment goes, or wants no pod any more, in time."""

        def judge(found: list[Obj]) -> bool | None:
            return None if any((d.get("spec") or {}).get("replicas", 1) for d in found) else True

        try:
            async with asyncio.timeout(max(run.clock.wall(HEED), HEED_LEAST)):
                return await watch_until(
                    run,
                    "Deployment",
                    run.target.namespace,
                    judge,
                    fields=f"metadata.name={deployment_name(run.target.service)}",
                    limit=LIMIT,
                    late=lambda _: _late(run, [], LIMIT),
                )
        except TimeoutError:
            return False

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        """Watch them go."""
        if not await self._heeded(run):
            service = await read_service(run, self.id)
            yield progressed(self.id, "the controller does not heed the annotation; setting replicas to 0")
            yield intends(self.id, "scale", KIND, f"{run.target.namespace}/{run.target.service}")
            await patiently(run, self.id, "kubernetes", lambda: set_replicas(run.kube, service, 0))
        await _until(run, self.id, 0, lambda pods: not pods, LIMIT, _late)
        if wanted := await self._wanted_pods(run):
            raise StepStopped(_comes_back(run, wanted))
        yield finished(self.id, "no replica is left", evidence("pods", "none"), evidence("Deployment", "none or 0"))


async def _pods(run: RunContext, step: str) -> list[Obj]:
    target = run.target
    labels = replica_labels(target.service)
    return replicas_in(
        await patiently(run, step, "kubernetes", lambda: run.kube.items("Pod", target.namespace, labels=labels))
    )


def _settled(pods: list[Obj], wanted: int) -> bool:
    live = [p for p in pods if "deletionTimestamp" not in p["metadata"]]
    return len(pods) == len(live) <= wanted and sum(is_true(p, "Ready") for p in live) >= wanted


async def _until(run: RunContext, step: str, wanted: int, good: Any, limit: float, late: Any) -> int:
    told = (-1, -1)
    known: dict[str, str] = {}

    def judge(found: list[Obj]) -> int | None:
        nonlocal told
        pods = replicas_in(found)
        ending = sum("deletionTimestamp" in p["metadata"] for p in pods)
        _tell(run, known, pods)
        if (len(pods), ending) != told:
            told = (len(pods), ending)
            run.record(progressed(step, f"{len(pods)} replicas, {ending} of them ending; {wanted} stay"))
        return len(pods) if good(pods) else None

    return await watch_until(
        run,
        "Pod",
        run.target.namespace,
        judge,
        labels=replica_labels(run.target.service),
        limit=limit,
        late=lambda found: late(run, replicas_in(found), limit),
    )


def _tell(run: RunContext, known: dict[str, str], pods: list[Obj]) -> None:
    """Each replica's word as events of the run, and its going."""
    from rhaii_tui.kube import pod_status, timestamps

    present = {str(p["metadata"]["uid"]) for p in pods}
    for uid in [u for u in known if u not in present]:
        run.record(e.ReplicaGone(at=time.time(), pod=known.pop(uid), uid=uid))
    for pod in pods:
        meta, status = pod["metadata"], pod_status.status(pod)
        ending = "deletionTimestamp" in meta
        known[str(meta["uid"])] = str(meta["name"])
        event = e.ReplicaObserved(
            at=time.time(),
            pod=meta["name"],
            uid=meta["uid"],
            status="Terminating" if ending else status.word,
            ready=status.ready,
            restarts=int(status.restarts),
            is_ready=status.is_ready and not ending,
            node=str((pod.get("spec") or {}).get("nodeName") or ""),
            created_at=timestamps.unix(meta.get("creationTimestamp")) or 0.0,
        )
        old = next((r for r in run.state.replicas if r.uid == event.uid), None)
        if old is None or (old.status, old.ready, old.is_ready) != (event.status, event.ready, event.is_ready):
            run.record(event)


def _late(run: RunContext, pods: list[Obj], limit: float) -> Finding:
    return failure(
        "replicas.not-gone",
        run.target.service,
        f"{len(pods)} replicas are still there after {limit / 60:.0f} minutes.",
        meaning="One does not end: it answers a long request, or its node does not report.",
        remediation=f"kubectl -n {run.target.namespace} describe pod says why; retry goes on waiting.",
        raw="\n".join(name_of(p) for p in pods),
        category="kubernetes",
    )


def _comes_back(run: RunContext, wanted: int) -> Finding:
    return failure(
        "stop.not-heeded",
        run.target.service,
        f"The service's Deployment still wants {wanted} replicas.",
        meaning="Its pods are gone for a moment only; nodes that are removed now would come back or be missed.",
        remediation="See whether the KServe controller works; then retry.",
        category="kubernetes",
        status=Status.FAIL,
    )
