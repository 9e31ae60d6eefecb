"""Objects before and after a change: readable differences, and the merge patch that leads back."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Mapping
from typing import Any

import yaml

Json = dict[str, Any]
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY", re.IGNORECASE)
_NOISE = ("resourceVersion", "uid", "creationTimestamp", "generation", "managedFields", "selfLink")


def bare(obj: Mapping[str, Any] | None) -> Json:
    """The object as a person would have written it: without identity and status."""
    if obj is None:
        return {}
    kept = {k: copy.deepcopy(v) for k, v in obj.items() if k != "status"}
    meta = kept.get("metadata")
    if isinstance(meta, dict):
        kept["metadata"] = {k: v for k, v in meta.items() if k not in _NOISE}
    if kept.get("kind") == "Secret":
        kept["data"] = dict.fromkeys(kept.get("data") or {}, "(hidden)")
    return kept


def difference(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, name: str) -> str:
    """A unified diff in YAML; empty when nothing changes."""
    one, two = (_yaml(o) for o in (before, after))
    return "\n".join(difflib.unified_diff(one, two, f"{name} (now)", f"{name} (after)", lineterm="", n=2))


def _yaml(obj: Mapping[str, Any] | None) -> list[str]:
    return yaml.safe_dump(_shown(bare(obj)), sort_keys=False, width=120).splitlines() if obj else []


def _shown(value: Any) -> Any:
    """The same without what a person wrote into a manifest although it is secret: a token as a variable's value, and
    kubectl's copy of the manifest."""
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _shown(below) for key, below in value.items() if key != _LAST_APPLIED}
    if "value" in kept and _SECRET_NAME.search(str(kept.get("name") or "")):
        kept["value"] = "(hidden)"
    return kept


def merged(obj: Mapping[str, Any], patch: Mapping[str, Any]) -> Json:
    """The object with a JSON merge patch applied (RFC 7396)."""
    result = copy.deepcopy(dict(obj))
    for key, change in patch.items():
        if change is None:
            result.pop(key, None)
        elif isinstance(change, Mapping):
            below = result.get(key)
            result[key] = merged(below if isinstance(below, dict) else {}, change)
        else:
            result[key] = copy.deepcopy(change)
    return result


def way_back(before: Mapping[str, Any], after: Mapping[str, Any], now: Mapping[str, Any]) -> Json:
    """The merge patch that takes `before` to `after` back and leaves alone what others changed since."""
    patch: Json = {}
    for key in before.keys() | after.keys():
        old, new, live = before.get(key), after.get(key), now.get(key)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            if isinstance(live, Mapping) and (below := way_back(old, new, live)):
                patch[key] = below
        elif live == new or isinstance(new, list):
            patch[key] = copy.deepcopy(old)
    return patch
