"""The graph at work, with steps written for the test: side by side, failures, retry, cancel, resumed runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import RunContext, finished, intends
from rhaii_tui.deployment.failures import failure
from rhaii_tui.deployment.logbook import LogBook
from rhaii_tui.deployment.plan import Plan
from rhaii_tui.deployment.reduce import reduce
from rhaii_tui.deployment.runner import Runner
from rhaii_tui.deployment.state import RunState
from rhaii_tui.deployment.step import Probe, StepStopped
from rhaii_tui.endpoints import google_cloud


class Recorder:
    def __init__(self, plan: Plan) -> None:
        self.events: list[e.Event] = []
        self.state = reduce(RunState(), e.RunStarted(at=time.time(), run="r", cloud="google", rate=1.0, plan=plan))

    def record(self, event: e.Event) -> None:
        self.events.append(event)
        self.state = reduce(self.state, event)

    def context(self, plan: Plan) -> RunContext:
        return RunContext(plan.target, google_cloud(), Path(), LogBook(), self.record, lambda: self.state)

    def status(self) -> dict[str, str]:
        return {s.spec.id: s.status for s in self.state.steps}


class Scripted:
    """Waits for `gate` where it has one, fails while `broken`, counts its acts."""

    def __init__(self, id: str, *, gate: asyncio.Event | None = None, broken: bool = False) -> None:
        self.id = id
        self.gate = gate
        self.broken = broken
        self.acts = 0
        self.true = False
        self.entered = asyncio.Event()

    async def probe(self, run: RunContext) -> Probe:
        return Probe("already" if self.true else "needed")

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        self.acts += 1
        self.entered.set()
        yield intends(self.id, "create", "Thing", self.id)
        if self.gate is not None:
            await self.gate.wait()
        if self.broken:
            raise StepStopped(failure("test.broken", self.id, "broken"))
        self.true = True
        yield finished(self.id, "made")


def _steps(**overrides: Scripted) -> dict[str, Scripted]:
    return {id: overrides.get(id, Scripted(id)) for id in "abcd"}


async def test_steps_that_do_not_depend_on_each_other_run_side_by_side(diamond: Plan) -> None:
    recorder, gate = Recorder(diamond), asyncio.Event()
    steps = _steps(b=Scripted("b", gate=gate), c=Scripted("c", gate=gate))
    task = asyncio.create_task(Runner(diamond, recorder.context(diamond), steps).run())
    await asyncio.wait_for(asyncio.gather(steps["b"].entered.wait(), steps["c"].entered.wait()), 5)
    assert recorder.status() == {"a": "done", "b": "running", "c": "running", "d": "waiting"}
    gate.set()
    await asyncio.wait_for(task, 5)
    assert recorder.state.outcome == "done"
    assert set(recorder.status().values()) == {"done"}


async def test_a_failure_stops_only_what_follows_and_retry_continues(diamond: Plan) -> None:
    recorder = Recorder(diamond)
    steps = _steps(b=Scripted("b", broken=True))
    runner = Runner(diamond, recorder.context(diamond), steps)
    await asyncio.wait_for(runner.run(), 5)
    assert recorder.state.outcome == "failed"
    assert recorder.status() == {"a": "done", "b": "failed", "c": "done", "d": "waiting"}
    assert recorder.state.step("b").finding is not None
    steps["b"].broken = False
    recorder.record(e.RunResumed(at=time.time(), run="r"))
    await asyncio.wait_for(runner.run(), 5)
    assert recorder.state.outcome == "done"
    assert [s.acts for s in steps.values()] == [1, 2, 1, 1]


async def test_a_defect_in_a_step_ends_as_its_finding(diamond: Plan) -> None:
    class Defect(Scripted):
        async def probe(self, run: RunContext) -> Probe:
            raise ZeroDivisionError("oops")

    recorder = Recorder(diamond)
    await asyncio.wait_for(Runner(diamond, recorder.context(diamond), _steps(b=Defect("b"))).run(), 5)
    finding = recorder.state.step("b").finding
    assert finding is not None
    assert finding.status == "UNKNOWN"
    assert "oops" in finding.message
    assert recorder.status()["c"] == "done"


async def test_cancel_is_recorded_and_leaves_nothing_running(diamond: Plan) -> None:
    recorder = Recorder(diamond)
    steps = _steps(b=Scripted("b", gate=asyncio.Event()))
    task = asyncio.create_task(Runner(diamond, recorder.context(diamond), steps).run())
    await asyncio.wait_for(steps["b"].entered.wait(), 5)
    task.cancel()
    await asyncio.wait_for(task, 5)
    assert recorder.state.outcome == "cancelled"
    assert [t for t in asyncio.all_tasks() if t.get_name().startswith("step ")] == []


async def test_a_later_process_looks_again_quietly_and_redoes_what_is_gone(diamond: Plan) -> None:
    recorder = Recorder(diamond)
    steps = _steps()
    await asyncio.wait_for(Runner(diamond, recorder.context(diamond), steps).run(), 5)
    recorder.record(e.RunResumed(at=time.time(), run="r"))
    steps["c"].true = False
    mark = len(recorder.events)
    await asyncio.wait_for(Runner(diamond, recorder.context(diamond), steps).run(), 5)
    later = recorder.events[mark:]
    assert [x.step for x in later if isinstance(x, e.StepStarted)] == ["c"]
    assert recorder.state.outcome == "done"
