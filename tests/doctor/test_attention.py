"""A stalled step is asked about: what is agreed on is told once, cleared when silent, gone when it came through."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest
from doctor_stage import target_of

from rhaii_tui.catalog.findings import Finding, Status
from rhaii_tui.catalog.shapes import SHAPES
from rhaii_tui.clock import Clock
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.attention import Attention
from rhaii_tui.deployment.context import RunContext
from rhaii_tui.deployment.logbook import LogBook
from rhaii_tui.deployment.plan import StepSpec
from rhaii_tui.deployment.state import RunState
from rhaii_tui.endpoints import google_cloud

HELD = Finding(rule="doctor.x", category="node", name="pool", status=Status.WARN, message="held")
SPEC = StepSpec(id="replicas", title="Replicas", usual_seconds=1)


class Told:
    """A consultant with a script, and what was recorded."""

    def __init__(self, *answers: tuple[Finding, ...] | Exception) -> None:
        self.answers = list(answers)
        self.events: list[e.Event] = []
        self.asked = asyncio.Event()

    async def consult(self, step: str) -> tuple[Finding, ...]:
        assert step == "replicas"
        answer = self.answers.pop(0) if self.answers else ()
        if not self.answers:
            self.asked.set()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def attention(self) -> Attention:
        endpoints = dataclasses.replace(google_cloud(), clock=Clock(1e6))
        run = RunContext(target_of(SHAPES[0]), endpoints, Path(), LogBook(), self.events.append, RunState)
        return Attention(run, SPEC, self.consult, least_wall=0.0, least_again=0.0)

    def words(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


@pytest.mark.parametrize("came_through", [True, False])
async def test_what_two_looks_agree_on_is_told_once(came_through: bool) -> None:
    told = Told((HELD,), (HELD,), (HELD,), (HELD,))
    attention = told.attention()
    attention.begin()
    await asyncio.wait_for(told.asked.wait(), 10)
    await attention.end(came_through=came_through)
    assert told.words() == ["FindingRaised", *(["FindingCleared"] if came_through else [])]


async def test_a_passing_word_and_a_failing_consultant_are_not_told() -> None:
    told = Told((HELD,), (), ValueError("no"), (HELD,), ())
    attention = told.attention()
    attention.begin()
    await asyncio.wait_for(told.asked.wait(), 10)
    await attention.end(came_through=True)
    assert told.words() == []


async def test_what_is_no_longer_said_is_cleared() -> None:
    told = Told((HELD,), (HELD,), (), ())
    attention = told.attention()
    attention.begin()
    await asyncio.wait_for(told.asked.wait(), 10)
    await attention.end(came_through=False)
    assert told.words() == ["FindingRaised", "FindingCleared"]
