"""Where the product keeps its own files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def state_home(environ: Mapping[str, str]) -> Path:
    """$RHAII_TUI_HOME, else the platform's state folder: runs, the price cache, the practice registry."""
    if environ.get("RHAII_TUI_HOME"):
        return Path(environ["RHAII_TUI_HOME"]).expanduser()
    import platformdirs

    return Path(platformdirs.user_state_dir("rhaii-tui"))


def config_home(environ: Mapping[str, str]) -> Path:
    """$RHAII_TUI_HOME, else the platform's configuration folder: config.toml lies there."""
    if environ.get("RHAII_TUI_HOME"):
        return Path(environ["RHAII_TUI_HOME"]).expanduser()
    import platformdirs

    return Path(platformdirs.user_config_dir("rhaii-tui"))
