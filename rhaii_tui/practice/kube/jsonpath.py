"""The small JSONPath that printer columns use: `.a.b`, `[0]`, `[*]`, `[?(@.type=="Ready")]`, `['a.b']`, `\\.`."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

_STEP = re.compile(
    r"""\.((?:\\.|[^.\[\\])+)  # .name
    | \[\?\(@\.([\w.]+)\s*==\s*["'](.*?)["']\)\]  # [?(@.type=="Ready")]
    | \[['"](.*?)['"]\]  # ['name']
    | \[(\d+)\]
    | \[(\*)\]""",
    re.VERBOSE,
)


@cache
def _steps(path: str) -> tuple[tuple[str, ...], ...]:
    return tuple(_STEP.findall(path))


def values(path: str, obj: Any) -> list[Any]:
    """Everything the path leads to; empty when a step finds nothing."""
    found = [obj]
    for name, key, wanted, quoted, index, star in _steps(path):
        field = (name or quoted).replace("\\", "")
        if field:
            found = [item[field] for item in found if isinstance(item, dict) and field in item]
            continue
        lists = [item for item in found if isinstance(item, list)]
        if key:
            found = [item for items in lists for item in items if str(item.get(key, "")) == wanted]
        elif star:
            found = [item for items in lists for item in items]
        else:
            found = [items[int(index)] for items in lists if int(index) < len(items)]
    return found
