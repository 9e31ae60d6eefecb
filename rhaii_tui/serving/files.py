"""Where the manifests are: beside the package in a wheel, at the top of a checkout otherwise."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_PACKAGE = Path(__file__).resolve().parents[1]


@cache
def folder() -> Path:
    """The folder of the manifests. Raises FileNotFoundError naming both places."""
    places = (_PACKAGE / "manifests", _PACKAGE.parent / "manifests")
    for place in places:
        if (place / "gateway.yaml").is_file():
            return place
    raise FileNotFoundError(f"manifests are in neither {places[0]} nor {places[1]}; install rhaii-tui again")


def read(name: str) -> tuple[dict[str, Any], ...]:
    """The documents of one file, such as `gateway.yaml`, fresh copies each time."""
    return tuple(copy.deepcopy(_parsed(name)))


@cache
def _parsed(name: str) -> tuple[dict[str, Any], ...]:
    return tuple(d for d in yaml.safe_load_all((folder() / name).read_text()) if d)
