"""What the doctor did, on disk before it did it: one file per service under the state folder. Undo reads it."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from rhaii_tui.doctor.place import Place
from rhaii_tui.doctor.rule import Change

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Done:
    """A change as it was sent, and what undoes it: the object before (`before`, None when there was none) and after.

    Objects of Secrets are never kept: their `before` and `after` are empty.
    """

    change: Change
    before: Json | None = None
    after: Json | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One fix. `state`: intended (sent or not), applied, failed, undone."""

    id: str
    at: float
    rule: str
    state: Literal["intended", "applied", "failed", "undone"]
    done: tuple[Done, ...] = field(default_factory=tuple)


class Notebook:
    """Append-only; the last line about an id is its state. Files are for the owner alone."""

    def __init__(self, home: Path, cloud: str, place: Place) -> None:
        where = filter(None, (place.project, place.zone, place.cluster or "cluster"))
        name = "-".join((cloud.replace(":", "-"), *where, place.namespace, place.service))
        # A kubeconfig's contexts may be called anything, `prod/api.example.com:6443/admin` for one.
        self.path = home / "doctor" / f"{quote(name, safe='')}.jsonl"

    def write(self, entry: Entry) -> None:
        """One line, on disk before this returns. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        line = json.dumps(asdict(entry)) + "\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, line.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def entries(self) -> list[Entry]:
        """Every fix with its last state, oldest first. Torn lines are left out."""
        found: dict[str, Entry] = {}
        for record in self._records():
            with contextlib.suppress(KeyError, TypeError):
                done = tuple(Done(Change(**d["change"]), d["before"], d["after"]) for d in record["done"])
                found[record["id"]] = Entry(record["id"], record["at"], record["rule"], record["state"], done)
        return list(found.values())

    def last_applied(self, rule: str) -> Entry | None:
        """The newest fix of a rule that can be undone: one that was applied, or broke off half-way."""
        mine = [e for e in self.entries() if e.rule == rule and e.state != "undone" and e.done]
        return mine[-1] if mine else None

    def _records(self) -> Iterator[Json]:
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return
        for line in lines:
            with contextlib.suppress(ValueError):
                record = json.loads(line)
                if isinstance(record, dict):
                    yield record


def new_id() -> str:
    """Sorts by time."""
    return f"{time.time_ns():x}"
