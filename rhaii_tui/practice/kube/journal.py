"""Object versions and the ring of changes that watches read from."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass
from typing import Any, Literal

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]

# Changes kept per kind; a watch that asks for older ones gets 410, as from a compacted etcd.
RING = 2048


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one object. `obj` is the object after it (before it, for DELETED); do not mutate it."""

    type: ChangeType
    kind: str
    obj: dict[str, Any]


class Version:
    """One version of one object, encoded at most once per served API version and shared by all who send it."""

    __slots__ = ("_encoded", "obj", "rv")

    def __init__(self, obj: dict[str, Any]) -> None:
        self.obj = obj
        self.rv = int(obj["metadata"].get("resourceVersion") or 0)
        self._encoded: dict[str, bytes] = {}

    def encoded(self, api_version: str) -> bytes:
        """JSON bytes, presented as `api_version`."""
        data = self._encoded.get(api_version)
        if data is None:
            obj = self.obj if self.obj["apiVersion"] == api_version else {**self.obj, "apiVersion": api_version}
            data = self._encoded[api_version] = json.dumps(obj, separators=(",", ":")).encode()
        return data


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal; `before` is the version it replaced."""

    rv: int
    type: ChangeType
    version: Version
    before: Version | None


class Journal:
    """The changes of one kind, newest last. `floor` is the version up to which changes are forgotten."""

    def __init__(self, floor: int) -> None:
        self.floor = floor
        self._entries: deque[Entry] = deque()
        self._waiting: set[asyncio.Event] = set()

    def append(self, entry: Entry) -> None:
        """Add a change and wake those who wait for one."""
        if len(self._entries) >= RING:
            self.floor = self._entries.popleft().rv
        self._entries.append(entry)
        for event in self._waiting:
            event.set()

    def forget(self) -> None:
        """Compact everything: older versions are gone."""
        if self._entries:
            self.floor = self._entries[-1].rv
            self._entries.clear()

    def after(self, rv: int) -> list[Entry] | None:
        """Changes newer than `rv`, oldest first; None when some of them are forgotten."""
        if rv < self.floor:
            return None
        found: list[Entry] = []
        for entry in reversed(self._entries):
            if entry.rv <= rv:
                break
            found.append(entry)
        found.reverse()
        return found

    def attach(self, event: asyncio.Event) -> None:
        """Set `event` at every change from now on."""
        self._waiting.add(event)

    def detach(self, event: asyncio.Event) -> None:
        """Stop doing so."""
        self._waiting.discard(event)
