"""`rhaii-tui status --line`: one look at the service that runs, in one line; trouble is a line too."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rhaii_tui.cli import attaching
from rhaii_tui.cli.attaching import Where
from rhaii_tui.cli.output import Exit, Output

if TYPE_CHECKING:
    from rhaii_tui.endpoints import Endpoints
    from rhaii_tui.monitor.discovery import Attached
    from rhaii_tui.monitor.state import MonitorState

LOOK_SECONDS = 3.0
"""Wall seconds the look may take: a status bar asks again soon."""


def run(where: Where) -> Exit:
    """Print the line; 0 ready, 1 not ready or nothing there, 3 unknown."""
    out = Output(as_json=False)
    try:
        text, code = asyncio.run(_look(where))
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    out.line(text)
    return code


async def glance(endpoints: Endpoints, where: Where) -> tuple[Attached, MonitorState]:
    """The service that fits and how it is. Raises NothingChosen, SettingsError."""
    wanted = attaching.wish(endpoints, where)
    async with attaching.attached(endpoints, wanted) as found, attaching.watched(found) as monitor:
        return found, await monitor.settled(LOOK_SECONDS)


async def _look(where: Where) -> tuple[str, Exit]:
    import os

    from rhaii_tui.cli.cloud import PracticeUnavailable, find_running, open_cloud
    from rhaii_tui.cli.monitor import exit_code
    from rhaii_tui.monitor import report
    from rhaii_tui.monitor.discovery import NothingChosen
    from rhaii_tui.settings import SettingsError, state_home

    if where.practice and find_running(state_home(os.environ)) is None:
        return "rhaii-tui: no practice cloud is running", Exit.FAILED
    try:
        async with open_cloud(where.practice, guest=True) as endpoints:
            _, state = await glance(endpoints, where)
            return report.one_line(state), exit_code(state)
    except NothingChosen as error:
        why = "say --service or --cluster" if error.choices else error.why.partition(". ")[0] if error.unknown else ""
        return f"rhaii-tui: {error.what}{why and f': {why[:100]}'}", Exit.UNKNOWN if error.unknown else Exit.FAILED
    except (PracticeUnavailable, SettingsError) as error:
        return f"rhaii-tui: {' '.join(str(error).split())}", Exit.FAILED
