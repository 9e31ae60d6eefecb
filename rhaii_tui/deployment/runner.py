"""The graph at work: a step starts the moment the steps before it are done; a failure stops only what follows it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from rhaii_tui.catalog.findings import Finding
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.attention import Attention, Consult
from rhaii_tui.deployment.context import RunContext
from rhaii_tui.deployment.failures import finding_of
from rhaii_tui.deployment.plan import Plan, StepSpec
from rhaii_tui.deployment.step import Probe, Step, StepStopped

_KEPT = ("done", "already", "skipped")


class Runner:
    """Runs the steps of a plan. `run` may be called again after a failure: what is done is looked at again, quietly,
    because what a person corrected meanwhile (a secret's file) may belong to a step that was done."""

    def __init__(self, plan: Plan, run: RunContext, steps: Mapping[str, Step]) -> None:
        self._plan = plan
        self._run = run
        self._steps = steps
        self.consult: Consult | None = None
        """Asked about a step that stalls."""

    async def run(self) -> None:
        """Until nothing can go on any more. Cancellation is recorded and then ends this normally: see Session.

        Raises OSError as `record` does: no step goes on then, for what it does would not be remembered.
        """
        tasks: dict[str, asyncio.Task[bool]] = {}
        for spec in self._plan.steps:
            before = [tasks[a] for a in spec.after]
            tasks[spec.id] = asyncio.create_task(self._after(before, spec), name=f"step {spec.id}")
        try:
            results = await asyncio.gather(*tasks.values())
        except asyncio.CancelledError:
            await _ended(tasks)
            self._stopped("cancelled")
            return
        except Exception:
            await _ended(tasks)
            raise
        self._stopped("done" if all(results) else "failed")

    def _stopped(self, outcome: str) -> None:
        self._run.record(e.RunStopped.model_validate({"at": time.time(), "outcome": outcome, "bill": self._plan.bill}))

    async def _after(self, before: list[asyncio.Task[bool]], spec: StepSpec) -> bool:
        for task in before:
            if not await asyncio.shield(task):
                return False
        try:
            await self._do(spec)
        except StepStopped as stop:
            self._failed(spec, stop)
            return False
        except Exception as error:  # noqa: BLE001 - a defect in one step must end as its finding, not end the others
            self._failed(spec, StepStopped(finding_of(error, spec.id)))
            return False
        return True

    def _failed(self, spec: StepSpec, stop: StepStopped) -> None:
        self._run.record(e.StepFailed(at=time.time(), step=spec.id, finding=stop.finding))

    async def _do(self, spec: StepSpec) -> None:
        """Probe, and act where needed. A step that was finished before is looked at again, quietly."""
        run, step = self._run, self._steps[spec.id]
        kept = run.state.step(spec.id).status in _KEPT
        if not kept:
            run.record(e.StepStarted(at=time.time(), step=spec.id))
        probe = await step.probe(run)
        if probe.verdict == "already" and kept:
            return
        if kept:
            run.record(e.StepStarted(at=time.time(), step=spec.id))
        run.record(e.StepProbed(at=time.time(), step=spec.id, verdict=probe.verdict, evidence=probe.evidence))
        if probe.verdict == "already":
            run.record(
                e.StepFinished(at=time.time(), step=spec.id, note=probe.note, evidence=probe.evidence, already=True)
            )
            return
        if probe.verdict in ("blocked", "unknown"):
            raise StepStopped(_required(probe))
        ended = False
        attention = Attention(run, spec, self.consult) if self.consult else None
        if attention:
            attention.begin()
        came_through = False
        try:
            async for event in step.act(run):
                run.record(event)
                ended = ended or isinstance(event, e.StepFinished | e.StepSkipped)
            came_through = True
        finally:
            if attention:
                await attention.end(came_through=came_through)
        if not ended:
            run.record(e.StepFinished(at=time.time(), step=spec.id))


async def _ended(tasks: Mapping[str, asyncio.Task[bool]]) -> None:
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


def _required(probe: Probe) -> Finding:
    assert probe.finding is not None
    return probe.finding
