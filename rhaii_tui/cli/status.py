"""`rhaii-tui status`: the last run on this cloud, and what the cloud says now. Changes nothing.

Where no run is known here, or another place is named, it is what the cloud says of the service that runs there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from rhaii_tui.cli.attaching import Where
from rhaii_tui.cli.order import takes
from rhaii_tui.cli.output import Exit, Output, clock_text

if TYPE_CHECKING:
    from rhaii_tui.deployment.look import Look
    from rhaii_tui.deployment.state import RunState
    from rhaii_tui.endpoints import Endpoints

_RUN = typer.Option(None, "--run", help="A run's id; the newest on this cloud otherwise.")
_JSON = typer.Option(False, "--json", help="One JSON object; it is the result.")
_PLAIN = typer.Option(False, "--plain", help="Plain lines (the default).")
_LINE = typer.Option(False, "--line", help="One line for a status bar, of whatever service runs, ours or not.")


@takes(Where)
def run(
    where: Where,
    run_id: str | None = _RUN,
    as_json: bool = _JSON,
    plain: bool = _PLAIN,
    line: bool = _LINE,
) -> None:
    """Exit 0 when the service is ready now, 1 when it is not, 3 when that could not be read."""
    import asyncio

    if as_json and plain:
        raise typer.Exit(Output(as_json=False).refuse("--json and --plain exclude each other", "", "Say one of them."))
    if line:
        from rhaii_tui.cli import status_line

        raise typer.Exit(status_line.run(where))
    try:
        code = asyncio.run(_command(run_id, where, Output(as_json=as_json)))
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    raise typer.Exit(code)


async def _command(run_id: str | None, where: Where, out: Output) -> int:

    from rhaii_tui.cli.cloud import PracticeUnavailable, nobody_practises, open_cloud

    if where.practice and (refused := nobody_practises(out)) is not None:
        return refused
    try:
        async with open_cloud(where.practice, guest=True) as endpoints:
            return await _status(endpoints, run_id, where, out)
    except PracticeUnavailable as error:
        return out.refuse("No practice cloud", str(error), code=Exit.FAILED)


async def _status(endpoints: Endpoints, run_id: str | None, where: Where, out: Output) -> int:
    import os

    from rhaii_tui.deployment.journal import last_run
    from rhaii_tui.deployment.look import look
    from rhaii_tui.settings import state_home

    elsewhere = where.said
    state = None if elsewhere and not run_id else last_run(state_home(os.environ), endpoints.name, run_id)
    if state is None or state.plan is None:
        if run_id is None:
            return await _live(endpoints, where, out)
        return out.refuse(
            f"No run {run_id} on this cloud is known here",
            "Runs are kept in the state folder of the machine that made them.",
            "Begin one: rhaii-tui setup --help.",
            code=Exit.FAILED,
        )
    seen = await look(state.plan.target, endpoints)
    code = Exit.UNKNOWN if seen.unread else Exit.OK if seen.ready else Exit.FAILED
    out.record(_record(state, seen, code))
    for line in _lines(state, seen):
        out.line(line)
    return code


async def _live(endpoints: Endpoints, where: Where, out: Output) -> int:
    """What runs there, whoever made it: no journal is needed."""
    from rhaii_tui.cli.monitor import exit_code
    from rhaii_tui.cli.status_line import glance
    from rhaii_tui.monitor import report
    from rhaii_tui.monitor.discovery import NothingChosen
    from rhaii_tui.settings import SettingsError

    try:
        found, seen = await glance(endpoints, where)
    except NothingChosen as error:
        return out.refuse(error.what, error.why, error.next, code=Exit.UNKNOWN if error.unknown else Exit.FAILED)
    except SettingsError as error:
        return out.refuse(error.what, error.why, error.next)
    code = exit_code(seen)
    out.record(
        {"type": "result", "ok": code is Exit.OK, "exit_code": int(code), "run": None, "outcome": "", "target": None,
         "steps": {}, "endpoint": seen.url, "replicas": seen.wanted, "replicas_ready": seen.ready,
         "service": str(found.found), "live": report.record(seen)}
    )  # fmt: skip
    for line in (f"No run of this machine; found {found.found}.", *report.lines(seen)):
        out.line(line)
    return code


def _record(state: RunState, seen: Look, code: Exit) -> dict[str, Any]:
    assert state.plan is not None
    return {
        "type": "result",
        "ok": code is Exit.OK,
        "exit_code": int(code),
        "run": state.run,
        "outcome": state.outcome,
        "target": state.plan.target.model_dump(mode="json"),
        "steps": {s.spec.id: s.status for s in state.steps},
        "endpoint": seen.endpoint or state.endpoint,
        "replicas": state.plan.target.replicas,
        "replicas_ready": seen.replicas_ready,
        "live": seen.record(),
    }


def _lines(state: RunState, seen: Look) -> list[str]:
    assert state.plan is not None
    target = state.plan.target
    elapsed = clock_text(state.cloud_elapsed(state.approved_at, state.ready_at)) if state.ready_at else "not ready yet"
    lines = [
        f"Run {state.run}: {target.shape.id} in {target.zone} ({target.project}), {state.outcome or 'unfinished'}, "
        f"{elapsed}",
        f"  cluster {target.cluster}: {seen.cluster or 'not there'}",
        f"  node pool {target.pool}: {seen.pool or 'not there'}",
        f"  service {target.namespace}/{target.service}: {seen.service or 'not there'}",
        f"  replicas: {seen.replicas_ready} of {target.replicas} ready",
    ]
    lines += [f"    {pod['pod']} {pod['status']} {pod['ready']}" for pod in seen.pods]
    lines += [f"  UNKNOWN {text}" for text in seen.unread]
    if seen.endpoint:
        lines.append(f"  endpoint: {seen.endpoint}")
    return lines
