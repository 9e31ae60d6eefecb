"""The check screen against a practice cloud: rows fill in, a failure closes the way with a reason, retry opens it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from rhaii_tui.endpoints import Endpoints, practice_cloud
from screens.app import RhaiiApp
from screens.plan import PlanScreen
from screens.preflight import PreflightScreen
from screens.widgets.note_line import NoteLine

pytestmark = pytest.mark.wire


async def until(pilot: Pilot[int], true: Callable[[], bool], seconds: float = 30.0) -> None:
    """Let the app go on until something holds."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come about in time"
        await pilot.pause()
        await asyncio.sleep(0)


async def test_failure_closes_the_way_and_retry_opens_it(practice_factory: Any, tmp_path: Path) -> None:
    practice = practice_factory()

    @asynccontextmanager
    async def connect() -> AsyncIterator[Endpoints]:
        yield practice_cloud(practice.descriptor_path)

    async def fault(on: bool) -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            url = f"{practice.line['control']}/faults/gpu-quota-zero"
            (await client.post(url, json={"on": on})).raise_for_status()

    await fault(True)
    app = RhaiiApp(connect, tmp_path, practice=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.journey.endpoints is not None)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PreflightScreen))
        screen = app.screen
        assert isinstance(screen, PreflightScreen)
        await until(pilot, lambda: "looking" not in str(screen.query_one("#check-head", Static).render()))
        assert "FAIL" in str(screen.query_one("#check-head", Static).render())
        await pilot.press("g")
        await pilot.pause()
        assert app.screen is screen
        note = str(screen.query_one(NoteLine).render())
        assert "Quota" in note
        assert "Then r looks again" in note
        await fault(False)
        await pilot.press("r")
        await until(pilot, lambda: "looking" not in str(screen.query_one("#check-head", Static).render()))
        await pilot.press("g")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen))
