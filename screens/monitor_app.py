"""The application as `rhaii-tui monitor` starts it: the monitor is the first screen, the road is not walked."""

from __future__ import annotations

from pathlib import Path

from screens.app import Connect, RhaiiApp
from screens.monitor import MonitorScreen
from screens.monitor_view import WishFor


class MonitorApp(RhaiiApp):
    """Looks at what `wish` describes."""

    def __init__(
        self, connect: Connect, home: Path, wish: WishFor, *, interval: float = 2.0, practice: bool = False
    ) -> None:
        super().__init__(connect, home, practice=practice)
        self._wish = wish
        self._interval = interval

    def first_screen(self) -> MonitorScreen:
        """The monitor."""
        return MonitorScreen(self._wish, interval=self._interval)
