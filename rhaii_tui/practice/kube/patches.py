"""JSON patch, merge patch and strategic merge patch."""

from __future__ import annotations

import json
from typing import Any

from rhaii_tui.practice.kube.errors import StatusError
from rhaii_tui.practice.kube.shape import Shape

Json = dict[str, Any]


def merge(target: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value)
    return result


def json_patch(target: Json, operations: list[Json]) -> Json:
    """RFC 6902. Raises 422 for a path that is not there or a test that fails, 400 for an unknown operation."""
    document: Any = json.loads(json.dumps(target))
    for operation in operations:
        path = _pointer(operation["path"])
        match operation.get("op"):
            case "add":
                _add(document, path, operation["value"])
            case "remove":
                _remove(document, path)
            case "replace":
                _find(document, path)
                _set(document, path, operation["value"])
            case "test":
                if _find(document, path) != operation["value"]:
                    raise StatusError(422, f"the server rejected our request due to an error in our request: testing "
                                           f"value {operation['path']} failed")  # fmt: skip
            case "move":
                _add(document, path, _remove(document, _pointer(operation["from"])))
            case "copy":
                _add(document, path, json.loads(json.dumps(_find(document, _pointer(operation["from"])))))
            case other:
                raise StatusError(400, f"Unexpected kind: {other}")
    result: Json = document
    return result


def _pointer(text: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _find(document: Any, path: list[str]) -> Any:
    for part in path:
        try:
            document = document[int(part)] if isinstance(document, list) else document[part]
        except (KeyError, IndexError, ValueError, TypeError):
            where = "/" + "/".join(path)
            raise StatusError(422, "the server rejected our request due to an error in our request: "
                                   f"doc is missing path: {where}: missing value") from None  # fmt: skip
    return document


def _set(document: Any, path: list[str], value: Any) -> None:
    parent = _find(document, path[:-1])
    parent[int(path[-1]) if isinstance(parent, list) else path[-1]] = value


def _add(document: Any, path: list[str], value: Any) -> None:
    parent = _find(document, path[:-1])
    if isinstance(parent, list):
        parent.insert(len(parent) if path[-1] == "-" else int(path[-1]), value)
    else:
        parent[path[-1]] = value


def _remove(document: Any, path: list[str]) -> Any:
    value = _find(document, path)
    parent = _find(document, path[:-1])
    del parent[int(path[-1]) if isinstance(parent, list) else path[-1]]
    return value


def strategic(target: Any, patch: Any, shape: Shape) -> Any:
    """Strategic merge: map lists by their first key, with the `$` directives."""
    if not isinstance(patch, dict):
        return patch
    if patch.get("$patch") == "replace":
        return {name: value for name, value in patch.items() if name != "$patch"}
    if patch.get("$patch") == "delete":
        return {}
    result = dict(target) if isinstance(target, dict) else {}
    if "$retainKeys" in patch:
        result = {name: value for name, value in result.items() if name in patch["$retainKeys"]}
    for name, value in patch.items():
        if name.startswith("$deleteFromPrimitiveList/"):
            field = name.partition("/")[2]
            result[field] = [item for item in result.get(field) or [] if item not in value]
        elif name.startswith("$"):
            continue
        elif value is None:
            result.pop(name, None)
        else:
            found = shape.field(name) or shape
            if isinstance(value, list):
                result[name] = _list(result.get(name) or [], value, found)
            else:
                result[name] = strategic(result.get(name), value, found)
    for name, order in patch.items():
        field = name.partition("/")[2]
        if name.startswith("$setElementOrder/") and isinstance(result.get(field), list):
            result[field] = _ordered(result[field], order, shape.field(field) or shape)
    return result


def _list(target: list[Any], patch: list[Any], shape: Shape) -> list[Any]:
    if shape.is_set:
        return target + [item for item in patch if item not in target]
    if not shape.keys:
        return patch
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in patch):
        return [item for item in patch if "$patch" not in item]
    key, result = shape.keys[0], list(target)
    for item in patch:
        index = next((i for i, old in enumerate(result) if old.get(key) == item.get(key)), None)
        if item.get("$patch") == "delete":
            if index is not None:
                del result[index]
        elif index is None:
            result.append(strategic({}, item, shape.items))
        else:
            result[index] = strategic(result[index], item, shape.items)
    return result


def _ordered(items: list[Any], order: list[Any], shape: Shape) -> list[Any]:
    """Items named in the order come in that order, at the places such items have; others keep theirs."""
    key = shape.keys[0] if shape.keys else ""
    wanted = [item.get(key) if isinstance(item, dict) else item for item in order]

    def identity(item: Any) -> Any:
        return item.get(key) if isinstance(item, dict) else item

    named = sorted((i for i in items if identity(i) in wanted), key=lambda i: wanted.index(identity(i)))
    pending = iter(named)
    return [next(pending) if identity(item) in wanted else item for item in items]
