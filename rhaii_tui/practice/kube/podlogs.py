"""What the containers wrote: one bounded, time-stamped buffer per container run."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import UTC, datetime
from itertools import islice

# Kept lines per container run; the kubelet's own limit is a 10 MiB file.
LINES = 20_000


class Run:
    """The log of one run of one container. `first` is the running number of the oldest kept line."""

    def __init__(self) -> None:
        self.lines: deque[tuple[float, str]] = deque(maxlen=LINES)
        self.written = 0
        self.closed = False
        self._waiting: set[asyncio.Event] = set()

    @property
    def first(self) -> int:
        return self.written - len(self.lines)

    def append(self, text: str) -> None:
        """Add one line, stamped with wall time."""
        self.lines.append((datetime.now(UTC).timestamp(), text))
        self.written += 1
        self._wake()

    def close(self) -> None:
        """The container ended; followers drain and stop."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        for event in self._waiting:
            event.set()

    def attach(self, event: asyncio.Event) -> None:
        """Set `event` at every line and at the end."""
        self._waiting.add(event)

    def detach(self, event: asyncio.Event) -> None:
        """Stop doing so."""
        self._waiting.discard(event)

    def after(self, number: int) -> list[tuple[float, str]]:
        """Lines from running number `number` on; those no longer kept are skipped."""
        count = self.written - max(number, self.first)
        lines = list(islice(reversed(self.lines), count))
        lines.reverse()
        return lines


class PodLogs:
    """All container logs of one cluster, by pod uid and container name."""

    def __init__(self) -> None:
        self._current: dict[tuple[str, str], Run] = {}
        self._previous: dict[tuple[str, str], Run] = {}

    def write(self, uid: str, container: str, text: str) -> None:
        """Write one line into the container's current run."""
        run = self._current.get((uid, container))
        if run is None:
            run = self._current[uid, container] = Run()
        run.append(text.removesuffix("\n"))

    def restart(self, uid: str, container: str) -> None:
        """The current run ended and a new one begins: current becomes previous."""
        ended = self._current.get((uid, container)) or Run()
        ended.close()
        self._previous[uid, container] = ended
        self._current[uid, container] = Run()

    def close(self, uid: str, container: str) -> None:
        """The current run ended for good: followers stop at its end."""
        if run := self._current.get((uid, container)):
            run.close()

    def drop(self, uid: str) -> None:
        """The pod is gone: forget its logs, end its followers."""
        for runs in (self._current, self._previous):
            for key in [key for key in runs if key[0] == uid]:
                runs.pop(key).close()

    def current(self, uid: str, container: str) -> Run:
        """The run being written, opened when nothing was written yet."""
        return self._current.setdefault((uid, container), Run())

    def previous(self, uid: str, container: str) -> Run | None:
        """The run before, if there was one."""
        return self._previous.get((uid, container))
