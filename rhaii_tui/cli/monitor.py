"""`rhaii-tui monitor`: a running service as it is now, whoever deployed it. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from rhaii_tui.cli import attaching
from rhaii_tui.cli.attaching import Where
from rhaii_tui.cli.order import takes
from rhaii_tui.cli.output import Exit, Output

if TYPE_CHECKING:
    from rhaii_tui.monitor.monitor import Monitor
    from rhaii_tui.monitor.state import MonitorState

_ONCE = typer.Option(False, "--once", help="One snapshot, then the exit code of what was seen.")
_INTERVAL = typer.Option(2.0, "--interval", min=0.5, max=3600.0, help="Seconds between two scrapes and two snapshots.")
_JSON = typer.Option(False, "--json", help="One JSON object per snapshot.")
_PLAIN = typer.Option(False, "--plain", help="Plain lines; also what a terminal that is none gets.")
FIRST_LOOK_SECONDS = 15.0
"""Wall seconds within which everything should have answered once; what has not is told as unknown."""


@takes(Where)
def run(
    where: Where,
    once: bool = _ONCE,
    interval: float = _INTERVAL,
    as_json: bool = _JSON,
    plain: bool = _PLAIN,
) -> None:
    """Screens in a terminal, else snapshots until interrupted. Exit 0 ready, 1 not ready or not found, 3 unknown."""
    import asyncio
    import sys

    if as_json and plain:
        raise typer.Exit(Output(as_json=False).refuse("--json and --plain exclude each other", "", "Say one of them."))
    if not (as_json or plain or once) and sys.stdin.isatty() and sys.stdout.isatty():
        raise typer.Exit(_screens(where, interval))
    try:
        code = asyncio.run(_command(where, once, interval, Output(as_json=as_json)))
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    raise typer.Exit(code)


def _screens(where: Where, interval: float) -> int:
    import os

    from rhaii_tui.cli.cloud import open_cloud
    from rhaii_tui.settings import state_home
    from screens.monitor_app import MonitorApp

    app = MonitorApp(
        lambda: open_cloud(where.practice, guest=True),
        state_home(os.environ),
        lambda endpoints: attaching.wish(endpoints, where),
        interval=interval,
        practice=where.practice,
    )
    code = app.run()
    return code if code is not None else app.return_code or 0


async def _command(where: Where, once: bool, interval: float, out: Output) -> int:

    from rhaii_tui.cli.cloud import PracticeUnavailable, nobody_practises, open_cloud
    from rhaii_tui.monitor.discovery import NothingChosen
    from rhaii_tui.settings import SettingsError

    if where.practice and (refused := nobody_practises(out)) is not None:
        return refused
    try:
        async with open_cloud(where.practice, guest=True) as endpoints:
            wanted = attaching.wish(endpoints, where)
            async with attaching.attached(endpoints, wanted) as found, attaching.watched(found, interval) as monitor:
                return await _tell(monitor, once, interval, out)
    except PracticeUnavailable as error:
        return out.refuse("No practice cloud", str(error), code=Exit.FAILED)
    except NothingChosen as error:
        return out.refuse(error.what, error.why, error.next, code=Exit.UNKNOWN if error.unknown else Exit.FAILED)
    except SettingsError as error:
        return out.refuse(error.what, error.why, error.next)


async def _tell(monitor: Monitor, once: bool, interval: float, out: Output) -> int:
    import asyncio

    from rhaii_tui.monitor import report

    state: MonitorState = await monitor.settled(FIRST_LOOK_SECONDS)
    while True:
        out.record({**report.record(state), "exit_code": int(exit_code(state))})
        for line in report.lines(state):
            out.line(line)
        if once or out.unheard:
            return exit_code(state)
        await asyncio.sleep(interval)
        state = monitor.state


def exit_code(state: MonitorState) -> Exit:
    """Ready is 0; unknown is 3; not ready and stopped are 1."""
    return {"ready": Exit.OK, "unknown": Exit.UNKNOWN}.get(state.state, Exit.FAILED)
