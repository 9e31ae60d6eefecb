"""The shapes as OpenAPI v3 component schemas, for `kubectl apply` and `kubectl explain`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from rhaii_tui.practice.kube.shape import OPEN, Encoded, catalogue, encode, kind_type

Json = dict[str, Any]

_LETTERS: dict[str, Json] = {
    "s": {"type": "string"},
    "i": {"type": "integer", "format": "int32"},
    "n": {"type": "number"},
    "b": {"type": "boolean"},
    "q": {"oneOf": [{"type": "string"}, {"type": "number"}]},
    "is": {"type": "string", "format": "int-or-string"},
    "any": {"type": "object"},
}


def _prefixed(name: str) -> str:
    return f"io.k8s.practice.{name}"


def _schema(encoded: Encoded) -> Json:
    """One type in OpenAPI notation; shared types as references."""
    if isinstance(encoded, str):
        if encoded.startswith("#"):
            return {"allOf": [{"$ref": f"#/components/schemas/{_prefixed(encoded[1:])}"}]}
        return dict(_LETTERS[encoded])
    if "f" in encoded:
        found: Json = {"type": "object", "properties": {name: _schema(field) for name, field in encoded["f"].items()}}
        return found | ({"required": encoded["r"]} if "r" in encoded else {})
    if "m" in encoded:
        return {"type": "object", "additionalProperties": _schema(encoded["m"])}
    if "l" in encoded:
        found = {"type": "array", "items": _schema(encoded["l"])}
        if "k" in encoded:
            found |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": encoded["k"]}
            return found | {"x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": encoded["k"][0]}
        if "set" in encoded:
            return found | {"x-kubernetes-list-type": "set", "x-kubernetes-patch-strategy": "merge"}
        return found | {"x-kubernetes-list-type": "atomic"}
    return _LETTERS[encoded["t"]] | ({"enum": encoded["e"]} if "e" in encoded else {})


def _references(encoded: Encoded) -> Iterator[str]:
    if isinstance(encoded, str):
        if encoded.startswith("#"):
            yield encoded[1:]
        return
    for child in [*encoded.get("f", {}).values(), *(encoded[part] for part in ("m", "l") if part in encoded)]:
        yield from _references(child)


@cache
def _shared(name: str) -> Json:
    return _schema(catalogue()[name])


def components(api_version: str, kinds: dict[str, Json]) -> Json:
    """Schemas of kinds (name -> the definition's schema, {} for built-in ones) and of all types they use."""
    group, _, version = api_version.rpartition("/")
    found: Json = {}
    pending: list[str] = []
    for kind, definition in kinds.items():
        name = "" if "properties" in definition else kind_type(api_version, kind)
        encoded: Encoded = catalogue()[name] if name else encode(definition) if definition else OPEN
        if not name and isinstance(encoded, dict) and "f" in encoded:
            encoded = encoded | {"f": encoded["f"] | OPEN["f"]}
        pending += _references(encoded)
        identity = {"group": group, "version": version, "kind": kind}
        found[_prefixed(f"{group or 'core'}.{version}.{kind}")] = _schema(encoded) | {
            "x-kubernetes-group-version-kind": [identity]
        }
    while pending:
        name = pending.pop()
        if _prefixed(name) not in found:
            found[_prefixed(name)] = _shared(name)
            pending += _references(catalogue()[name])
    return found
