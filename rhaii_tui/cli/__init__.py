"""The commands. Each lives in a file of its own and imports what it needs when it runs, never before."""

from __future__ import annotations

import os
import sys

import typer

from rhaii_tui.cli import (
    cache_test,
    doctor,
    monitor,
    options,
    practice,
    preflight,
    render,
    scale,
    setup,
    status,
    stop,
    teardown,
    wake,
)

app = typer.Typer(
    name="rhaii-tui",
    help="From a Google Cloud account to a proven LLM endpoint on GKE.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(practice.app, name="practice")
app.command("options")(options.run)
app.command("preflight")(preflight.run)
app.command("setup")(setup.run)
app.command("status")(status.run)
app.command("monitor")(monitor.run)
app.command("doctor")(doctor.run)
app.command("manifests")(render.run)
app.command("cache-test")(cache_test.run)
app.command("scale")(scale.run)
app.command("stop")(stop.run)
app.command("wake")(wake.run)
app.command("teardown")(teardown.run)


@app.callback(invoke_without_command=True)
def screens(
    context: typer.Context,
    with_practice: bool = typer.Option(False, "--practice", help="Use a cloud to practise on: loopback, no account."),
    speed: float = typer.Option(60.0, min=1.0, max=10_000.0, help="Practice cloud seconds that pass in one second."),
) -> None:
    """From a Google Cloud account to a proven LLM endpoint on GKE. Without a command: the screens."""
    if context.invoked_subcommand is None:
        from rhaii_tui.cli import tui

        raise typer.Exit(tui.run(with_practice, speed))


def main() -> None:
    """Entry point of the console script. Exit codes: 0 ready/passed, 1 not, 2 usage, 3 unknown, 130 interrupted."""
    _no_stream_is_missing()
    app()


def _no_stream_is_missing() -> None:
    """A closed standard stream reads and writes nothing, and leaves its number to no pipe or socket of ours."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
