"""Which service a screen is about: the app's own run's, or the one of the screen it was opened from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rhaii_tui.monitor.discovery import Wish

if TYPE_CHECKING:
    from rhaii_tui.kube.connect import Cluster
    from rhaii_tui.monitor.discovery import Found
    from screens.app import RhaiiApp


@dataclass(frozen=True, slots=True)
class Subject:
    """A found service and the connection through which it is watched, which stays its screen's own."""

    found: Found
    cluster: Cluster


def own_run(app: RhaiiApp) -> Wish:
    """The service of the run that the application holds, else whatever the chosen project holds."""
    session = app.journey.session
    if session is None:
        values = app.settings.values if app.settings else {}
        project = values["project"].value if "project" in values else ""
        return Wish(project=project)
    target = session.plan.target
    service = f"{target.namespace}/{target.service}"
    return Wish(project=target.project, zone=target.zone, cluster=target.cluster, service=service)
