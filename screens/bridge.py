"""From the engine to the screens: the newest frozen state, assigned once, at most five times a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from textual.app import App

from rhaii_tui.deployment.events import Event
from rhaii_tui.deployment.state import RunState

ASSIGN_SECONDS = 0.2
"""Faster than the eye reads a changing number, slow enough for SSH."""


class Source(Protocol):
    """What a session offers here; a scripted feed in tests offers the same."""

    state: RunState

    def subscribe(self, listener: Callable[[Event, RunState], None]) -> Callable[[], None]:
        """Call `listener` for each event; the returned function ends it."""


class Bridge:
    """One subscription at a time. States between two assignments are skipped, never queued; the last always comes."""

    def __init__(self, app: App[int], assign: Callable[[RunState], None]) -> None:
        self._app = app
        self._assign = assign
        self._latest: RunState | None = None
        self._due = False
        self._stop: Callable[[], None] = lambda: None

    def attach(self, source: Source) -> None:
        """Leave the old source, show the new one's state at once, then follow it."""
        self._stop()
        self._latest = None
        self._assign(source.state)
        self._stop = source.subscribe(self._heard)

    def detach(self) -> None:
        """Follow nothing."""
        self._stop()
        self._stop = lambda: None

    def _heard(self, event: Event, state: RunState) -> None:
        self._latest = state
        if not self._due:
            self._due = True
            self._app.set_timer(ASSIGN_SECONDS, self._deliver)

    def _deliver(self) -> None:
        self._due = False
        if self._latest is not None:
            latest, self._latest = self._latest, None
            self._assign(latest)
