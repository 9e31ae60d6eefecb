"""Settings files: shell exports that are parsed and never run, config.toml, and gcloud's own configuration files."""

from __future__ import annotations

import configparser
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from rhaii_tui.settings.errors import SettingsError

_EXPORT = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$")
_BLANK = " \t\r"
"""What a shell takes for space within a line (and a carriage return of another system); Python knows a dozen more."""
_LARGEST = 256 * 1024
"""No settings file is larger; a bigger one is something else."""


def read_exports(path: Path) -> dict[str, str]:
    """`export NAME="value"` lines of a shell file. Values a shell would have to work out ($, backticks) are left out.

    Raises SettingsError when the file cannot be read.
    """
    found: dict[str, str] = {}
    for line in read_text(path).split("\n"):
        match = _EXPORT.match(line)
        if not match:
            continue
        value = literal(match.group(2))
        if value is not None:
            found[match.group(1)] = value
    return found


def literal(text: str) -> str | None:
    """The value right of the equals sign of a shell assignment, or None when only a shell could tell."""
    text = text.strip(_BLANK)
    if text[:1] == "'":
        end = text.find("'", 1)
        rest = text[end + 1 :].strip(_BLANK)
        return text[1:end] if end > 0 and _nothing_more(rest) else None
    if text[:1] == '"':
        match = re.match(r'"((?:[^"\\$`]|\\["\\$`])*)"(.*)$', text)
        if not match or not _nothing_more(match.group(2).strip(_BLANK)):
            return None
        return re.sub(r'\\(["\\$`])', r"\1", match.group(1))
    match = re.match(r"([^ \t\"'$`\\;|&<>()#]*)(?:[ \t]+(.*))?$", text)
    if not match or not _nothing_more((match.group(2) or "").strip(_BLANK)):
        return None
    return match.group(1)


def _nothing_more(rest: str) -> bool:
    return not rest or rest.startswith("#") or rest == ";"


def read_toml(path: Path) -> dict[str, str]:
    """Top-level values of config.toml as text. Raises SettingsError for a file that is not TOML."""
    try:
        data = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"{path} is not valid TOML", f"{error}.", "Correct the line, or move the file away."
        ) from None
    return {key: str(value) for key, value in data.items() if isinstance(value, str | int) and value is not True}


def read_gcloud(environ: Mapping[str, str], home: Path) -> dict[tuple[str, str], str]:
    """The active gcloud configuration as {(section, key): value}.

    A missing or unreadable configuration is empty: gcloud need not be installed.
    """
    root = Path(environ["CLOUDSDK_CONFIG"]) if environ.get("CLOUDSDK_CONFIG") else home / ".config" / "gcloud"
    name = environ.get("CLOUDSDK_ACTIVE_CONFIG_NAME", "")
    try:
        name = name or read_text(root / "active_config").strip() or "default"
    except SettingsError:
        name = "default"
    path = root / "configurations" / f"config_{name}"
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(read_text(path))
    except (SettingsError, configparser.Error):
        return {}
    return {(section, key): value for section in parser.sections() for key, value in parser.items(section)}


def read_text(path: Path) -> str:
    """The text of a small file. Raises SettingsError."""
    try:
        if path.stat().st_size > _LARGEST:
            raise SettingsError(f"{path} is too large", "A settings file has a few lines.", "Name the right file.")
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingsError(f"{path} cannot be read", f"{reason}.", "Check the path and its permissions.") from None
