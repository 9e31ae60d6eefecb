"""The replicas: watched from the scheduler to the readiness probe, with what ails them told as it shows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from rhaii_tui.catalog.findings import Finding
from rhaii_tui.catalog.shapes import Accelerator
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import RunContext, evidence, finished, intends, progressed
from rhaii_tui.deployment.failures import failure
from rhaii_tui.deployment.observe import is_true, words
from rhaii_tui.deployment.patience import NETWORK_LOSS, patiently, unreachable, wall_limit
from rhaii_tui.deployment.step import Probe, StepStopped
from rhaii_tui.deployment.watching import Watching
from rhaii_tui.kube.objects import uid
from rhaii_tui.serving.stack import WORKLOAD_LABELS, role_of

LIMITS = {Accelerator.GPU_T4: 900.0, Accelerator.TPU_V6E: 1200.0}
"""Cloud seconds (wait budgets: GPU 15 min, TPU scale-out 20 min)."""
GRANT = 7200.0
"""Cloud seconds more for flex-start: nodes are granted only once the pods ask; 4m18s was seen, days are possible."""
SAME_ERROR = 240.0
"""Cloud seconds the same fatal error may last: long enough for a registry or hub to recover from a hiccup."""
_LEAST_SAME_ERROR = 4.0


class ReplicasStep:
    """Done when as many replicas are ready as wanted and the controller says WorkloadsReady."""

    id = "replicas"

    async def probe(self, run: RunContext) -> Probe:
        """Already, when pods and controller agree."""
        target = run.target
        live = await patiently(
            run,
            self.id,
            "kubernetes",
            lambda: run.kube.read("LLMInferenceService", target.namespace, target.service),
        )
        if live is None or not is_true(live, "WorkloadsReady"):
            return Probe("needed")
        pods = await patiently(
            run, self.id, "kubernetes", lambda: run.kube.items("Pod", target.namespace, labels=_mine(run))
        )
        ready = sum(is_true(p, "Ready") for p in pods if role_of(p["metadata"].get("labels") or {}) == "replica")
        if ready >= target.replicas:
            return Probe("already", _count(run, ready), (evidence("pods", _count(run, ready)),))
        return Probe("needed")

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        """Watch; raises StepStopped when the same fatal error lasts or the budget is used up."""
        if run.state.step(self.id).attempts > 1:
            async for event in self._fresh_start(run):
                yield event
        deadline = time.monotonic() + wall_limit(run.clock, _limit(run))
        told = -1
        async with Watching(run, self.id) as eyes:
            while True:
                eyes.changed.clear()
                ready = eyes.ready()
                if ready != told:
                    told = ready
                    yield progressed(self.id, _count(run, ready), ready, run.target.replicas, "replicas")
                if ready >= run.target.replicas and eyes.workloads_ready():
                    break
                self._give_up(run, eyes, deadline)
                try:
                    await asyncio.wait_for(eyes.changed.wait(), 1.0)
                except TimeoutError:
                    continue
            says = words(eyes.service, "WorkloadsReady")
        yield finished(self.id, _count(run, told), evidence("pods", _count(run, told)), evidence("service", says))

    def _give_up(self, run: RunContext, eyes: Watching, deadline: float) -> None:
        """Raise StepStopped where waiting no longer makes sense."""
        patience = max(run.clock.wall(SAME_ERROR), _LEAST_SAME_ERROR)
        now = time.monotonic()
        if (lasting := eyes.symptoms.lasting(patience)) is not None:
            raise StepStopped(lasting)
        if eyes.lost is not None and now - eyes.lost > wall_limit(run.clock, NETWORK_LOSS):
            raise StepStopped(unreachable("watch pods", eyes.lost_reason))
        if (defect := eyes.crashed()) is not None:
            raise RuntimeError(f"an observer ended: {defect}")
        if now > deadline and eyes.lost is None:
            raise StepStopped(eyes.symptoms.worst() or _late(run, eyes))

    async def _fresh_start(self, run: RunContext) -> AsyncIterator[e.Event]:
        """A retry: replicas that sit in a growing back-off are deleted, so that their ReplicaSet starts them anew."""
        from rhaii_tui.kube import pod_status

        namespace = run.target.namespace
        pods = await patiently(run, self.id, "kubernetes", lambda: run.kube.items("Pod", namespace, labels=_mine(run)))
        for pod in pods:
            meta = pod["metadata"]
            stuck = pod_status.status(pod).word.removeprefix("Init:") in _BACKING_OFF
            if role_of(meta.get("labels") or {}) != "replica" or not stuck or "deletionTimestamp" in meta:
                continue
            yield intends(self.id, "delete", "Pod", f"{namespace}/{meta['name']}")
            name, pod_uid = str(meta["name"]), uid(pod)
            await patiently(
                run,
                self.id,
                "kubernetes",
                lambda name=name, pod_uid=pod_uid: run.kube.delete("Pod", namespace, name, uid=pod_uid),  # type: ignore[misc]
            )
            yield e.ResourceDeleted(at=time.time(), step=self.id, kind="Pod", name=f"{namespace}/{name}")


_BACKING_OFF = ("CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "Error")


def _limit(run: RunContext) -> float:
    return LIMITS[run.target.accelerator] + (GRANT if run.target.provisioning == "flex-start" else 0.0)


def _mine(run: RunContext) -> str:
    return f"app.kubernetes.io/name={run.target.service},{WORKLOAD_LABELS}"


def _count(run: RunContext, ready: int) -> str:
    return f"{ready} of {run.target.replicas} ready"


def _late(run: RunContext, eyes: Watching) -> Finding:
    lines = [f"{p['metadata']['name']}: {s.word} {s.ready} {s.message}".rstrip() for p, s in eyes.pods.values()]
    minutes = _limit(run) / 60
    return failure(
        "replicas.slow",
        run.target.service,
        f"{_count(run, eyes.ready())} after {minutes:.0f} minutes.",
        meaning="No known failure shows; a first image pull or a long compilation can take this long.",
        remediation="Retry goes on waiting. The log and the events of the slowest replica say what it is doing.",
        raw="\n".join([*lines, words(eyes.service, "WorkloadsReady") if eyes.service else ""]).strip(),
        category="replica",
    )
