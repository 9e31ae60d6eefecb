"""Follow a container's log across cut connections and restarts: no line twice, none lost, none unbounded."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from rhaii_tui.kube.connect import Cluster
from rhaii_tui.kube.errors import ApiError, Unreachable
from rhaii_tui.kube.kinds import KINDS

LINE_LIMIT = 16 * 1024
"""Characters kept of one line; the rest is counted and dropped."""
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0
_STAMP = re.compile(rb"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ")


async def follow(
    cluster: Cluster, namespace: str, pod: str, container: str, *, tail: int | None = None
) -> AsyncGenerator[list[str], None]:
    """Batches of lines, from the start (or the last `tail`), until the container will not run again.

    Waits while the container has not started; goes on into the next run after a restart, also one that happened while
    the server was out of reach; ends when the pod is gone, finished, or the container completed. A progress bar's `\\r`
    parts come as lines of their own. Raises ApiError for what waiting cannot heal (403, unknown container).
    """
    reader = LineReader()
    pause, cut = FIRST_PAUSE, False
    path = KINDS["Pod"].path(namespace, pod, "log")
    while True:
        try:
            if cut and reader.last is not None and await _restarts(cluster, namespace, pod, container):
                async with aclosing(_previous(cluster, path, container, reader)) as batches:
                    async for batch in batches:
                        yield batch
            cut = False
            async with aclosing(_stream(cluster, path, container, tail, reader)) as batches:
                async for batch in batches:
                    pause = FIRST_PAUSE
                    yield batch
        except ApiError as e:
            if e.is_not_found:
                return
            if not (e.is_transient or _is_waiting(e)):
                raise
            cut = cut or e.is_transient
            pause = max(pause, e.retry_after or 0.0)
        except Unreachable:
            cut = True
        if await _is_over(cluster, namespace, pod, container):
            if reader.read_all:
                return
            reader.read_all = True  # the end was seen before the last lines may have been: one more look
            continue
        await asyncio.sleep(pause * random.uniform(0.8, 1.2))
        pause = min(pause * 2, LONGEST_PAUSE)


class LineReader:
    """Bytes to lines, and where we are in the log."""

    def __init__(self) -> None:
        self.last: tuple[bytes, bytes] | None = None
        self.at_last = 0
        self.read_all = False
        self._skip = 0
        self._resuming = False
        self._rest = bytearray()
        self._dropped = 0

    def resume(self) -> str | None:
        """Begin a new connection; the `sinceTime` to ask for (whole seconds), None at the very start."""
        self._rest.clear()
        self._dropped = 0
        self._resuming = self.last is not None
        self._skip = self.at_last
        return f"{self.last[0].decode()}Z" if self.last else None

    def feed(self, chunk: bytes) -> list[str]:
        """Complete lines in `chunk`, without those seen before the reconnect."""
        lines: list[str] = []
        *complete, tail = chunk.split(b"\n")
        for part in complete:
            self._keep(part)
            lines += self._line()
        self._keep(tail)
        return lines

    def finish(self) -> list[str]:
        """The line a container left without a newline."""
        return self._line() if self._rest else []

    def _keep(self, part: bytes) -> None:
        room = max(0, LINE_LIMIT + 64 - len(self._rest))
        self._rest += part[:room]
        self._dropped += max(0, len(part) - room)

    def _line(self) -> list[str]:
        raw, dropped = bytes(self._rest), self._dropped
        self._rest.clear()
        self._dropped = 0
        if found := _STAMP.match(raw):
            stamp = (found[1], (found[2] or b"").ljust(9, b"0"))
            raw = raw[found.end() :]
            if self._resuming and self.last is not None:
                if stamp < self.last:
                    return []
                if stamp == self.last and self._skip > 0:
                    self._skip -= 1
                    return []
                self._resuming = stamp == self.last
            self.at_last = self.at_last + 1 if stamp == self.last else 1
            self.last = stamp
        text = raw.decode("utf-8", "replace")
        if dropped:
            text += f" … ({dropped} bytes more)"
        return [p for p in text.split("\r") if p] if "\r" in text else [text]


async def _previous(cluster: Cluster, path: str, container: str, reader: LineReader) -> AsyncGenerator[list[str], None]:
    """What the run before this one wrote after the line that was read last: all of it is known when it was read."""
    try:
        async with aclosing(_stream(cluster, path, container, None, reader, previous=True)) as batches:
            async for batch in batches:
                yield batch
    except ApiError as e:
        if e.status != 400:  # the node has removed it
            raise


async def _stream(
    cluster: Cluster, path: str, container: str, tail: int | None, reader: LineReader, *, previous: bool = False
) -> AsyncGenerator[list[str], None]:
    import aiohttp

    since = reader.resume()
    query = [("container", container), ("previous" if previous else "follow", "true"), ("timestamps", "true")]
    if since:
        query.append(("sinceTime", since))
    elif tail is not None:
        query.append(("tailLines", str(tail)))
    response = await cluster.call("GET", path, query, accept="*/*", timeout=None)
    try:
        while chunk := await response.content.readany():
            if lines := reader.feed(chunk):
                yield lines
        if lines := reader.finish():
            yield lines
    except (aiohttp.ClientError, TimeoutError, OSError) as e:
        raise cluster.unreachable(e) from e
    finally:
        response.close()


def _is_waiting(error: ApiError) -> bool:
    """The container has not started: starting, pulling, or failing to pull. Matched by fragment, versions differ."""
    return error.status == 400 and (
        "waiting to start" in error.message or "does not have a host assigned" in error.message
    )


async def _is_over(cluster: Cluster, namespace: str, pod: str, container: str) -> bool:
    """Whether this container will not write again: pod gone or final, or the container completed for good."""
    try:
        found: dict[str, Any] | None = await cluster.read("Pod", namespace, pod)
    except (ApiError, Unreachable):
        return False  # unknown is not over
    if found is None or (found.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return True
    ended = (_status(found, container).get("state") or {}).get("terminated")
    return ended is not None and not ended.get("exitCode")


async def _restarts(cluster: Cluster, namespace: str, pod: str, container: str) -> int:
    """How often the container was started again. Raises ApiError, Unreachable."""
    found = await cluster.read("Pod", namespace, pod) or {}
    return int(_status(found, container).get("restartCount") or 0)


def _status(pod: dict[str, Any], container: str) -> dict[str, Any]:
    state = pod.get("status") or {}
    told = [*(state.get("initContainerStatuses") or []), *(state.get("containerStatuses") or [])]
    return next((c for c in told if c.get("name") == container), {})
