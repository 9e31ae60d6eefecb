"""`rhaii-tui preflight`: look at everything that could stand in the way; create nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

from rhaii_tui.cli import flags

if TYPE_CHECKING:
    from rhaii_tui.catalog.findings import Finding
    from rhaii_tui.endpoints import Endpoints

_PRACTICE = typer.Option(False, "--practice", help="Look at a practice cloud instead of Google Cloud.")


def run(
    accelerator: str | None = flags.ACCELERATOR,
    topology: str | None = flags.TOPOLOGY,
    project: str | None = flags.PROJECT,
    zone: str | None = flags.ZONE,
    cluster: str | None = flags.CLUSTER,
    namespace: str | None = flags.NAMESPACE,
    replicas: int | None = flags.REPLICAS,
    model: str | None = flags.MODEL,
    provisioning: str | None = flags.PROVISIONING,
    pull_secret_file: str | None = flags.PULL_SECRET,
    hf_token_file: str | None = flags.HF_TOKEN,
    operators_directory: str | None = flags.OPERATORS,
    practice: bool = _PRACTICE,
    as_json: bool = flags.JSON,
    plain: bool = flags.PLAIN,
) -> None:
    """Check credentials, project, quotas, zone, names, secrets and prices. Exit 0 passed, 1 failed, 3 unknown."""
    import asyncio

    if as_json and plain:
        typer.echo("--json and --plain exclude each other. Say one of the two.", err=True)
        raise typer.Exit(2)
    wanted: dict[str, object] = {
        "accelerator": accelerator,
        "topology": topology,
        "project": project,
        "zone": zone,
        "cluster": cluster,
        "namespace": namespace,
        "replicas": replicas,
        "model": model,
        "provisioning": provisioning,
        "pull_secret_file": pull_secret_file,
        "hf_token_file": hf_token_file,
        "operators_directory": operators_directory,
    }
    try:
        code = asyncio.run(_command(wanted, practice, as_json))
    except KeyboardInterrupt:
        code = 130
    raise typer.Exit(code)


async def _command(flags: dict[str, object], practice: bool, as_json: bool) -> int:
    from rhaii_tui.cli.cloud import PracticeUnavailable, open_cloud
    from rhaii_tui.settings import SettingsError

    try:
        async with open_cloud(practice, guest=True) as endpoints:
            return await _look(flags, endpoints, as_json)
    except SettingsError as error:
        return _refuse(as_json, error.what, error.why, error.next)
    except PracticeUnavailable as error:
        return _refuse(as_json, "No practice cloud", str(error), "", code=1)


async def _look(flags: dict[str, object], endpoints: Endpoints, as_json: bool) -> int:
    import os
    from pathlib import Path

    from rhaii_tui.advisor.preflight import preflight, verdict
    from rhaii_tui.settings import resolve

    settings = resolve(flags, endpoints, os.environ, Path.cwd())
    target = settings.target()
    if as_json:
        sources = {s.name: {"value": s.value, "source": s.source} for s in settings.values.values()}
        _echo({"type": "settings", "settings": sources})
    findings: list[Finding] = []
    said: set[str] = set()
    async for finding in preflight(target, endpoints, notes=settings.warnings):
        findings.append(finding)
        if as_json:
            _echo({"type": "finding", **finding.model_dump(mode="json")})
        else:
            for line in _lines(finding, said):
                typer.echo(line)
    code = verdict(findings)
    _result(findings, code, as_json)
    return code


def _result(findings: list[Finding], code: int, as_json: bool) -> None:
    from rhaii_tui.catalog.findings import Status

    counts = {s.value.lower(): sum(f.status is s for f in findings) for s in Status if s is not Status.SKIP}
    if as_json:
        _echo({"type": "result", "ok": code == 0, "exit_code": code, **counts})
        return
    word = {0: "passed", 1: "failed", 3: "unknown"}[code]
    typer.echo(f"Preflight {word}: " + ", ".join(f"{n} {name}" for name, n in counts.items()))


def _lines(finding: Finding, said: set[str]) -> list[str]:
    """The finding, and what it means and asks for unless that has been said already."""
    lines = [f"{finding.status.value:<8}{finding.name}: {finding.message}"]
    if finding.status.value != "PASS":
        new = [text for text in (finding.meaning, finding.remediation) if text and text not in said]
        said.update(new)
        lines += [f"        {text}" for text in new]
    return lines


def _refuse(as_json: bool, what: str, why: str, next_step: str, code: int = 2) -> int:
    text = " ".join(part for part in (f"{what}.", why, next_step) if part)
    typer.echo(text, err=True)
    if as_json:
        _echo({"type": "result", "ok": False, "exit_code": code, "what": what, "why": why, "next": next_step})
    return code


def _echo(record: dict[str, Any]) -> None:
    typer.echo(json.dumps(record))
