"""Label and field selectors."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from rhaii_tui.practice.kube.errors import StatusError
from rhaii_tui.practice.kube.kinds import Kind

Json = dict[str, Any]
Match = Callable[[Json], bool]

_REQUIREMENT = re.compile(r"^\s*(!?)\s*([\w./-]+)\s*(?:(==|=|!=|\bin\b|\bnotin\b|>|<)\s*(.*))?$", re.DOTALL)
_SPLIT = re.compile(r",(?![^(]*\))")
_FIELD = re.compile(r"^([^=!]+?)(==|!=|=)(.*)$")

# Fields by which each kind can be selected, beyond its name and namespace.
FIELDS: dict[str, tuple[str, ...]] = {
    "Pod": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "Event": (
        *(
            f"involvedObject.{field}"
            for field in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
        ),
        *(f"regarding.{field}" for field in ("kind", "namespace", "name", "uid", "apiVersion")),
        "reason",
        "reportingComponent",
        "reportingController",
        "source",
        "type",
    ),
    "Secret": ("type",),
    "Namespace": ("status.phase",),
    "Node": ("spec.unschedulable",),
    "ReplicaSet": ("status.replicas",),
}


def labels(text: str) -> Match | None:
    """A label selector as a predicate; None selects everything. Raises 400."""
    tests = [_label(part) for part in _SPLIT.split(text) if part.strip()]
    if not tests:
        return None
    return lambda obj: all(test(obj["metadata"].get("labels") or {}) for test in tests)


def _label(part: str) -> Callable[[dict[str, str]], bool]:
    found = _REQUIREMENT.match(part)
    if not found:
        raise StatusError(400, f"unable to parse requirement: found '{part.strip()}', expected: identifier")
    absent, key, operator, raw = found.groups()
    value = (raw or "").strip()
    if operator is None:
        return (lambda all_: key not in all_) if absent else (lambda all_: key in all_)
    if operator in ("in", "notin"):
        values = {item.strip() for item in value.strip("()").split(",")}
        if operator == "in":
            return lambda all_: all_.get(key) in values
        return lambda all_: all_.get(key) not in values
    if operator == "!=":
        return lambda all_: all_.get(key) != value
    if operator in (">", "<"):
        number = int(value)
        return lambda all_: key in all_ and (int(all_[key]) > number) == (operator == ">") and int(all_[key]) != number
    return lambda all_: all_.get(key) == value


def fields(text: str, kind: Kind, version: str) -> Match | None:
    """A field selector as a predicate; None selects everything. Raises 400 for a field the kind is not indexed by."""
    tests = []
    for part in text.split(","):
        if not part.strip():
            continue
        found = _FIELD.match(part.strip())
        if not found:
            raise StatusError(400, f"invalid selector: '{part}'; can't understand '{part}'")
        name, operator, value = found.groups()
        if name not in ("metadata.name", "metadata.namespace", *FIELDS.get(kind.kind, ())):
            shown = f"{kind.group}/{version}, Kind={kind.kind}" if kind.group else name
            text = f'Unable to find "{shown}" that match label selector "", field selector "{part}": '
            raise StatusError(400, text + f"field label not supported: {name}")
        tests.append((name, operator == "!=", value))
    if not tests:
        return None
    return lambda obj: all((_value(obj, name) == value) != negated for name, negated, value in tests)


def _value(obj: Json, name: str) -> str:
    if name in ("reportingComponent", "reportingController", "source") and obj.get("kind") == "Event":
        return str((obj.get("source") or {}).get("component") or obj.get("reportingComponent") or "")
    value: Any = obj
    for part in name.replace("regarding.", "involvedObject.").split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def both(first: Match | None, second: Match | None) -> Match | None:
    """Both predicates, or the one that is there."""
    if first is None or second is None:
        return first or second
    return lambda obj: first(obj) and second(obj)
