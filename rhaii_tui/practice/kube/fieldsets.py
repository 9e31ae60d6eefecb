"""Sets of fields as server-side apply owns them, and their `FieldsV1` notation."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from rhaii_tui.practice.kube.shape import Shape

Json = dict[str, Any]
# A step is ("f", field), ("k", the item's keys as JSON) or ("v", a set member as JSON).
Step = tuple[str, str]
FieldPath = tuple[Step, ...]

# Written by the server or naming the object: nobody owns them.
UNOWNED = frozenset(
    (("f", "metadata"), ("f", name))
    for name in (
        "name",
        "namespace",
        "generateName",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "managedFields",
        "selfLink",
    )
)
_HEADS = frozenset({(("f", "apiVersion"),), (("f", "kind"),)})
# Keys of list items that may be left out, with the value they then have.
_KEY_DEFAULTS = {"protocol": "TCP"}


def key_of(item: Json, shape: Shape) -> str:
    """The identity of an item of a map list."""
    found = {name: item.get(name, _KEY_DEFAULTS.get(name)) for name in sorted(shape.keys)}
    return json.dumps({k: v for k, v in found.items() if v is not None}, separators=(",", ":"))


def owned(obj: Json, shape: Shape, *, status: bool) -> set[FieldPath]:
    """The fields an object sets. `status` keeps the status only, otherwise it is left out."""
    found: set[FieldPath] = set()
    _collect(obj, shape, (), found)
    found = {path for path in found if path[:2] not in UNOWNED and path not in _HEADS}
    return {path for path in found if (path[0] == ("f", "status")) == status or (status and path[0][1] == "metadata")}


def _collect(value: Any, shape: Shape, prefix: FieldPath, found: set[FieldPath]) -> None:
    if isinstance(value, dict) and value and not shape.atomic:
        for name, child in value.items():
            _collect(child, shape.field(name) or shape, (*prefix, ("f", name)), found)
    elif isinstance(value, list) and value and shape.keys:
        for item in value:
            if isinstance(item, dict):
                path = (*prefix, ("k", key_of(item, shape)))
                found.add(path)
                _collect(item, shape.items, path, found)
    elif isinstance(value, list) and value and shape.is_set:
        found.update((*prefix, ("v", json.dumps(item))) for item in value)
    elif prefix:
        found.add(prefix)


def value_at(obj: Any, path: FieldPath, shape: Shape) -> tuple[bool, Any]:
    """Whether the path leads somewhere, and to what."""
    for kind, text in path:
        if kind == "f":
            if not isinstance(obj, dict) or text not in obj:
                return False, None
            obj, shape = obj[text], shape.field(text) or shape
        elif kind == "k":
            items = obj if isinstance(obj, list) else []
            obj = next((i for i in items if isinstance(i, dict) and key_of(i, shape) == text), None)
            if obj is None:
                return False, None
            shape = shape.items
        else:
            member = json.loads(text)
            return isinstance(obj, list) and member in obj, member
    return True, obj


def without(obj: Any, path: FieldPath, shape: Shape) -> None:
    """Remove what the path leads to, and containers that this leaves empty."""
    (kind, text), rest = path[0], path[1:]
    if kind == "f":
        if not isinstance(obj, dict) or text not in obj:
            return
        if rest:
            child = obj[text]
            without(child, rest, shape.field(text) or shape)
            if child in ({}, []) and rest[-1][0] != "f":
                del obj[text]
        else:
            del obj[text]
    elif kind == "k" and isinstance(obj, list):
        for item in [i for i in obj if isinstance(i, dict) and key_of(i, shape) == text]:
            if rest:
                without(item, rest, shape.items)
            else:
                obj.remove(item)
    elif kind == "v" and isinstance(obj, list):
        member = json.loads(text)
        if member in obj:
            obj.remove(member)


def merged(live: Any, applied: Any, shape: Shape) -> Any:
    """The live value with the applied one laid over it, list items by their keys."""
    if isinstance(live, dict) and isinstance(applied, dict) and not shape.atomic:
        result = dict(live)
        for name, value in applied.items():
            result[name] = merged(live.get(name), value, shape.field(name) or shape)
        return result
    if isinstance(live, list) and isinstance(applied, list) and shape.keys:
        wanted = {key_of(item, shape): item for item in applied}
        items = []
        for item in live:
            new = wanted.pop(key_of(item, shape), None)
            items.append(item if new is None else merged(item, new, shape.items))
        return items + list(wanted.values())
    if isinstance(live, list) and isinstance(applied, list) and shape.is_set:
        return live + [item for item in applied if item not in live]
    return applied


def shown(path: FieldPath) -> str:
    """`.spec.template.spec.containers[name="main"].image`."""
    text = ""
    for kind, value in path:
        if kind == "f":
            text += f".{value}"
        elif kind == "k":
            text += "[" + ",".join(f"{k}={json.dumps(v)}" for k, v in json.loads(value).items()) + "]"
        else:
            text += f"[={value}]"
    return text


def to_fields(paths: Iterable[FieldPath]) -> Json:
    """FieldsV1 of a set."""
    root: Json = {}
    for path in sorted(paths):
        node = root
        for kind, text in path:
            node = node.setdefault(f"{kind}:{text}", {})
        node["."] = {}
    return _tidy(root)


def _tidy(node: Json) -> Json:
    """Leaves lose their mark: only a node that is owned and has owned parts shows it."""
    if node == {".": {}}:
        return {}
    return {name: (child if name == "." else _tidy(child)) for name, child in node.items()}


def from_fields(node: Json, prefix: FieldPath = ()) -> set[FieldPath]:
    """The set of a FieldsV1."""
    if not node:
        return {prefix} if prefix else set()
    found: set[FieldPath] = set()
    for name, child in node.items():
        if name == ".":
            found.add(prefix)
        else:
            kind, _, text = name.partition(":")
            found |= from_fields(child, (*prefix, (kind, text)))
    return found
