"""Where practice clouds live on this machine, and which of them are running.

Every cloud has a private folder `<state home>/practice/<id>`. The running process holds a lock on a file in it for
life, so a cloud that was killed is told from a live one without trusting process ids, which the system reuses.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import platformdirs

LOCK = "alive.lock"
DESCRIPTOR = "descriptor.json"
_GRACE_SECONDS = 60.0
"""A folder this young may belong to a cloud that is just starting: it is not swept."""


@dataclass(frozen=True, slots=True)
class Running:
    """A live practice cloud. `served` is False for one that another command started for itself."""

    descriptor: Path
    served: bool
    started: float


def state_home(environ: Mapping[str, str]) -> Path:
    """`$RHAII_TUI_HOME`, else the user's state folder."""
    home = environ.get("RHAII_TUI_HOME")
    return Path(home).expanduser().absolute() if home else platformdirs.user_state_path("rhaii-tui")


def new_folder(home: Path) -> Path:
    """A fresh private folder for one cloud (0700, also its parents as far as they are ours)."""
    clouds = home / "practice"
    clouds.mkdir(mode=0o700, parents=True, exist_ok=True)
    sweep(home)
    folder = clouds / secrets.token_hex(4)
    folder.mkdir(mode=0o700)
    return folder


def hold(folder: Path) -> IO[str]:
    """Take the folder's lock for the life of this process; closing the handle lets go. Raises BlockingIOError."""
    handle = open(folder / LOCK, "w")  # noqa: SIM115 - held for the process's life
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise
    return handle


def is_held(folder: Path) -> bool:
    """Whether a live process holds the folder's lock."""
    try:
        fd = os.open(folder / LOCK, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def running(home: Path) -> list[Running]:
    """The live clouds: those started with `practice serve` first, the newest first among equals."""
    found = []
    for descriptor in home.glob(f"practice/*/{DESCRIPTOR}"):
        try:
            described = json.loads(descriptor.read_text())
        except (OSError, ValueError):
            continue  # it is just going away
        if is_held(descriptor.parent):
            found.append(Running(descriptor, bool(described["served"]), float(described["started"])))
    return sorted(found, key=lambda r: (r.served, r.started), reverse=True)


def sweep(home: Path) -> None:
    """Remove what killed clouds left behind."""
    for folder in home.glob("practice/*"):
        try:
            old = time.time() - folder.stat().st_mtime > _GRACE_SECONDS
        except OSError:
            continue
        if old and folder.is_dir() and not is_held(folder):
            shutil.rmtree(folder, ignore_errors=True)
