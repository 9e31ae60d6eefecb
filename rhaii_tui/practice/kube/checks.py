"""Checks an object against its kind's shape: unknown fields, wrong types, missing and forbidden values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from rhaii_tui.practice.kube.shape import Shape

Json = dict[str, Any]

_NUMBER = r"(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
QUANTITY = rf"^(\+|-)?{_NUMBER}(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?{_NUMBER}))?$"
"""The pattern of quantities in published definitions."""


class Unknown(NamedTuple):
    """A field the schema does not declare. `path` is `spec.a[0].b`, `keyed` is `.spec.a[name="x"].b`."""

    path: str
    keyed: str


class Mistyped(NamedTuple):
    """A value of the wrong type; `wanted` is the shape's form, `holder` the named type that the field belongs to."""

    path: str
    keyed: str
    wanted: str
    value: Any
    holder: str


class Cause(NamedTuple):
    """A reason of a 422."""

    reason: str
    message: str
    field: str


def _element(shape: Shape, index: int, item: Any) -> str:
    if shape.keys and isinstance(item, dict):
        found = {key: item[key] for key in sorted(shape.keys) if key in item}
        if found:
            return "[" + ",".join(f"{k}={json.dumps(v)}" for k, v in found.items()) + "]"
    return f"[{index}]"


def unknown_fields(obj: Any, shape: Shape, path: str = "", keyed: str = "") -> Iterator[Unknown]:
    """Every undeclared field, outermost only."""
    if isinstance(obj, dict) and shape.form in ("object", "map"):
        for name, value in obj.items():
            at, key_at = f"{path}.{name}" if path else name, f"{keyed}.{name}"
            found = shape.field(name)
            if found is None:
                yield Unknown(at, key_at)
            else:
                yield from unknown_fields(value, found, at, key_at)
    elif isinstance(obj, list) and shape.form == "list":
        for index, item in enumerate(obj):
            yield from unknown_fields(item, shape.items, f"{path}[{index}]", keyed + _element(shape, index, item))


def pruned(obj: Any, shape: Shape) -> Any:
    """The object without undeclared fields."""
    if isinstance(obj, dict) and shape.form in ("object", "map"):
        known = {name: (value, shape.field(name)) for name, value in obj.items()}
        return {name: pruned(value, found) for name, (value, found) in known.items() if found is not None}
    if isinstance(obj, list) and shape.form == "list":
        return [pruned(item, shape.items) for item in obj]
    return obj


def _fits(value: Any, form: str) -> bool:
    match form:
        case "object" | "map":
            return isinstance(value, dict)
        case "list":
            return isinstance(value, list)
        case "s":
            return isinstance(value, str)
        case "b":
            return isinstance(value, bool)
        case "i":
            return isinstance(value, int) and not isinstance(value, bool)
        case "n":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "is":
            return isinstance(value, int | str) and not isinstance(value, bool)
        case "q":
            return isinstance(value, int | float | str) and not isinstance(value, bool)
    return True


def mistyped(obj: Any, shape: Shape, path: str = "", keyed: str = "", holder: str = "") -> Iterator[Mistyped]:
    """Every value of the wrong type. Nulls pass: they mean "absent"."""
    if obj is None:
        return
    if not _fits(obj, shape.form):
        yield Mistyped(path, keyed, shape.form, obj, holder)
    elif isinstance(obj, dict) and shape.form in ("object", "map"):
        for name, value in obj.items():
            if found := shape.field(name):
                at, key_at = f"{path}.{name}" if path else name, f"{keyed}.{name}"
                yield from mistyped(value, found, at, key_at, shape.name or holder)
    elif isinstance(obj, list) and shape.form == "list":
        for index, item in enumerate(obj):
            yield from mistyped(item, shape.items, f"{path}[{index}]", keyed + _element(shape, index, item), holder)


def causes(obj: Any, shape: Shape, path: str = "") -> Iterator[Cause]:
    """Missing required fields, values outside enums and limits."""
    if obj is None:
        return
    if isinstance(obj, dict) and shape.form in ("object", "map"):
        for name in shape.required:
            if obj.get(name) is None:
                yield Cause("FieldValueRequired", "Required value", f"{path}.{name}" if path else name)
        for name, value in obj.items():
            at = f"{path}.{name}" if path else name
            if path == "" and name in ("metadata", "status", "apiVersion", "kind"):
                continue
            if found := shape.field(name):
                yield from causes(value, found, f"{path}[{name}]" if shape.form == "map" else at)
    elif isinstance(obj, list) and shape.form == "list":
        yield from _lengths(obj, shape, path, "items")
        seen = set()
        for index, item in enumerate(obj):
            if shape.keys and isinstance(item, dict):
                key = tuple(json.dumps(item.get(name)) for name in shape.keys)
                if key in seen:
                    shown = json.dumps({name: item.get(name) for name in shape.keys if name in item})
                    yield Cause("FieldValueDuplicate", f"Duplicate value: {shown}", f"{path}[{index}]")
                seen.add(key)
            yield from causes(item, shape.items, f"{path}[{index}]")
    else:
        yield from _scalar(obj, shape, path)


def quantities(obj: Any, shape: Shape, path: str) -> Iterator[Cause]:
    """Texts that are no quantities where a definition's schema wants one, by the pattern it carries."""
    if isinstance(obj, dict):
        for name, value in obj.items():
            if found := shape.field(name):
                yield from quantities(value, found, f"{path}.{name}" if path else name)
    elif isinstance(obj, list) and shape.form == "list":
        for index, item in enumerate(obj):
            yield from quantities(item, shape.items, f"{path}[{index}]")
    elif shape.form == "q" and isinstance(obj, str) and not re.search(QUANTITY, obj):
        text = f"Invalid value: {json.dumps(obj)}: {path} in body should match '{QUANTITY}'"
        yield Cause("FieldValueInvalid", text, path)


def _lengths(obj: Any, shape: Shape, path: str, unit: str) -> Iterator[Cause]:
    low, high = shape.limit("minl"), shape.limit("maxl")
    shown = json.dumps(obj) if unit == "chars long" else len(obj)
    verb = "should be at least" if unit == "chars long" else "should have at least"
    most = "may not be more than" if unit == "chars long" else "must have at most"
    if low is not None and len(obj) < low:
        yield Cause("FieldValueInvalid", f"Invalid value: {shown}: {path} in body {verb} {low} {unit}", path)
    if high is not None and len(obj) > high:
        if unit == "items":
            yield Cause("FieldValueTooMany", f"Too many: {len(obj)}: {most} {high} items", path)
        else:
            yield Cause("FieldValueTooLong", f"Too long: {most} {high} bytes", path)


@cache
def _pattern(text: str) -> re.Pattern[str] | None:
    try:
        return re.compile(text)
    except re.error:  # RE2 syntax that Python lacks
        return None


def _scalar(value: Any, shape: Shape, path: str) -> Iterator[Cause]:
    shown = json.dumps(value)
    allowed = shape.limit("e")
    if allowed is not None and value not in allowed:
        text = ", ".join(json.dumps(item) for item in allowed)
        yield Cause("FieldValueNotSupported", f"Unsupported value: {shown}: supported values: {text}", path)
        return
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = shape.limit("lo"), shape.limit("hi")
        if low is not None and value < low:
            text = f"Invalid value: {shown}: {path} in body should be greater than or equal to {low}"
            yield Cause("FieldValueInvalid", text, path)
        if high is not None and value > high:
            text = f"Invalid value: {shown}: {path} in body should be less than or equal to {high}"
            yield Cause("FieldValueInvalid", text, path)
    if isinstance(value, str):
        yield from _lengths(value, shape, path, "chars long")
        found = shape.limit("re")
        pattern = _pattern(found) if found else None
        if pattern is not None and not pattern.search(value):
            yield Cause("FieldValueInvalid", f"Invalid value: {shown}: {path} in body should match '{found}'", path)


def defaulted(obj: Any, shape: Shape) -> Any:
    """The object with the schema's defaults filled in."""
    if isinstance(obj, dict) and shape.form in ("object", "map"):
        result = {}
        for name, value in obj.items():
            found = shape.field(name)
            result[name] = defaulted(value, found) if found else value
        for name in shape.fields:
            found = shape.field(name)
            if found and (result.get(name) is None) and (default := found.limit("d")) is not None:
                result[name] = defaulted(json.loads(json.dumps(default)), found)
        return result
    if isinstance(obj, list) and shape.form == "list":
        return [defaulted(item, shape.items) for item in obj]
    return obj


GO_TYPES = {"s": "string", "i": "int32", "b": "bool", "n": "float64", "list": "[]", "object": "struct", "map": "map"}
OPENAPI_TYPES = {"s": "string", "i": "integer", "b": "boolean", "n": "number", "list": "array", "object": "object",
                 "map": "object", "is": "integer,string", "q": "integer,string"}  # fmt: skip
JSON_TYPES = {str: "string", int: "integer", bool: "boolean", float: "number", list: "array", dict: "object"}


def apply_wording(wrong: Mistyped) -> str:
    """How server-side apply words a type error."""
    value = wrong.value
    go = {str: "string", int: "int64", float: "float64", bool: "bool", list: "[]interface {}",
          dict: "map[string]interface {}"}[type(value)]  # fmt: skip
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    match wrong.wanted:
        case "i" | "n":
            return f"{wrong.keyed}: expected numeric (int or float), got {go}"
        case "s":
            text = json.dumps(value) if isinstance(value, str) else shown
            return f"{wrong.keyed}: expected string, got &value.valueUnstructured{{Value:{text}}}"
        case "b":
            return f"{wrong.keyed}: expected boolean, got &{{{shown}}}"
        case "list":
            return f"{wrong.keyed}: expected list, got &{{{shown}}}"
        case "object" | "map":
            return f"{wrong.keyed}: expected map, got &{{{shown}}}"
    return f"{wrong.keyed}: expected scalar, got &{{{shown}}}"
