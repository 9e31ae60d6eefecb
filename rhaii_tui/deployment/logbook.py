"""Log lines of a run: a bounded ring per stream in memory, everything appended to a file per stream.

A stream is `pod/container`. Listeners get batches; nothing here blocks for long: files are written in batches as well.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

RING = 20_000
"""Lines kept per stream: about 4 MB of vLLM-length lines (213 B each, measured), enough for a whole start."""

Listener = Callable[[str, list[str]], None]


class LogBook:
    """Streams of log lines by name. `folder` None keeps them in memory only."""

    def __init__(self, folder: Path | None = None, ring: int = RING) -> None:
        self._folder = folder
        self._ring = ring
        self._streams: dict[str, deque[str]] = {}
        self._listeners: list[Listener] = []
        self._unwritten: set[str] = set()

    def extend(self, stream: str, lines: Iterable[str]) -> None:
        """Add a batch of lines (no newlines) in order."""
        batch = list(lines)
        if not batch:
            return
        self._streams.setdefault(stream, deque(maxlen=self._ring)).extend(batch)
        if self._folder is not None:
            try:
                with self.path(stream).open("a", encoding="utf-8", errors="replace") as file:
                    file.write("\n".join(batch) + "\n")
            except OSError as error:
                if stream not in self._unwritten:
                    self._unwritten.add(stream)
                    batch.append(f"rhaii-tui: some of this log is here only, its file cannot be written: {error}")
                    self._streams[stream].append(batch[-1])
        for listener in list(self._listeners):
            listener(stream, batch)

    def streams(self) -> tuple[str, ...]:
        """Names in order of first appearance."""
        return tuple(self._streams)

    def lines(self, stream: str) -> list[str]:
        """The lines still in the ring, oldest first."""
        return list(self._streams.get(stream, ()))

    @property
    def on_disk(self) -> bool:
        """Whether everything is also in files."""
        return self._folder is not None

    def path(self, stream: str) -> Path:
        """The file that holds everything of a stream."""
        folder = self._folder or Path()
        folder.mkdir(parents=True, exist_ok=True)
        return folder / (re.sub(r"[^\w.-]+", "_", stream) + ".log")

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(stream, lines)` for each batch from now on; the returned function ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None
