"""What every object of a cluster has, read in one place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def name_of(obj: Mapping[str, Any]) -> str:
    """The object's name."""
    return str(obj["metadata"]["name"])


def uid(obj: Mapping[str, Any]) -> str:
    """What tells an object from a namesake born later."""
    meta = obj["metadata"]
    return str(meta.get("uid") or f"{meta.get('namespace', '')}/{meta['name']}")
