"""`rhaii-tui doctor`: which hop is red, why, and what mends it; on request it mends it and looks again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import typer

from rhaii_tui.cli.asking import asked, terminal
from rhaii_tui.cli.attaching import Where
from rhaii_tui.cli.order import takes
from rhaii_tui.cli.output import Exit, Output

if TYPE_CHECKING:
    from rhaii_tui.doctor.diagnosis import Diagnosis
    from rhaii_tui.doctor.fixing import Outcome
    from rhaii_tui.doctor.place import Place
    from rhaii_tui.endpoints import Endpoints
    from rhaii_tui.kube.connect import Cluster
    from rhaii_tui.monitor.discovery import Found

_FIX = typer.Option("", "--fix", help="Mend what this rule found: preview, confirm, apply, look again.")
_UNDO = typer.Option("", "--undo", help="Take the last fix of this rule back.")
_YES = typer.Option(False, "--yes", help="Apply the fix without asking.")
_JSON = typer.Option(False, "--json", help="One JSON object per line; the last is the result.")
_PLAIN = typer.Option(False, "--plain", help="Plain lines (the default).")


@takes(Where)
def run(
    where: Where,
    fix: str = _FIX,
    undo: str = _UNDO,
    yes: bool = _YES,
    as_json: bool = _JSON,
    plain: bool = _PLAIN,
) -> None:
    """Exit 0 when every hop is well, 1 when a cause was found (or a fix failed), 3 when something could not be read."""
    import asyncio

    for one, other, names in ((as_json, plain, "--json and --plain"), (fix, undo, "--fix and --undo")):
        if one and other:
            raise typer.Exit(Output(as_json=as_json).refuse(f"{names} exclude each other", "", "Say one of them."))
    if as_json and fix and not yes:
        raise typer.Exit(Output(as_json=True).refuse("--fix asks before it acts", "A machine cannot answer.", "--yes."))
    if fix and not yes and not terminal():
        out = Output(as_json=as_json)
        raise typer.Exit(out.refuse("--fix asks before it acts", "There is no terminal to ask on.", "Say --yes."))
    try:
        code = asyncio.run(_command(where, fix, undo, yes, Output(as_json=as_json)))
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    raise typer.Exit(code)


async def _command(where: Where, fix: str, undo: str, yes: bool, out: Output) -> int:
    from rhaii_tui.cli.cloud import PracticeUnavailable, open_cloud
    from rhaii_tui.doctor.rules import RULES
    from rhaii_tui.monitor.discovery import NothingChosen
    from rhaii_tui.settings import SettingsError

    for name in filter(None, (fix, undo)):
        if name not in RULES:
            return out.refuse(f"There is no rule {name}", f"Rules are: {', '.join(sorted(RULES))}.")
    try:
        async with open_cloud(where.practice, guest=True) as endpoints, _patient(endpoints, where) as (place, cluster):
            if undo:
                return await _undo(place, endpoints, cluster, undo, out)
            return await _examine(place, endpoints, cluster, fix, yes, out)
    except PracticeUnavailable as error:
        return out.refuse("No practice cloud", str(error), code=Exit.FAILED)
    except SettingsError as error:
        return out.refuse(error.what, error.why, error.next)
    except NothingChosen as error:
        return out.refuse(error.what, error.why, error.next, code=Exit.UNKNOWN if error.unknown else Exit.FAILED)


@asynccontextmanager
async def _patient(endpoints: Endpoints, where: Where) -> AsyncIterator[tuple[Place, Cluster | None]]:
    """Whom to look at: what was asked for, else the last run's target even where nothing of it can be reached."""
    from rhaii_tui.cli.attaching import attached, wish
    from rhaii_tui.doctor.examination import connect

    run = _last_target(endpoints) if not where.said else None
    if run is not None:
        cluster, _ = await connect(run, endpoints)
        try:
            yield run, cluster
        finally:
            if cluster is not None:
                await cluster.close()
        return
    async with attached(endpoints, wish(endpoints, where)) as found:
        yield _place(endpoints, found.found), found.cluster


def _last_target(endpoints: Endpoints) -> Place | None:
    import os

    from rhaii_tui.deployment.journal import last_run
    from rhaii_tui.doctor.place import Place
    from rhaii_tui.settings import state_home

    state = last_run(state_home(os.environ), endpoints.name)
    if state is None or state.plan is None:
        return None
    return Place.of(state.plan.target, under_way=not state.outcome)


def _place(endpoints: Endpoints, one: Found) -> Place:
    """The found service; with the run's target where a run made it."""
    from rhaii_tui.doctor.place import Place

    mine = _last_target(endpoints)
    place = Place(one.namespace, one.service, one.project, one.zone, one.gke or one.cluster)
    return mine if mine is not None and mine.is_at(place) else place


async def _examine(
    place: Place, endpoints: Endpoints, cluster: Cluster | None, rule: str, yes: bool, out: Output
) -> int:
    import os

    from rhaii_tui.cli.doctor_report import lines, result
    from rhaii_tui.doctor.examination import examine
    from rhaii_tui.doctor.records import records
    from rhaii_tui.doctor.treatment import Treatment
    from rhaii_tui.settings import state_home

    diagnosis = await examine(place, endpoints, cluster)
    for record in records(diagnosis):
        out.record(record)
    for line in lines(diagnosis):
        out.line(line)
    if not rule:
        out.record(result(diagnosis, exit_code(diagnosis)))
        return exit_code(diagnosis)
    case = diagnosis.find(rule)
    if case is None or case.hit.fix is None:
        return out.refuse(f"{rule} has found nothing to mend", "", "Look again: rhaii-tui doctor.", code=Exit.FAILED)
    fix = case.hit.fix
    treatment = Treatment(place, endpoints, cluster, state_home(os.environ))
    if fix.guided:
        commands = " ; ".join(c.text for c in fix.commands)
        return out.refuse(f"This fix needs you: {fix.title}", commands, code=Exit.FAILED)
    preview = await treatment.preview(fix)
    out.line(f"Fix of {rule}: {fix.title}")
    for step in preview.steps:
        out.record({"type": "preview", "rule": rule, "object": step.change.object, "text": step.text,
                    "refusal": step.refusal})  # fmt: skip
        out.line(step.text)
    if preview.refused:
        return out.refuse("The fix would be refused", preview.refused, code=Exit.FAILED)
    if fix.risk:
        out.line(f"Mind: {fix.risk}")
    if not yes and not asked(lambda: typer.confirm("Apply it?", default=False)):
        out.line("Nothing was changed.")
        return Exit.FAILED
    healing = await treatment.heal(rule, case.hop, fix)
    _told(healing.outcome, out)
    code = Exit.OK if healing.outcome.ok and healing.healed else Exit.FAILED
    link = healing.diagnosis.link(case.hop)
    out.line(f"{link.hop}: {link.state.value} - {link.line}")
    undo = f" Take it back: rhaii-tui doctor --undo {rule}." if fix.undoable else ""
    out.line(("Healed." if code is Exit.OK else "Not healed.") + undo)
    out.record(result(healing.diagnosis, code) | {"fixed": rule, "healed": healing.healed})
    return code


def _told(outcome: Outcome, out: Output) -> None:
    for text in outcome.done:
        out.record({"type": "changed", "text": text})
        out.line(f"  done: {text}")
    if outcome.failure:
        out.line(f"  failed: {outcome.failure}")


async def _undo(place: Place, endpoints: Endpoints, cluster: Cluster | None, rule: str, out: Output) -> int:
    import os

    from rhaii_tui.doctor.treatment import Treatment
    from rhaii_tui.settings import state_home

    outcome = await Treatment(place, endpoints, cluster, state_home(os.environ)).undo(rule)
    _told(outcome, out)
    if not outcome.ok:
        return out.refuse("It could not be taken back", outcome.failure, code=Exit.FAILED)
    out.record({"type": "result", "ok": True, "exit_code": 0, "undone": rule})
    return Exit.OK


def exit_code(diagnosis: Diagnosis) -> Exit:
    """A cause is 1 even where other evidence is missing; missing evidence alone is 3."""
    if diagnosis.cause is not None:
        return Exit.FAILED
    return Exit.OK if diagnosis.healthy else Exit.UNKNOWN
