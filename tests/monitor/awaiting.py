"""Waiting for a state instead of for time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rhaii_tui.monitor.monitor import Monitor
from rhaii_tui.monitor.state import MonitorState

DEADLINE = 20.0


async def until(monitor: Monitor, wanted: Callable[[MonitorState], object]) -> MonitorState:
    """The first state that is as wanted."""
    found: asyncio.Future[MonitorState] = asyncio.get_running_loop().create_future()

    def hear(state: MonitorState) -> None:
        if wanted(state) and not found.done():
            found.set_result(state)

    stop = monitor.subscribe(hear)
    try:
        hear(monitor.state)
        return await asyncio.wait_for(found, DEADLINE)
    except TimeoutError:
        raise AssertionError(f"never as wanted; last: {monitor.state}") from None
    finally:
        stop()
