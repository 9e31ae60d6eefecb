"""events.jsonl of a run: append-only, synced where a crash must not lose it, tolerant of a torn last line."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.reduce import replay
from rhaii_tui.deployment.state import RunState

EVENTS_FILE = "events.jsonl"

_SYNCED = (
    e.RunStarted,
    e.Approved,
    e.IntentRecorded,
    e.OperationStarted,
    e.ResourceCreated,
    e.ResourceDeleted,
    e.AutoscalerSwitched,
    e.RunStopped,
)
"""What must be on disk before the next thing happens: without it a later start could duplicate or orphan."""


class RunBusy(Exception):
    """Another process holds this run."""

    def __init__(self, folder: Path, pid: str) -> None:
        super().__init__(f"run {folder.name} is held by process {pid or 'unknown'}")
        self.folder = folder
        self.pid = pid


class Journal:
    """The open journal of one run folder, locked against a second process until `close`."""

    def __init__(self, folder: Path) -> None:
        """Raises RunBusy when another process holds it, OSError when the folder cannot be written."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder
        self._lock = (folder / "lock").open("a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.seek(0)
            holder = self._lock.read().strip()
            self._lock.close()
            raise RunBusy(folder, holder) from None
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()
        self._file = _open_whole_lines(folder / EVENTS_FILE)

    def append(self, event: e.Event) -> None:
        """Write one event; intents, operations and resources are synced to disk before this returns.

        Raises OSError when it cannot be written whole; nothing of it is left then.
        """
        rest = memoryview(e.encode(event).encode() + b"\n")
        begin = self._file.tell()
        try:
            while rest:
                rest = rest[self._file.write(rest) or 0 :]
        except OSError:
            self._file.truncate(begin)
            self._file.seek(begin)
            raise
        if isinstance(event, _SYNCED):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file and let the lock go."""
        if not self._file.closed:
            self._file.close()
            self._lock.close()


def refuse_held(folder: Path) -> None:
    """Raise RunBusy when a process, this one included, holds the run."""
    try:
        with (folder / "lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunBusy(folder, lock.read().strip()) from None
    except FileNotFoundError:
        return


def _open_whole_lines(path: Path) -> FileIO:
    """Open for appending after the last whole line; the torn rest of a killed writer is cut off."""
    file = FileIO(path, "r+" if path.exists() else "w+")
    content = file.readall()
    whole = content.rfind(b"\n") + 1
    if whole != len(content):
        file.truncate(whole)
    file.seek(whole)
    return file


def read_events(folder: Path) -> Iterator[e.Event]:
    """All readable events of a run, oldest first. A torn or unknown line is left out; a missing file is empty."""
    try:
        lines = (folder / EVENTS_FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        try:
            yield e.decode(line)
        except ValueError:
            continue


def first_event(folder: Path) -> e.Event | None:
    """The first event of a run, without reading the rest."""
    try:
        with (folder / EVENTS_FILE).open(encoding="utf-8") as file:
            return e.decode(file.readline())
    except (OSError, ValueError):
        return None


def run_folders(home: Path) -> list[Path]:
    """The run folders under the state folder, newest first (names begin with their start time)."""
    try:
        return sorted((p for p in (home / "runs").iterdir() if p.is_dir()), reverse=True)
    except OSError:
        return []


def last_run(home: Path, cloud: str, run: str | None = None) -> RunState | None:
    """The newest setup on a cloud (or the run named) as its journal tells it; takes no lock, so it may be running."""
    for folder in run_folders(home):
        begun = first_event(folder)
        if isinstance(begun, e.RunStarted) and begun.cloud == cloud and _asked_for(begun, run):
            return replay(read_events(folder))
    return None


def _asked_for(begun: e.RunStarted, run: str | None) -> bool:
    return begun.plan.kind == "setup" if run is None else begun.run == run


def new_run_id() -> str:
    """`20261120-185739-1f3a`: sorts by start time; three digits are the second's fraction, the last one is chance."""
    now = datetime.now(UTC)
    return f"{now:%Y%m%d-%H%M%S}-{now.microsecond * 4096 // 1_000_000:03x}{secrets.randbelow(16):x}"
