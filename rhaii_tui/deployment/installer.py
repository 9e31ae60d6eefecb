"""A child process that may outlive us: in a process group of its own, with a lock that it and its children hold.

The lock is a file in the run's folder, inherited as an open descriptor: it is free once the last of them has ended, and
no number that the system has given to somebody else meanwhile is taken for theirs.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

LOCK_FILE = "installer"
GRACE = 10.0
"""Wall seconds that a group gets to end by itself once it was asked to."""
_LOOK = 0.1


@contextlib.asynccontextmanager
async def started(
    folder: Path, command: tuple[str, ...], directory: Path, environ: Mapping[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The process, its output one stream; when the block ends, whatever is left of it and its children is ended.

    Raises OSError when it cannot be started.
    """
    lock = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=directory,
            env=environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(lock,),
        )
        os.ftruncate(lock, 0)
        os.write(lock, str(process.pid).encode())
    finally:
        os.close(lock)
    try:
        yield process
    finally:
        await end(folder)
        await process.wait()


def running(folder: Path) -> int | None:
    """The process group that was started in this run's folder, if anything of it still runs; else None."""
    try:
        lock = os.open(folder / LOCK_FILE, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        written = os.read(lock, 20)
        return int(written) if written.isdigit() else 0
    finally:
        os.close(lock)
    return None


async def ended(folder: Path, seconds: float) -> bool:
    """Whether nothing of it runs any more, after so many wall seconds at most."""
    deadline = time.monotonic() + seconds
    while running(folder) is not None:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_LOOK)  # the lock's freedom is no event that could be awaited
    return True


async def end(folder: Path) -> None:
    """Ask all of the group to end, and make them after a while."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        group = running(folder)
        if not group:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, sign)
        await ended(folder, GRACE)
