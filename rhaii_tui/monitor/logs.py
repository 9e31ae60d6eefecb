"""Logs of any container of a service, followed on demand into a log book; a few at once, the oldest given up first."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from rhaii_tui.deployment.logbook import LogBook
from rhaii_tui.kube import permissions
from rhaii_tui.kube.errors import ApiError, KubeError
from rhaii_tui.kube.kinds import KINDS

if TYPE_CHECKING:
    from rhaii_tui.kube.connect import Cluster

TAIL = 2000
"""Lines of the past that are fetched when a log is opened."""
AT_ONCE = 4
"""Logs followed at the same time; each is a connection through the API server to a kubelet."""


class ContainerLogs:
    """`book` holds what was read, in memory only: the cluster keeps the logs, we look at them."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.book = LogBook()

    def open(self, namespace: str, pod: str, container: str) -> str:
        """Follow a container's log from its last lines on; the name of its stream. Opening it again changes nothing."""
        stream = f"{pod}/{container}"
        task = self._tasks.pop(stream, None)
        if task is None or task.done():
            while len(self._tasks) >= AT_ONCE:
                oldest = next(iter(self._tasks))
                self._tasks.pop(oldest).cancel()
                self.book.extend(oldest, ["-- no longer followed: another log was opened --"])
            self.book.extend(stream, [f"-- {namespace}/{pod} {container}, last {TAIL} lines, then live --"])
            task = asyncio.create_task(self._follow(stream, namespace, pod, container), name=f"log {stream}")
        self._tasks[stream] = task
        return stream

    async def previous(self, namespace: str, pod: str, container: str) -> str:
        """Read what the container wrote before its last restart; the name of that stream."""
        stream = f"{pod}/{container} (previous)"
        path = KINDS["Pod"].path(namespace, pod, "log")
        query = [("container", container), ("previous", "true"), ("tailLines", str(TAIL))]
        try:
            text = await self._cluster.text(path, query)
        except ApiError as error:
            if error.status != 400:
                self.book.extend(stream, [f"-- {_refusal(error)} --"])
                return stream
            self.book.extend(stream, [f"-- {container} has not run before: {error.message} --"])
            return stream
        except KubeError as error:
            self.book.extend(stream, [f"-- not read: {error} --"])
            return stream
        self.book.extend(stream, [f"-- {namespace}/{pod} {container}, the run before the last restart --"])
        self.book.extend(stream, text.splitlines())
        return stream

    async def close(self) -> None:
        """Stop following; what was read stays."""
        tasks, self._tasks = list(self._tasks.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, stream: str, namespace: str, pod: str, container: str) -> None:
        from rhaii_tui.kube.logs import follow

        try:
            async with aclosing(follow(self._cluster, namespace, pod, container, tail=TAIL)) as batches:
                async for batch in batches:
                    self.book.extend(stream, batch)
        except KubeError as error:
            self.book.extend(stream, [f"-- {_refusal(error)} --"])
            return
        self.book.extend(stream, ["-- the container has ended; nothing more will come --"])


def _refusal(error: KubeError) -> str:
    lacking = permissions.missing(str(error))
    return f"may not be read; it needs the permission to {lacking}" if lacking else f"not read: {error}"
