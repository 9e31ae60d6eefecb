"""CRD schemas as JSON Schema, closed the way the API server's strict validation closes them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

CRDS = Path(__file__).resolve().parents[3] / "shared" / "crds"
IMPLICIT = {"apiVersion", "kind", "metadata"}


@cache
def validator(kind: str, version: str) -> Any:
    """A jsonschema validator of a kind. Skips the test where the published CRDs are not at hand."""
    import jsonschema

    if not CRDS.is_dir():
        pytest.skip(f"the published CRDs are not at {CRDS}")
    for path in sorted(CRDS.glob("*.yaml")):
        if kind.lower() not in path.name and "_all" not in path.name:
            continue
        for crd in yaml.load_all(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if crd and crd["spec"]["names"]["kind"] == kind:
                for served in crd["spec"]["versions"]:
                    if served["name"] == version:
                        return jsonschema.Draft202012Validator(closed(served["schema"]["openAPIV3Schema"], root=True))
    raise LookupError(f"{kind} {version} is not among the CRDs")


def closed(schema: Any, *, root: bool = False) -> Any:
    """The schema with unknown fields forbidden, nullable and int-or-string written as type lists."""
    if isinstance(schema, list):
        return [closed(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    properties = schema.get("properties")
    result: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("description", "default") or key.startswith("x-"):
            continue
        if key == "properties":
            result[key] = {name: closed(s) for name, s in value.items()}
        elif key in ("items", "additionalProperties", "allOf", "anyOf", "oneOf", "not"):
            result[key] = closed(value)
        else:
            result[key] = value
    if schema.get("x-kubernetes-int-or-string"):
        result.pop("type", None)
        result["type"] = ["integer", "string"]
        result.pop("anyOf", None)
    if schema.get("nullable") and "type" in result:
        kinds = result["type"] if isinstance(result["type"], list) else [result["type"]]
        result["type"] = [*kinds, "null"]
    if properties is not None and not schema.get("x-kubernetes-preserve-unknown-fields"):
        if "additionalProperties" not in result:
            result["additionalProperties"] = False
        if root:
            result["properties"] |= dict.fromkeys(IMPLICIT, True)
    return result


def mistakes(obj: dict[str, Any]) -> list[str]:
    """Where the object breaks its CRD's schema; empty when it does not."""
    version = obj["apiVersion"].rpartition("/")[2]
    found = validator(obj["kind"], version).iter_errors(obj)
    return [f"{'.'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in found]
