"""When a practice cloud ends: on SIGTERM, SIGINT or SIGHUP, and with the process that started it as a child."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys


class Lifetime:
    """`ended` is set once the cloud should stop."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def end_on_signals(self) -> None:
        """The signals that stop a server politely."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._loop.add_signal_handler(number, self.ended.set)

    def end_with_parent(self, parent: int) -> None:
        """End when the parent closes our stdin or dies, however it dies.

        The kernel closes the pipe of a killed parent; the process descriptor covers a parent whose pipe end leaked
        into another child. (PR_SET_PDEATHSIG is no choice: it fires when the *thread* that started us ends.)
        """
        with contextlib.suppress(OSError, ValueError, PermissionError):  # stdin is a plain file or closed
            self._loop.add_reader(sys.stdin.fileno(), self._stdin_readable)
        if os.getppid() != parent:
            self.ended.set()
        elif hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):
                self._watch(os.pidfd_open(parent))

    def _watch(self, process: int) -> None:
        def gone() -> None:
            self._loop.remove_reader(process)
            os.close(process)
            self.ended.set()

        self._loop.add_reader(process, gone)

    def _stdin_readable(self) -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            self._loop.remove_reader(sys.stdin.fileno())
            self.ended.set()
