"""`rhaii-tui setup`: the whole road without screens: preflight, plan, approval, deployment, cache test, result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from rhaii_tui.cli import flags
from rhaii_tui.cli.asking import asked, terminal
from rhaii_tui.cli.opening import opened
from rhaii_tui.cli.output import Exit, Output

if TYPE_CHECKING:
    from rhaii_tui.catalog.target import Target
    from rhaii_tui.deployment.session import Session
    from rhaii_tui.endpoints import Endpoints

_PRACTICE = typer.Option(False, "--practice", help="Deploy to a practice cloud instead of Google Cloud.")
_SPEED = typer.Option(60.0, "--speed", min=1.0, max=10_000.0, help="Practice cloud seconds in one second.")
_PLAN = typer.Option(False, "--plan", help="Show the plan, its bill and its commands; change nothing.")
_YES = typer.Option(False, "--yes", help="Approve the plan and its bill without being asked.")
_TEST = typer.Option(True, "--cache-test/--no-cache-test", help="Test routing and caching once the service is ready.")


def run(
    accelerator: str | None = flags.ACCELERATOR,
    topology: str | None = flags.TOPOLOGY,
    project: str | None = flags.PROJECT,
    zone: str | None = flags.ZONE,
    cluster: str | None = flags.CLUSTER,
    pool: str | None = flags.POOL,
    namespace: str | None = flags.NAMESPACE,
    service: str | None = flags.SERVICE,
    replicas: int | None = flags.REPLICAS,
    model: str | None = flags.MODEL,
    image: str | None = flags.IMAGE,
    provisioning: str | None = flags.PROVISIONING,
    pull_secret_file: str | None = flags.PULL_SECRET,
    hf_token_file: str | None = flags.HF_TOKEN,
    operators_directory: str | None = flags.OPERATORS,
    practice: bool = _PRACTICE,
    speed: float = _SPEED,
    plan: bool = _PLAN,
    yes: bool = _YES,
    cache_test: bool = _TEST,
    as_json: bool = flags.JSON,
    plain: bool = flags.PLAIN,
) -> None:
    """Deploy one of the six shapes and prove that it works. Exit 0 ready, 1 not, 2 usage, 130 interrupted."""
    import asyncio

    out = Output(as_json=as_json)
    if as_json and plain:
        raise typer.Exit(Output(as_json=False).refuse("--json and --plain exclude each other", "", "Say one of them."))
    wanted: dict[str, object] = {
        "accelerator": accelerator,
        "topology": topology,
        "project": project,
        "zone": zone,
        "cluster": cluster,
        "pool": pool,
        "namespace": namespace,
        "service": service,
        "replicas": replicas,
        "model": model,
        "image": image,
        "provisioning": provisioning,
        "pull_secret_file": pull_secret_file,
        "hf_token_file": hf_token_file,
        "operators_directory": operators_directory,
    }
    wishes = Wishes(wanted, practice=practice, speed=speed, plan_only=plan, yes=yes, cache_test=cache_test)
    try:
        code = asyncio.run(_command(wishes, out))
    except KeyboardInterrupt:
        from rhaii_tui.cli.interruption import broken_off

        code = broken_off(out)
    raise typer.Exit(code)


class Wishes:
    """What the command line asks for."""

    def __init__(
        self,
        flags: dict[str, object],
        *,
        practice: bool,
        speed: float,
        plan_only: bool,
        yes: bool,
        cache_test: bool,
    ) -> None:
        self.flags = flags
        self.practice = practice
        self.speed = speed
        self.plan_only = plan_only
        self.yes = yes
        self.cache_test = cache_test


async def _command(wishes: Wishes, out: Output) -> int:
    from rhaii_tui.cli.cloud import PracticeUnavailable, open_cloud
    from rhaii_tui.settings import SettingsError

    if not (wishes.plan_only or wishes.yes or terminal()):
        return out.refuse(
            "The plan cannot be approved",
            "There is no terminal to ask on, and the deployment costs money.",
            "Say --yes to approve it beforehand, or --plan to see it.",
        )
    try:
        async with open_cloud(wishes.practice, speed=wishes.speed) as endpoints:
            return await _road(wishes, endpoints, out)
    except SettingsError as error:
        return out.refuse(error.what, error.why, error.next)
    except PracticeUnavailable as error:
        return out.refuse("No practice cloud", str(error), code=Exit.FAILED)


async def _road(wishes: Wishes, endpoints: Endpoints, out: Output) -> int:
    import os
    from pathlib import Path

    from rhaii_tui.cli.setup_report import plan_lines
    from rhaii_tui.deployment.planning import build_plan
    from rhaii_tui.deployment.session import Session
    from rhaii_tui.doctor.stalls import for_step
    from rhaii_tui.settings import resolve, state_home

    settings = resolve(wishes.flags, endpoints, os.environ, Path.cwd())
    target = settings.target()
    sources = {s.name: {"value": s.value, "source": s.source} for s in settings.values.values()}
    out.record({"type": "settings", "settings": sources, "notes": settings.warnings})
    if wishes.plan_only:
        for note in settings.warnings:
            out.line(f"WARN    Settings: {note}.")
        plan = build_plan(target, endpoints)
        for line in plan_lines(plan):
            out.line(line)
        out.record({"type": "plan", **plan.model_dump(mode="json"), "expected_seconds": plan.expected_seconds})
        out.record({"type": "result", "ok": True, "expected_seconds": plan.expected_seconds})
        return Exit.OK
    if not await _preflight(target, endpoints, settings.warnings, out):
        return Exit.FAILED
    session = await opened(Session.open(target, endpoints, state_home(os.environ)), out)
    if isinstance(session, int):
        return session
    session.consult(lambda step: for_step(step, target, endpoints, session.cluster))
    try:
        return await _deploy(session, wishes, out)
    finally:
        await session.close()


async def _preflight(target: Target, endpoints: Endpoints, warnings: tuple[str, ...], out: Output) -> bool:
    """Whether nothing stands in the way that is known. UNKNOWN is told and does not stop: the steps look again."""
    from rhaii_tui.advisor.preflight import preflight
    from rhaii_tui.catalog.findings import Status

    good = True
    async for finding in preflight(target, endpoints, notes=warnings):
        out.record({"type": "finding", **finding.model_dump(mode="json")})
        out.line(f"{finding.status.value:<8}{finding.name}: {finding.message}")
        if finding.status is Status.FAIL:
            good = False
            out.line(f"        {finding.meaning}".rstrip())
            out.line(f"        {finding.remediation}".rstrip())
    if not good:
        out.line("Preflight failed; nothing was created.")
        out.record({"type": "result", "ok": False, "exit_code": 1, "what": "Preflight failed; nothing was created."})
    return good


async def _deploy(session: Session, wishes: Wishes, out: Output) -> int:
    import asyncio

    from rhaii_tui.cli import interruption
    from rhaii_tui.cli.setup_report import Reporter, plan_lines, result

    for line in plan_lines(session.plan):
        out.line(line)
    reporter = Reporter(out)
    forget = session.subscribe(reporter)
    reporter.begin(session.state)
    try:
        if session.state.approved_at is None:
            if not wishes.yes and not asked(lambda: typer.confirm("Create this?", err=True)):
                out.line("Nothing was created.")
                return Exit.FAILED
            session.approve("--yes" if wishes.yes else "terminal")
        state = await session.run()
        if state.outcome == "done" and wishes.cache_test:
            from rhaii_tui.cli.setup_console import run_console

            await run_console(session, out)
    except asyncio.CancelledError:
        interruption.tell(session.state, out)
        raise
    finally:
        forget()
    record, code = result(session.state)
    out.record(record)
    for line in reporter.closing(session.state):
        out.line(line)
    return code
