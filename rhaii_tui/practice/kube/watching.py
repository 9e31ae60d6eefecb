"""Watches: a stream of changes from a resourceVersion on, with bookmarks and 410."""

from __future__ import annotations

import asyncio
import json
import random
import time
from typing import Any

from aiohttp import web

from rhaii_tui.practice.kube import tables
from rhaii_tui.practice.kube.call import Call, form, partial
from rhaii_tui.practice.kube.errors import StatusError
from rhaii_tui.practice.kube.journal import ChangeType, Entry, Version
from rhaii_tui.practice.kube.reading import encoded, match, resource_version

# Cloud seconds between bookmarks, as a real server sends them.
BOOKMARKS = 59.5
# How long a watch lives under the fault "watch-410", in wall seconds.
EXPIRY = 0.2


class Watch:
    """One open watch."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.keep = match(call)
        self.form = form(call.request)
        self.journal = call.store.journal(call.kind.store_key)
        self.changed = asyncio.Event()
        self.rv = 0
        self._columns_sent = False

    async def serve(self) -> web.StreamResponse:
        """Stream until the asked time is over, the client leaves, or the version expires."""
        call = self.call
        asked = resource_version(call)
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Cache-Control": "no-cache"})
        response.enable_chunked_encoding()
        await response.prepare(call.request)
        self.journal.attach(self.changed)
        call.cluster.watches.add(self.changed)
        try:
            lines = self._start(asked)
            if lines:
                await response.write(b"".join(lines))
            await self._follow(response)
        except StatusError as error:
            await response.write(self._line("ERROR", json.dumps(error.body()).encode()))
        except ConnectionResetError:  # whoever watched has gone
            return response
        finally:
            self.journal.detach(self.changed)
            call.cluster.watches.discard(self.changed)
        await response.write_eof()
        return response

    def _start(self, asked: int | None) -> list[bytes]:
        """What comes first: everything that exists, or nothing when a version was asked for."""
        everything = self.call.flag("sendInitialEvents") or not asked
        self.rv = self.call.store.rv if everything else asked or 0
        if not everything:
            return []
        versions = self.call.store.versions(self.call.kind.store_key, self.call.path.namespace)
        lines = [self._object("ADDED", v) for v in versions if self.keep is None or self.keep(v.obj)]
        if self.call.flag("sendInitialEvents"):
            lines.append(self._bookmark({"k8s.io/initial-events-end": "true"}))
        return lines

    async def _follow(self, response: web.StreamResponse) -> None:
        call, loop = self.call, asyncio.get_running_loop()
        started = time.monotonic()
        timeout = float(call.query("timeoutSeconds") or 0) or random.uniform(1800, 3600)
        bookmarks = call.flag("allowWatchBookmarks")
        pause = BOOKMARKS / call.cluster.world.clock.rate
        next_bookmark = started + pause
        while True:
            self.changed.clear()
            lines = self._news()
            if lines:
                await response.write(b"".join(lines))
            expiring = call.cluster.world.faults.on("watch-410")
            now = time.monotonic()
            if expiring and now - started >= EXPIRY:
                raise self._expired(call.store.rv)
            if now - started >= timeout:
                if bookmarks:
                    await response.write(self._bookmark())
                return
            if bookmarks and now >= next_bookmark:
                await response.write(self._bookmark())
                next_bookmark = now + pause
            wake = min(started + timeout, next_bookmark if bookmarks else started + timeout)
            if expiring:
                wake = min(wake, started + EXPIRY)
            timer = loop.call_later(max(0.0, wake - now), self.changed.set)
            try:
                await self.changed.wait()
            finally:
                timer.cancel()

    def _news(self) -> list[bytes]:
        entries = self.journal.after(self.rv)
        if entries is None:
            raise self._expired(self.journal.floor)
        lines = []
        for entry in entries:
            self.rv = entry.rv
            type_ = self._type(entry)
            if type_:
                lines.append(self._object(type_, entry.version))
        self.rv = max(self.rv, self.call.store.rv)
        return lines

    def _type(self, entry: Entry) -> ChangeType | None:
        """How the change looks through the selectors: what leaves the selection is DELETED to this watcher."""
        namespace = self.call.path.namespace
        if namespace and entry.version.obj["metadata"].get("namespace") != namespace:
            return None
        if self.keep is None or entry.type == "DELETED":
            return entry.type if self.keep is None or self.keep(entry.version.obj) else None
        before = entry.before is not None and self.keep(entry.before.obj)
        if self.keep(entry.version.obj):
            return "MODIFIED" if before else "ADDED"
        return "DELETED" if before else None

    def _expired(self, oldest: int) -> StatusError:
        return StatusError(410, f"too old resource version: {self.rv} ({oldest})")

    def _object(self, type_: ChangeType, version: Version) -> bytes:
        if self.form == "table":
            meta = {"resourceVersion": str(version.rv)}
            table = tables.table(self.call, [version.obj], meta)
            if self._columns_sent:
                table["columnDefinitions"] = None
            self._columns_sent = True
            return self._line(type_, json.dumps(table, separators=(",", ":")).encode())
        if self.form == "partial":
            return self._line(type_, json.dumps(partial(version.obj), separators=(",", ":")).encode())
        return self._line(type_, encoded(self.call, version))

    def _bookmark(self, annotations: dict[str, str] | None = None) -> bytes:
        meta: dict[str, Any] = {"resourceVersion": str(self.rv), "creationTimestamp": None}
        if annotations:
            meta["annotations"] = annotations
        body: dict[str, Any] = {"kind": self.call.kind.kind, "apiVersion": self.call.api_version, "metadata": meta}
        if self.form == "partial":
            body |= {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
        elif self.form == "table":
            body = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "columnDefinitions": None, "rows": [],
                    "metadata": {"resourceVersion": str(self.rv)}}  # fmt: skip
        return self._line("BOOKMARK", json.dumps(body).encode())

    @staticmethod
    def _line(type_: str, body: bytes) -> bytes:
        return b'{"type":"' + type_.encode() + b'","object":' + body + b"}\n"
