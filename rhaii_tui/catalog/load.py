"""Reads the fact files that ship inside the package."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def facts(name: str) -> dict[str, Any]:
    """The fact file `data/<name>.toml`, parsed once. Callers must not change what they get."""
    return tomllib.loads(files("rhaii_tui.catalog").joinpath("data", f"{name}.toml").read_text("utf-8"))
