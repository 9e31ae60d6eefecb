"""The buffer between the store and one in-process watcher: at most one pending change per object."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from rhaii_tui.practice.kube.journal import Change


class Inbox:
    """Pending changes in order of first arrival, merged by uid, so that its size is bounded by the objects."""

    def __init__(self, kinds: Sequence[str]) -> None:
        self._kinds = frozenset(kinds)
        self._pending: dict[str, Change] = {}
        self._ready = asyncio.Event()

    def put(self, change: Change) -> None:
        """Add a change of a watched kind; an unread ADDED followed by an edit stays ADDED with the newest object."""
        if change.kind not in self._kinds:
            return
        uid: str = change.obj["metadata"]["uid"]
        pending = self._pending.get(uid)
        if pending and pending.type == "ADDED" and change.type == "MODIFIED":
            change = Change("ADDED", change.kind, change.obj)
        self._pending[uid] = change
        self._ready.set()

    async def get(self) -> Change:
        """The oldest pending change."""
        while not self._pending:
            self._ready.clear()
            await self._ready.wait()
        return self._pending.pop(next(iter(self._pending)))
