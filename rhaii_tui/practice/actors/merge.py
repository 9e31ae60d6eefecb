"""Strategic merge of a pod spec over a preset's, as KServe and Istio merge what their users write."""

from __future__ import annotations

import copy
from typing import Any

# Merge keys of the lists inside a pod spec; a list without one is replaced as a whole, as are command and args.
_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "imagePullSecrets": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
    "topologySpreadConstraints": "topologyKey",
    "hostAliases": "ip",
}


def strategic(base: Any, patch: Any, field: str = "") -> Any:
    """`patch` over `base`; neither is changed. None in the patch removes."""
    if isinstance(base, dict) and isinstance(patch, dict):
        merged = dict(base)
        for name, value in patch.items():
            if value is None:
                merged.pop(name, None)
            elif name in merged:
                merged[name] = strategic(merged[name], value, name)
            else:
                merged[name] = copy.deepcopy(value)
        return merged
    key = _KEYS.get(field)
    if key and isinstance(base, list) and isinstance(patch, list):
        patches = {item.get(key): item for item in patch}
        known = [strategic(item, patches.pop(item.get(key), {})) for item in base]
        return [*known, *copy.deepcopy(list(patches.values()))]
    return copy.deepcopy(patch)
