"""From a command's options to a service that runs somewhere: the options, and the connection they lead to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rhaii_tui.endpoints import Endpoints
    from rhaii_tui.monitor.discovery import Attached, Wish
    from rhaii_tui.monitor.monitor import Monitor

PRACTICE = typer.Option(False, "--practice", help="Look at the practice cloud that is running.")
SERVICE = typer.Option(
    "", "--service", help="NAMESPACE/NAME or NAME of the LLMInferenceService, when there are several."
)
KUBECONFIG = typer.Option(None, "--kubeconfig", help="Look through this kubeconfig file instead of Google Cloud.")
CONTEXT = typer.Option(None, "--context", help="A context of the kubeconfig ($KUBECONFIG when no file is given).")
PROJECT = typer.Option("", "--project", help="Google Cloud project; its clusters are searched.")
CLUSTER = typer.Option("", "--cluster", help="Search only this GKE cluster.")
ZONE = typer.Option("", "--zone", help="Search only clusters of this zone.")


def wish(
    endpoints: Endpoints,
    *,
    service: str = "",
    kubeconfig: Path | None = None,
    context: str | None = None,
    project: str = "",
    cluster: str = "",
    zone: str = "",
) -> Wish:
    """What to look for; what was not said comes from the settings, and a tie goes to the newest run here.

    Raises SettingsError.
    """
    import os

    from rhaii_tui.monitor.discovery import Wish
    from rhaii_tui.settings import resolve

    if kubeconfig is None and context is not None:
        named = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
        kubeconfig = Path(named) if named else Path.home() / ".kube" / "config"
    if not project and kubeconfig is None:
        project = resolve({}, endpoints, os.environ, Path.cwd()).get("project") or ""
    return Wish(kubeconfig, context, project, zone, cluster, service, lambda: _newest(endpoints))


def _newest(endpoints: Endpoints) -> tuple[str, str, str] | None:
    import os

    from rhaii_tui.deployment.journal import last_run
    from rhaii_tui.settings import state_home

    run = last_run(state_home(os.environ), endpoints.name)
    if run is None or run.plan is None:
        return None
    target = run.plan.target
    return target.cluster, target.namespace, target.service


@asynccontextmanager
async def attached(endpoints: Endpoints, wanted: Wish) -> AsyncIterator[Attached]:
    """The service as long as the block lasts. Raises NothingChosen."""
    from rhaii_tui.monitor.discovery import attach

    found = await attach(endpoints, wanted)
    try:
        yield found
    finally:
        await found.cluster.close()


def watched(found: Attached, interval: float = 2.0) -> Monitor:
    """A monitor of what was found, with the newest prices known here; `async with` starts and ends it."""
    import os

    from rhaii_tui.advisor.prices import known_prices
    from rhaii_tui.monitor.monitor import Monitor
    from rhaii_tui.settings import state_home

    return Monitor(
        found.cluster,
        found.endpoints,
        found.found.namespace,
        found.found.service,
        cluster_name=found.found.cluster,
        interval=interval,
        prices=known_prices(found.endpoints, state_home(os.environ)),
    )
