"""From a received object to one that may be stored: decoding, strictness, defaults, rules."""

from __future__ import annotations

import re
from typing import Any

from rhaii_tui.practice.kube import checks, defaults, rules
from rhaii_tui.practice.kube.call import Call
from rhaii_tui.practice.kube.checks import Cause, Mistyped
from rhaii_tui.practice.kube.errors import StatusError
from rhaii_tui.practice.kube.kinds import Kind
from rhaii_tui.practice.kube.shape import Shape, defined, known
from rhaii_tui.practice.kube.store import copied

Json = dict[str, Any]


def shape_of(kind: Kind, version: str) -> Shape:
    """The shape of a kind in one version: from its definition, else from the data files, else open."""
    shape: Shape | None = kind.shapes.get(version)
    if shape is None:
        schema = kind.schemas.get(version) or {}
        found = None if "properties" in schema else known(kind.api_version(version), kind.kind)
        shape = kind.shapes[version] = found or defined(schema)
    return shape


def identify(call: Call, obj: Json) -> None:
    """Check that the body is about what the path says; fill in what it leaves out. Raises 400."""
    obj.setdefault("apiVersion", call.api_version)
    obj.setdefault("kind", call.kind.kind)
    if (obj["apiVersion"], obj["kind"]) != (call.api_version, call.kind.kind):
        group, _, version = str(obj["apiVersion"]).rpartition("/")
        shown = f"{version}, Kind={obj['kind']}" if not group else f"{group}/{version}, Kind={obj['kind']}"
        text = f"the API version in the data ({shown}) does not match the expected API version ({call.api_version})"
        raise StatusError(400, text)
    meta = obj.setdefault("metadata", {})
    if not isinstance(meta, dict):
        raise StatusError(400, "metadata: expected an object")
    path = call.path
    if path.namespace and meta.setdefault("namespace", path.namespace) != path.namespace:
        raise StatusError(400, "the namespace of the provided object does not match the namespace sent on the request")
    if path.name and meta.setdefault("name", path.name) != path.name:
        text = f"the name of the object ({meta['name']}) does not match the name on the URL ({path.name})"
        raise StatusError(400, text)


def decode(call: Call, obj: Json, *, patched: bool = False) -> tuple[Json, list[str]]:
    """Apply `fieldValidation`: the object without unknown fields, and warnings. Raises 400, or 422 for custom kinds."""
    shape = shape_of(call.kind, call.path.version)
    unknown = [f'unknown field "{item.path}"' for item in checks.unknown_fields(obj, shape)]
    head = "error decoding patch" if patched else _head(call)
    if unknown and call.strictness == "Strict":
        raise StatusError(400, f"{head}: strict decoding error: {', '.join(unknown)}")
    obj = checks.pruned(obj, shape)
    wrong = list(checks.mistyped(obj, shape))
    if wrong and call.kind.custom:
        raise invalid(call, obj, [_type_cause(item) for item in wrong])
    if wrong:
        raise StatusError(400, f"{head}: {_go_type(wrong[0])}")
    return obj, unknown if call.strictness == "Warn" else []


def _head(call: Call) -> str:
    return f'{call.kind.kind} in version "{call.path.version}" cannot be handled as a {call.kind.kind}'


def _type_cause(item: Mistyped) -> Cause:
    wanted = checks.OPENAPI_TYPES.get(item.wanted, item.wanted)
    got = checks.JSON_TYPES[type(item.value)]
    text = f'Invalid value: "{got}": {item.path} in body must be of type {wanted}: "{got}"'
    return Cause("FieldValueTypeInvalid", text, item.path)


def _go_type(item: Mistyped) -> str:
    """As Go's decoder words it: the struct that has the field, and the path without the places in lists."""
    got = {"integer": "number", "boolean": "bool"}.get(found := checks.JSON_TYPES[type(item.value)], found)
    wanted = checks.GO_TYPES.get(item.wanted, item.wanted)
    path = re.sub(r"\[\d+\]", "", item.path)
    return f"json: cannot unmarshal {got} into Go struct field {item.holder}.{path} of type {wanted}"


def check_apply(call: Call, obj: Json) -> None:
    """Type an applied configuration. Raises the 500 of the real server for unknown fields and wrong types."""
    shape = shape_of(call.kind, call.path.version)
    problems = [f"{item.keyed}: field not declared in schema" for item in checks.unknown_fields(obj, shape)]
    problems += [checks.apply_wording(item) for item in checks.mistyped(obj, shape)]
    if not problems:
        return
    meta = obj["metadata"]
    name = f"{meta['namespace']}/{meta['name']}" if meta.get("namespace") else f"/{meta['name']}"
    text = problems[0] if len(problems) == 1 else "errors:\n" + "\n".join(f"  {item}" for item in problems)
    shown = f"{name}; {obj['apiVersion']}, Kind={obj['kind']}"
    raise StatusError(500, f"failed to create typed patch object ({shown}): {text}", "")


def complete(call: Call, obj: Json, live: Json | None) -> Json:
    """Fill in defaults, check the rules, ask the webhooks. Raises 422 with its causes, or what a webhook raised."""
    shape = shape_of(call.kind, call.path.version)
    obj = checks.defaulted(copied(obj), shape)
    if not call.kind.custom:
        defaults.apply(obj, call.store)
        if live is not None and obj["kind"] == "Pod":
            live = copied(live)
            defaults.apply(live, call.store)
    for check in call.cluster.admission:
        check(obj)
    found = {(cause.field, cause.message): cause for cause in checks.causes(obj, shape)}
    if call.kind.custom:
        found |= {(cause.field, cause.message): cause for cause in checks.quantities(obj, shape, "")}
    found |= {(cause.field, cause.message): cause for cause in rules.violations(obj, live)}
    if found:
        raise invalid(call, obj, list(found.values()))
    return obj


def invalid(call: Call, obj: Json, found: list[Cause]) -> StatusError:
    """422 with its causes."""
    name = obj["metadata"].get("name", "")
    what = f"{call.kind.kind}.{call.kind.group}" if call.kind.group else call.kind.kind
    parts = [f"{cause.field}: {cause.message}" for cause in found]
    text = parts[0] if len(parts) == 1 else f"[{', '.join(parts)}]"
    details = {"name": name, "kind": call.kind.kind} | ({"group": call.kind.group} if call.kind.group else {})
    return StatusError(422, f'{what} "{name}" is invalid: {text}', details=details, causes=found)
