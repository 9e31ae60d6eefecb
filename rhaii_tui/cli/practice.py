"""`rhaii-tui practice`: run a practice cloud on its own, and switch its faults."""

from __future__ import annotations

import typer

app = typer.Typer(help="A cloud to practise on: loopback only, no account.", no_args_is_help=True, add_completion=False)


@app.command()
def serve(
    speed: float = typer.Option(60.0, min=1.0, max=10_000.0, help="Cloud seconds that pass in one second."),
) -> None:
    """Serve until stopped. Prints one JSON line: kubeconfig, google, gateway, control, env_file and more."""
    import asyncio
    import os

    from rhaii_tui.practice import registry
    from rhaii_tui.practice import serve as cloud

    asyncio.run(cloud.serve(registry.new_folder(registry.state_home(os.environ)), speed))
