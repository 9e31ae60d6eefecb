"""A state folder that takes nothing more: said in the note line, and nothing goes on that would not be remembered."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripted_run import make_app, text_of
from textual.pilot import Pilot

from rhaii_tui.catalog.shapes import Accelerator, Shape, Topology
from rhaii_tui.deployment.journal import EVENTS_FILE, read_events
from rhaii_tui.deployment.reduce import replay
from screens.answers import Answers
from screens.app import RhaiiApp


@contextmanager
def nothing_larger_than(path: Path, more: int = 0) -> Iterator[None]:
    """No file of this process grows beyond what this one has, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + more, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def until(pilot: Pilot[int], true: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await pilot.pause()
            await asyncio.sleep(0.02)


def said(app: RhaiiApp) -> str:
    return " ".join("\n".join(text_of(app)).split())


async def test_a_full_disk_ends_the_run_as_failed_and_retry_continues_it(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(160, 40)) as pilot:
        await until(pilot, lambda: app.journey.endpoints is not None)
        app.answer(Answers(shape=Shape(Accelerator.GPU_T4, Topology.SINGLE)))
        session = await app.journey.open(app.journey.target())
        journal = session.folder / EVENTS_FILE
        with nothing_larger_than(journal):
            assert not app.journey.approve("test")
        await pilot.pause()
        assert "journal cannot be written" in said(app)
        assert session.state.approved_at is None, "nobody is told what a crash would forget"
        session.approve("test")
        await app.push_screen("deploy")
        with nothing_larger_than(journal, 400):
            assert app.journey.go()
            await until(pilot, lambda: not app.journey.running)
            assert session.state.outcome == "failed"
        (*_, first) = (s for s in session.state.steps if s.status == "failed")
        assert first.finding is not None
        assert first.finding.rule == "run.unrecorded"
        await until(pilot, lambda: "journal cannot be written" in said(app))
        assert journal.read_bytes().endswith(b"}\n"), "no half line is left"
        await until(pilot, lambda: app.run_state.outcome == "failed")
        await pilot.press("r")
        await until(pilot, lambda: app.journey.running)
        await session.cancel()
        await until(pilot, lambda: not app.journey.running)
        assert session.state.outcome == "cancelled"
        assert session.broken is None
        assert replay(read_events(session.folder)).outcome == "cancelled"
