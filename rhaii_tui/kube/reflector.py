"""List and watch one collection for as long as someone listens, through everything an API server can do to a watch.

No Python client has a watch that can be left alone (reconnect storms, 410 loops, error pages as events), so the loop
is ours: page the list, watch from its version, and whatever breaks is told as "not live since", never as emptiness.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal

from rhaii_tui.clock import Clock
from rhaii_tui.kube.connect import Cluster, trimmed
from rhaii_tui.kube.errors import ApiError, KubeError, Unreachable

IDLE_SECONDS = 90.0
"""Bookmarks come about every 60 s; longer silence is a dead connection, such as a laptop that slept."""
SHORT_SECONDS = 5.0
"""A stream that ends sooner than this has failed, however politely."""
SETTLE_SECONDS = 1.0
"""After a loss, a stream counts as live again when it brought something or lasted this long."""
FIRST_PAUSE, LONGEST_PAUSE, REFUSED_PAUSE = 0.5, 30.0, 5.0
LINE_LIMIT = 32 * 1024 * 1024
"""Bytes of one event; etcd stores at most a few MB, so more than this is not Kubernetes."""


@dataclass(frozen=True, slots=True)
class Synced:
    """Everything there is now; compare by `metadata.uid`."""

    items: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """One object came, changed or went."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    obj: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Lost:
    """What was told before is not live since `since` (Unix seconds); `retry_in` wall seconds to the next attempt."""

    reason: str
    since: float
    retry_in: float


@dataclass(frozen=True, slots=True)
class Restored:
    """Live again."""

    at: float


Happening = Synced | Changed | Lost | Restored


class _Relist(Exception):
    """The resource version is too old."""


class Reflector:
    """`async for happening in Reflector(cluster, path)` runs until the listener stops; `path` is a collection's.

    Pauses between attempts are real time (the network does not know about compressed clouds) but on a fast clock
    the longest is shortened, with 2 s as the least, and so is the pause after a refusal (1 s).
    """

    def __init__(
        self,
        cluster: Cluster,
        path: str,
        *,
        label_selector: str = "",
        field_selector: str = "",
        clock: Clock | None = None,
        idle_limit: float = IDLE_SECONDS,
    ) -> None:
        self._cluster = cluster
        self.path = path
        selectors = (("labelSelector", label_selector), ("fieldSelector", field_selector))
        self._selectors = [(k, v) for k, v in selectors if v]
        self._idle_limit = idle_limit
        clock = clock or Clock()
        self._longest = max(2.0, clock.wall(LONGEST_PAUSE))
        self._refused = max(1.0, clock.wall(REFUSED_PAUSE))
        self._version = ""
        self._lost_since: float | None = None
        self._failures = 0
        self._opened: float | None = None

    def __aiter__(self) -> AsyncGenerator[Happening, None]:
        return self._run()

    async def _run(self) -> AsyncGenerator[Happening, None]:
        while True:
            refusal, reason = 0.0, "the watch ended at once"
            self._opened = None
            try:
                if not self._version:
                    items, self._version = await self._cluster.listing(self.path, self._selectors)
                    yield Synced(tuple(items))
                async with aclosing(self._watch()) as stream:
                    async for happening in stream:
                        yield happening
                if self._lasted():
                    continue
            except _Relist:
                self._version = ""
                if self._lasted():
                    continue
                reason = "the watch expired at once (410)"
            except ApiError as e:
                if e.is_expired:
                    self._version = ""
                reason = str(e)
                refusal = max(e.retry_after or 0.0, self._refused if e.status in (401, 403, 404) else 0.0)
            except KubeError as e:
                self._lasted()
                reason = str(e)
            pause = max(refusal, self._next_pause())
            if self._lost_since is None:
                self._lost_since = time.time()
            yield Lost(reason, self._lost_since, pause)
            await asyncio.sleep(pause)

    def _lasted(self) -> bool:
        """Whether the stream just ended was worth its name; then the next trouble starts with a short pause again."""
        lasted = self._opened is not None and time.monotonic() - self._opened >= SHORT_SECONDS
        if lasted:
            self._failures = 0
        return lasted

    def _next_pause(self) -> float:
        pause = min(FIRST_PAUSE * 2.0 ** min(self._failures, 10), self._longest)
        self._failures += 1
        return pause * random.uniform(0.8, 1.2)

    async def _watch(self) -> AsyncGenerator[Happening, None]:
        query = [
            *self._selectors,
            ("watch", "true"),
            ("resourceVersion", self._version),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", str(random.randint(240, 480))),
        ]
        response = await self._cluster.call("GET", self.path, query, timeout=None)
        try:
            self._opened = time.monotonic()
            rest = bytearray()
            while True:
                chunk = await self._chunk(response)
                if chunk is None:
                    yield self._live()
                    continue
                if not chunk:
                    return
                rest += chunk
                if len(rest) > LINE_LIMIT:
                    raise Unreachable("reset", self._cluster.address, f"a watch line exceeds {LINE_LIMIT} bytes")
                if b"\n" not in chunk:
                    continue
                *lines, tail = rest.split(b"\n")
                rest = bytearray(tail)
                for line in lines:
                    if not line.strip():
                        continue
                    happening = self._decoded(bytes(line))
                    if self._lost_since is not None:
                        yield self._live()
                    if happening is not None:
                        yield happening
        finally:
            response.close()

    async def _chunk(self, response: Any) -> bytes | None:
        """What arrived; b"" at the end; None when a stream after a loss has settled in silence."""
        import aiohttp

        settling = self._lost_since is not None and self._idle_limit > SETTLE_SECONDS
        try:
            # Not wait_for: before Python 3.12 it loses a cancellation that meets arriving data.
            async with asyncio.timeout(SETTLE_SECONDS if settling else self._idle_limit):
                chunk: bytes = await response.content.readany()
        except TimeoutError as e:
            if settling:
                return None
            raise Unreachable("timeout", self._cluster.address, f"silent for {self._idle_limit:g} s") from e
        except (aiohttp.ClientError, OSError) as e:
            raise self._cluster.unreachable(e) from e
        return chunk

    def _live(self) -> Restored:
        self._lost_since = None
        return Restored(time.time())

    def _decoded(self, line: bytes) -> Changed | None:
        try:
            event = json.loads(line)
            kind, obj = event["type"], event["object"]
        except (ValueError, KeyError, TypeError) as e:
            raise Unreachable("reset", self._cluster.address, "the watch sent something that is not an event") from e
        if kind == "ERROR":
            error = ApiError(int(obj.get("code") or 500), json.dumps(obj))
            if error.is_expired:
                raise _Relist
            raise error
        self._version = str(obj.get("metadata", {}).get("resourceVersion") or self._version)
        return None if kind == "BOOKMARK" else Changed(kind, trimmed(obj))
