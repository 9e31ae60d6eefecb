"""Edits as a person makes them with `kubectl edit`, remembered so that they can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rhaii_tui.practice.actors.objects import Obj, deleting
from rhaii_tui.practice.clock import CloudClock
from rhaii_tui.practice.kube import admission, managers
from rhaii_tui.practice.kube.managers import Manager
from rhaii_tui.practice.kube.store import SERVER_FIELDS, copied

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster

MANAGER = "kubectl-edit"
Path = tuple[str | int, ...]


class Absent:
    """The value of a field that is not there."""


ABSENT = Absent()


class Edits:
    """Changes to the objects of one cluster. `undo` spares whatever somebody else has changed since."""

    def __init__(self, cluster: KubeCluster) -> None:
        self._store = cluster.store
        self._undoing: list[Callable[[], None]] = []

    def change(self, obj: Obj, path: Path, value: Any) -> None:
        """Set the field at `path` of a stored object; ABSENT removes it."""
        kind, namespace, name = _key(obj)
        live = self._store.get(kind, namespace, name)
        if live is None or value_at(live, path) == value:
            return
        before, owners = value_at(live, path), live["metadata"].get("managedFields")
        left = self._write(kind, namespace, name, lambda target: put(target, path, value))
        if left is None:
            return
        marks = left["metadata"].get("managedFields")

        def undo() -> None:
            now = self._store.get(kind, namespace, name)
            if now is None or now["metadata"]["uid"] != live["metadata"]["uid"] or value_at(now, path) != value:
                return
            if now["metadata"].get("managedFields") != marks:
                self._write(kind, namespace, name, lambda target: put(target, path, before))
                return

            def restore(target: Obj) -> None:
                put(target, path, before)
                put(target, ("metadata", "managedFields"), ABSENT if owners is None else owners)

            self._store.update(kind, namespace, name, restore)

        self._undoing.append(undo)

    def create(self, obj: Obj) -> None:
        """Create an object, unless one of its name exists."""
        kind, namespace, name = _key(obj)
        if self._store.get(kind, namespace, name) is not None:
            return
        self._sign(None, obj)
        made = self._store.create(obj)

        def undo() -> None:
            now = self._store.get(kind, namespace, name)
            if now is not None and now["metadata"]["uid"] == made["metadata"]["uid"]:
                self._store.delete(kind, namespace, name)

        self._undoing.append(undo)

    def delete(self, obj: Obj) -> None:
        """Delete an object; undone by creating it again, unless somebody else has."""
        kind, namespace, name = _key(obj)
        self._store.delete(kind, namespace, name)
        again = copied(obj)
        for field in SERVER_FIELDS:
            if field not in ("name", "namespace"):
                again["metadata"].pop(field, None)

        def undo() -> None:
            if self._store.get(kind, namespace, name) is None:
                self._store.create(again)

        self._undoing.append(undo)

    def undo(self) -> None:
        """Take everything back, the newest first."""
        while self._undoing:
            self._undoing.pop()()

    def _write(self, kind: str, namespace: str | None, name: str, edit: Callable[[Obj], None]) -> Obj | None:
        live = self._store.get(kind, namespace, name)
        if live is None or deleting(live):
            return None

        def change(target: Obj) -> None:
            edit(target)
            self._sign(live, target)

        return self._store.update(kind, namespace, name, change)

    def _sign(self, live: Obj | None, obj: Obj) -> None:
        known = self._store.kinds.of(obj["apiVersion"], obj["kind"])
        if known is not None:
            version = str(obj["apiVersion"]).rpartition("/")[2]
            who = Manager(MANAGER, "Update", obj["apiVersion"], "", set(), CloudClock.stamp())
            managers.updated(live, obj, admission.shape_of(known, version), who)


def value_at(obj: Obj, path: Path) -> Any:
    """The value at a path, ABSENT when it is not there."""
    found: Any = obj
    for step in path:
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError):
            return ABSENT
    return found


def put(obj: Obj, path: Path, value: Any) -> None:
    """Set or remove the value at a path; objects on the way are made."""
    *way, last = path
    place: Any = obj
    for step in way:
        place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
    if not isinstance(value, Absent):
        place[last] = value
    elif isinstance(place, dict):
        place.pop(last, None)


def _key(obj: Obj) -> tuple[str, str | None, str]:
    return str(obj["kind"]), obj["metadata"].get("namespace"), str(obj["metadata"]["name"])
