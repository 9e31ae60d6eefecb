"""Who owns which field: the managers of an object, apply with its conflicts, and plain updates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from rhaii_tui.practice.clock import CloudClock
from rhaii_tui.practice.kube.errors import StatusError
from rhaii_tui.practice.kube.fieldsets import FieldPath, from_fields, merged, owned, shown, to_fields, value_at, without
from rhaii_tui.practice.kube.shape import Shape
from rhaii_tui.practice.kube.store import copied

Json = dict[str, Any]
Operation = Literal["Apply", "Update"]


@dataclass
class Manager:
    """One entry of `managedFields`."""

    name: str
    operation: str
    api_version: str
    subresource: str
    fields: set[FieldPath]
    time: str

    def same(self, other: Manager) -> bool:
        """Whether both are one owner: updates are kept apart by API version, applies are not."""
        return (self.name, self.operation, self.subresource) == (other.name, other.operation, other.subresource) and (
            self.operation == "Apply" or self.api_version == other.api_version
        )

    def entry(self) -> Json:
        """As `managedFields` lists it."""
        found = {
            "manager": self.name,
            "operation": self.operation,
            "apiVersion": self.api_version,
            "time": self.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": to_fields(self.fields),
        }
        return found | ({"subresource": self.subresource} if self.subresource else {})

    def title(self) -> str:
        """As a conflict names it."""
        text = f'"{self.name}"' + (f' with subresource "{self.subresource}"' if self.subresource else "")
        return text if self.operation == "Apply" else f"{text} using {self.api_version}"


def read(obj: Json) -> list[Manager]:
    """The managers of an object."""
    return [
        Manager(
            entry.get("manager", ""),
            entry.get("operation", "Update"),
            entry.get("apiVersion", ""),
            entry.get("subresource", ""),
            from_fields(entry.get("fieldsV1") or {}),
            entry.get("time", ""),
        )
        for entry in obj["metadata"].get("managedFields") or ()
    ]


def write(obj: Json, managers: list[Manager]) -> None:
    """Put the managers that own something into an object."""
    entries = [manager.entry() for manager in managers if manager.fields]
    if entries:
        obj["metadata"]["managedFields"] = entries
    else:
        obj["metadata"].pop("managedFields", None)


def applied(live: Json | None, config: Json, shape: Shape, who: Manager, *, force: bool) -> Json:
    """The object after server-side apply. Raises 409 when others own what the configuration changes."""
    config = copied(config)
    config["metadata"].pop("managedFields", None)
    who.fields = owned(config, shape, status=who.subresource == "status")
    managers = read(live) if live else []
    mine = next((manager for manager in managers if manager.same(who)), None)
    others = [manager for manager in managers if manager is not mine]
    conflicts: list[tuple[Manager, FieldPath]] = []
    for manager in others:
        contested = {p for p in manager.fields & who.fields if live and _differ(live, config, p, shape)}
        if force:
            manager.fields -= contested
        conflicts += [(manager, path) for path in sorted(contested)]
    if conflicts and not force:
        raise _conflict(conflicts)
    result = merged(copied(live), config, shape) if live else config
    if mine:
        kept = set[FieldPath]().union(who.fields, *(manager.fields for manager in others))
        dropped = mine.fields - kept
        # Items go before their fields: without its keys an item could no longer be told from others.
        for path in sorted(dropped, key=len):
            if not any(other[: len(path)] == path for other in kept):
                without(result, path, shape)
        if mine.fields == who.fields and live and _without_managers(result) == _without_managers(live):
            who.time = mine.time
    write(result, [*others, who])
    return result


def _differ(live: Json, config: Json, path: FieldPath, shape: Shape) -> bool:
    if path[-1][0] == "k":
        return False
    there, value = value_at(live, path, shape)
    _, wanted = value_at(config, path, shape)
    return not there or value != wanted


def _without_managers(obj: Json) -> Json:
    return obj | {"metadata": {k: v for k, v in obj["metadata"].items() if k != "managedFields"}}


def _conflict(conflicts: list[tuple[Manager, FieldPath]]) -> StatusError:
    causes = [("FieldManagerConflict", f"conflict with {manager.title()}", shown(path)) for manager, path in conflicts]
    if len(conflicts) == 1:
        text = f"Apply failed with 1 conflict: {causes[0][1]}: {causes[0][2]}"
    else:
        by_title: dict[str, list[str]] = {}
        for manager, path in conflicts:
            by_title.setdefault(manager.title(), []).append(f"- {shown(path)}")
        parts = [f"conflicts with {title}:\n" + "\n".join(paths) for title, paths in by_title.items()]
        text = f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(parts)
    return StatusError(409, text, "Conflict", causes=causes)


def updated(live: Json | None, new: Json, shape: Shape, who: Manager) -> None:
    """Give `who` the fields in which `new` differs from `live`; others lose them. Edits `new`."""
    if live and new["metadata"].get("managedFields") != live["metadata"].get("managedFields"):
        return  # the client rewrote the entries itself, as kubectl does when it moves to server-side apply
    managers = read(live) if live else []
    status = who.subresource == "status"
    after = owned(new, shape, status=status)
    before = owned(live, shape, status=status) if live else set()
    changed = {path for path in after if path not in before or (live and _differ(live, new, path, shape))}
    for manager in managers:
        manager.fields -= changed | (before - after)
    mine = next((manager for manager in managers if manager.same(who)), None)
    if mine is None:
        managers.append(who)
        mine = who
    if changed:
        mine.fields |= changed
        mine.time = CloudClock.stamp()
    write(new, managers)
