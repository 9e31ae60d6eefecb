"""From a command's options to a service that runs somewhere: the options, and the connection they lead to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rhaii_tui.endpoints import Endpoints
    from rhaii_tui.monitor.discovery import Attached, Wish
    from rhaii_tui.monitor.monitor import Monitor


@dataclass(frozen=True, kw_only=True)
class Where:
    """Which service is meant; its fields are options of every command that looks at one."""

    practice: Annotated[bool, typer.Option("--practice", help="Look at the practice cloud that is running.")] = False
    service: Annotated[
        str, typer.Option(help="NAMESPACE/NAME or NAME of the LLMInferenceService, when there are several.")
    ] = ""
    kubeconfig: Annotated[
        Path | None, typer.Option(help="Look through this kubeconfig file instead of Google Cloud.")
    ] = None
    context: Annotated[
        str | None, typer.Option(help="A context of the kubeconfig ($KUBECONFIG when no file is given).")
    ] = None
    project: Annotated[str, typer.Option(help="Google Cloud project; its clusters are searched.")] = ""
    cluster: Annotated[str, typer.Option(help="Search only this GKE cluster.")] = ""
    zone: Annotated[str, typer.Option(help="Search only clusters of this zone.")] = ""

    @property
    def said(self) -> bool:
        """Whether any of it was named; else it is the newest run's place."""
        return bool(self.service or self.kubeconfig or self.context or self.project or self.cluster or self.zone)


def wish(endpoints: Endpoints, where: Where) -> Wish:
    """What to look for; what was not said comes from the settings, and a tie goes to the newest run here.

    Raises SettingsError.
    """
    import os

    from rhaii_tui.monitor.discovery import Wish
    from rhaii_tui.settings import resolve

    kubeconfig, project = where.kubeconfig, where.project
    if kubeconfig is None and where.context is not None:
        named = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
        kubeconfig = Path(named) if named else Path.home() / ".kube" / "config"
    if not project and kubeconfig is None:
        project = resolve({}, endpoints, os.environ, Path.cwd()).get("project") or ""
    newest = partial(_newest, endpoints)
    return Wish(kubeconfig, where.context, project, where.zone, where.cluster, where.service, newest)


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
