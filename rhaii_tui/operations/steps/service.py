"""The service's own wishes: how many replicas, and whether it is stopped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from rhaii_tui.deployment.context import RunContext, evidence, finished, intends
from rhaii_tui.deployment.events import Event
from rhaii_tui.deployment.failures import failure
from rhaii_tui.deployment.patience import patiently
from rhaii_tui.deployment.step import Probe, StepStopped
from rhaii_tui.operations.change_of import change_of
from rhaii_tui.operations.discovery import KIND, STOP
from rhaii_tui.operations.owned_fields import set_replicas

Obj = dict[str, Any]


async def read_service(run: RunContext, step: str) -> Obj:
    """The live object. Raises StepStopped when it is gone."""
    target = run.target
    live = await patiently(run, step, "kubernetes", lambda: run.kube.read(KIND, target.namespace, target.service))
    if live is None:
        name = f"{target.namespace}/{target.service}"
        raise StepStopped(
            failure(
                "service.gone",
                name,
                f"There is no LLMInferenceService {name} any more.",
                meaning="Somebody has deleted it since this was planned.",
                remediation="rhaii-tui setup makes a new one.",
                category="kubernetes",
            )
        )
    return live


def is_stopped(service: Obj) -> bool:
    """Whether it carries KServe's stop annotation."""
    return bool((service["metadata"].get("annotations") or {}).get(STOP) == "true")


class ReplicasWantedStep:
    """Done when `spec.replicas` is the planned number."""

    id = "service"

    async def probe(self, run: RunContext) -> Probe:
        """Compare the spec."""
        live, wanted = await read_service(run, self.id), change_of(run).replicas_after
        has = (live.get("spec") or {}).get("replicas")
        seen = evidence(f"{KIND} {run.target.service}", f"spec.replicas {has}")
        return Probe("already" if has == wanted else "needed", f"{wanted}", (seen,))

    async def act(self, run: RunContext) -> AsyncIterator[Event]:
        """Set it."""
        live, wanted = await read_service(run, self.id), change_of(run).replicas_after
        yield intends(self.id, "scale", KIND, f"{run.target.namespace}/{run.target.service}")
        await patiently(run, self.id, "kubernetes", lambda: set_replicas(run.kube, live, wanted))
        yield finished(self.id, f"{wanted}", evidence(f"{KIND} {run.target.service}", f"spec.replicas {wanted}"))


class StopStep:
    """Done when the service carries KServe's own stop annotation."""

    id = "stop"

    async def probe(self, run: RunContext) -> Probe:
        """Look at the annotation."""
        stopped = is_stopped(await read_service(run, self.id))
        seen = evidence(f"{KIND} {run.target.service}", f"{STOP} {'true' if stopped else 'not set'}")
        return Probe("already" if stopped else "needed", "annotated", (seen,))

    async def act(self, run: RunContext) -> AsyncIterator[Event]:
        """Set it."""
        target = run.target
        yield intends(self.id, "stop", KIND, f"{target.namespace}/{target.service}")
        body = {"metadata": {"annotations": {STOP: "true"}}}
        await patiently(
            run, self.id, "kubernetes", lambda: run.kube.patch(KIND, target.namespace, target.service, body)
        )
        yield finished(self.id, "annotated", evidence(f"{KIND} {target.service}", f"{STOP} true"))


class StartStep:
    """Done when the annotation is gone and the number of replicas is the planned one."""

    id = "start"

    async def probe(self, run: RunContext) -> Probe:
        """Look at both."""
        live, wanted = await read_service(run, self.id), change_of(run).replicas_after
        has, stopped = (live.get("spec") or {}).get("replicas"), is_stopped(live)
        seen = evidence(f"{KIND} {run.target.service}", f"spec.replicas {has}, {STOP} {stopped}")
        return Probe("already" if has == wanted and not stopped else "needed", f"{wanted} replicas", (seen,))

    async def act(self, run: RunContext) -> AsyncIterator[Event]:
        """The number first, so that no replica too many is started."""
        target, wanted = run.target, change_of(run).replicas_after
        live = await read_service(run, self.id)
        yield intends(self.id, "start", KIND, f"{target.namespace}/{target.service}")
        if (live.get("spec") or {}).get("replicas") != wanted:
            await patiently(run, self.id, "kubernetes", lambda: set_replicas(run.kube, live, wanted))
        body = {"metadata": {"annotations": {STOP: None}}}
        await patiently(
            run, self.id, "kubernetes", lambda: run.kube.patch(KIND, target.namespace, target.service, body)
        )
        yield finished(self.id, f"{wanted} replicas", evidence(f"{KIND} {target.service}", f"spec.replicas {wanted}"))
