"""`rhaii-tui practice`: run a practice cloud on its own, and switch its faults."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any, NoReturn

import typer

app = typer.Typer(help="A cloud to practise on: loopback only, no account.", no_args_is_help=True, add_completion=False)


class Switch(StrEnum):
    """What to do with a fault."""

    ON = "on"
    OFF = "off"


@app.command()
def serve(
    speed: float = typer.Option(60.0, min=1.0, max=10_000.0, help="Cloud seconds that pass in one second."),
) -> None:
    """Serve until stopped. Prints one JSON line: kubeconfig, google, gateway, control, env_file and more."""
    import asyncio
    import os

    from rhaii_tui.practice import registry
    from rhaii_tui.practice import serve as cloud

    try:
        folder = registry.new_folder(registry.state_home(os.environ))
    except OSError as error:
        _fail(f"No folder for the practice cloud: {error}. Set RHAII_TUI_HOME to a folder you can write to.", 2)
    asyncio.run(cloud.serve(folder, speed))


_SWITCH = typer.Argument(None, help="on or off.", show_default=False)


@app.command()
def fault(
    name: str = typer.Argument("", help="The fault's name, as --list gives it."),
    switch: Switch | None = _SWITCH,
    list_: bool = typer.Option(False, "--list", help="List the faults and which of them are on."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object per line."),
) -> None:
    """Make a part of the running practice cloud misbehave, or heal it."""
    if list_:
        for record in _list():
            typer.echo(json.dumps(record) if as_json else _sentence(record))
        return
    names = [record["name"] for record in _catalogue()]
    if name not in names:
        problem = f"There is no fault named {name!r}." if name else "Which fault?"
        _fail(f"{problem} The faults are: {', '.join(names)}.", 2)
    if switch is None:
        _fail(f"Say what to do: `rhaii-tui practice fault {name} on` or `… off`.", 2)
    record = _call(f"/faults/{name}", {"on": switch is Switch.ON})
    typer.echo(json.dumps(record) if as_json else _sentence(record))


def _catalogue() -> list[dict[str, Any]]:
    from rhaii_tui.practice.faults import CATALOGUE

    return [{"name": f.name, "where": f.where, "summary": f.summary, "on": None} for f in CATALOGUE]


def _list() -> list[dict[str, Any]]:
    """The running cloud's faults; without one the catalogue, where `on` is null: unknown."""
    if _control() is None:
        return _catalogue()
    faults: list[dict[str, Any]] = _call("/faults")["faults"]
    return faults


def _sentence(record: dict[str, Any]) -> str:
    state = {True: "on", False: "off", None: "-"}[record["on"]]
    return f"{record['name']:<26} {state:<4} {record['where']:<11} {record['summary']}"


def _control() -> str | None:
    import os

    from rhaii_tui.cli.cloud import find_running
    from rhaii_tui.practice.registry import state_home

    descriptor = find_running(state_home(os.environ))
    return None if descriptor is None else str(json.loads(descriptor.read_text())["control"])


def _call(path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    from urllib.request import ProxyHandler, Request, build_opener

    control = _control()
    if control is None:
        _fail(
            "No practice cloud is running. Start one with `rhaii-tui practice serve`, or a command with --practice.", 1
        )
    data = None if body is None else json.dumps(body).encode()
    request = Request(control + path, data, {"Content-Type": "application/json"})
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=10) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
    except OSError as error:
        _fail(f"The practice cloud at {control} does not answer: {error}.", 1)


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)
