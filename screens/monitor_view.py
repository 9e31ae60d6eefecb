"""One look at a service for a screen: finds it, watches it, follows its logs, and says why when it cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual.app import App

from rhaii_tui.endpoints import Endpoints
from rhaii_tui.monitor.discovery import Found, NothingChosen, Wish, attach
from rhaii_tui.monitor.state import MonitorState
from rhaii_tui.settings import SettingsError
from screens.long_lived import settle
from screens.subject import Subject

if TYPE_CHECKING:
    from pathlib import Path

    from rhaii_tui.kube.connect import Cluster
    from rhaii_tui.monitor.logs import ContainerLogs
    from rhaii_tui.monitor.monitor import Monitor

WishFor = Callable[[Endpoints], Wish]
"""What to look for on a cloud. Raises SettingsError."""
DELIVER_SECONDS = 0.3
"""States reach the screen at most this often; in between they are skipped, the last always comes."""


class MonitorView:
    """Owns the connection from `open` to `close`. `deliver(state)` is called on the event loop."""

    def __init__(self, app: App[Any], home: Path, interval: float, deliver: Callable[[MonitorState], None]) -> None:
        self._app = app
        self._home = home
        self._interval = interval
        self._deliver = deliver
        self._due = False
        self._at_rest = False
        """Everything has been read or refused once since `open`."""
        self._cluster: Cluster | None = None
        self.monitor: Monitor | None = None
        self.logs: ContainerLogs | None = None
        self.subject: Subject | None = None
        self.note = ""
        self.choices: tuple[Found, ...] = ()
        """The services among which none was chosen."""

    async def open(self, endpoints: Endpoints, wish: WishFor) -> str:
        """Find the service and begin to watch; empty, or why not and what to do."""
        from rhaii_tui.advisor.prices import known_prices
        from rhaii_tui.monitor.logs import ContainerLogs
        from rhaii_tui.monitor.monitor import Monitor

        await self.close()
        self.choices = ()
        try:
            attached = await attach(endpoints, wish(endpoints))
        except NothingChosen as error:
            self.choices = error.choices
            return str(error)
        except SettingsError as error:
            return f"{error.what}: {error.why} {error.next}"
        self._cluster, found = attached.cluster, attached.found
        self.subject = Subject(found, attached.cluster)
        others = ", ".join(map(str, attached.others))
        self.note = " ".join([f"Also there: {others} (--service chooses)." if others else "", *attached.unread]).strip()
        self.logs = ContainerLogs(attached.cluster)
        self.monitor = Monitor(
            attached.cluster,
            endpoints,
            found.namespace,
            found.service,
            cluster_name=found.cluster,
            interval=self._interval,
            prices=known_prices(endpoints, self._home),
        )
        self.monitor.subscribe(self._heard)
        self.monitor.start()
        self._at_rest = False
        return ""

    def _heard(self, state: MonitorState) -> None:
        if not self._due:
            self._due = True
            self._app.set_timer(DELIVER_SECONDS, self._hand_over)

    def _hand_over(self) -> None:
        self._due = False
        if self.monitor is None:
            return
        self._deliver(self.monitor.state)
        if not self._at_rest and all(link.live or link.lost_since for link in self.monitor.state.links):
            self._at_rest = True
            self._app.call_after_refresh(settle)

    async def close(self) -> None:
        """Stop watching and let go of the connection."""
        if self.logs is not None:
            await self.logs.close()
        if self.monitor is not None:
            await self.monitor.close()
        if self._cluster is not None:
            await self._cluster.close()
        self._cluster = self.monitor = self.logs = self.subject = None
