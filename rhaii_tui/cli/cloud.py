"""Which cloud a command talks to: Google Cloud, a practice cloud that runs already, or one started for the command."""

from __future__ import annotations

import asyncio
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from rhaii_tui.cli.output import Exit, Output
from rhaii_tui.endpoints import Endpoints, google_cloud, practice_cloud
from rhaii_tui.practice import registry

SPEED = 60.0
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class PracticeUnavailable(Exception):
    """No practice cloud could be found or started; the text says why and what to do."""


@contextmanager
def open_cloud_blocking(practice: bool, *, guest: bool = False, speed: float = SPEED) -> Iterator[Endpoints]:
    """`open_cloud` for use before there is an event loop."""
    if not practice:
        yield google_cloud()
        return
    _keep_loopback_direct()
    home = registry.state_home(os.environ)
    found = find_running(home, guest=guest)
    if found is not None:
        yield practice_cloud(found)
        return
    child = _Child(home, speed)
    try:
        yield practice_cloud(child.start())
    finally:
        child.stop()


@asynccontextmanager
async def open_cloud(practice: bool, *, guest: bool = False, speed: float = SPEED) -> AsyncIterator[Endpoints]:
    """The endpoints of Google Cloud, or of a practice cloud for as long as the context lasts.

    A practice cloud of this user that was started with `practice serve` is joined. Otherwise one is started as a child
    that ends with the context, or with this process however it ends. A `guest` (status, cache-test, fault) also joins
    a cloud that another command keeps for itself; a command that deploys does not, for that cloud ends with its owner.
    Raises PracticeUnavailable.
    """
    context = open_cloud_blocking(practice, guest=guest, speed=speed)
    endpoints = await asyncio.to_thread(context.__enter__)
    try:
        yield endpoints
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)


def find_running(home: Path, *, guest: bool = True) -> Path | None:
    """The descriptor of a running practice cloud, one started with `practice serve` before all others."""
    found = [r for r in registry.running(home) if r.served or guest]
    return found[0].descriptor if found else None


def nobody_practises(out: Output) -> Exit | None:
    """Refuse, for a command that works on what another one deployed, when no practice cloud runs; else None."""
    if find_running(registry.state_home(os.environ)) is not None:
        return None
    return out.refuse(
        "No practice cloud is running",
        "A practice cloud ends with the command that started it, and everything in it.",
        "Start one that stays: rhaii-tui practice serve.",
        code=Exit.FAILED,
    )


def _keep_loopback_direct() -> None:
    """Proxy variables must not capture 127.0.0.1, neither here nor in the programs we start."""
    for name in ("NO_PROXY", "no_proxy"):
        hosts = [h for h in os.environ.get(name, "").split(",") if h]
        os.environ[name] = ",".join(hosts + [h for h in _LOOPBACK if h not in hosts])


class _Child:
    """A practice cloud that belongs to this process: the pipe to its stdin is its life line."""

    def __init__(self, home: Path, speed: float) -> None:
        self._home = home
        self._speed = speed
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Path:
        """Start it and wait for its line. Returns its descriptor. Raises PracticeUnavailable."""
        try:
            folder = registry.new_folder(self._home)
            log = folder / "practice.log"
            command = [sys.executable, "-m", "rhaii_tui.practice", "serve"]
            command += ["--speed", f"{self._speed:g}", "--folder", str(folder), "--parent-pid", str(os.getpid())]
            with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as errors:
                # A session of its own: an interrupt typed at the terminal is ours to handle while the cloud goes on.
                # Its own folder as working folder: nothing that happens to lie in the user's shadows a module.
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    cwd=folder,
                    start_new_session=True,
                )
        except OSError as error:
            raise PracticeUnavailable(
                f"The practice cloud could not be started: {error}. "
                f"It keeps its files in {self._home}; set RHAII_TUI_HOME to a folder you can write to."
            ) from error
        line = self._first_line()
        try:
            return Path(json.loads(line)["descriptor"])
        except (ValueError, KeyError) as error:
            said = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
            self.stop()
            why = said[-1] if said else "it ended without a word"
            raise PracticeUnavailable(
                f"The practice cloud did not start: {why}. "
                "Run `rhaii-tui practice serve` by itself to see everything it says."
            ) from error

    def _first_line(self) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        text = b""
        deadline = time.monotonic() + _START_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in text and selector.select(max(0.0, deadline - time.monotonic())):
                chunk = os.read(self._process.stdout.fileno(), 65536)
                if not chunk:
                    break
                text += chunk
        return text

    def stop(self) -> None:
        """Close the life line, wait for the end, insist if need be."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
