"""Live collections of cluster objects, each with its link: what is known, since when, and what stands in the way."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from rhaii_tui.clock import Clock
from rhaii_tui.kube import permissions
from rhaii_tui.kube.kinds import KINDS
from rhaii_tui.kube.objects import uid
from rhaii_tui.monitor.state import Link

if TYPE_CHECKING:
    from rhaii_tui.kube.connect import Cluster

Obj = dict[str, Any]


class Collection:
    """Objects of one kind by uid. `changed()` is called after every change of objects or link.

    With `most`, only that many of the newest are kept (events).
    """

    def __init__(
        self,
        name: str,
        kind: str,
        changed: Callable[[], None],
        *,
        namespace: str | None = None,
        labels: str = "",
        fields: str = "",
        most: int = 0,
    ) -> None:
        self.kind = kind
        self.link = Link(name)
        self.objects: dict[str, Obj] = {}
        self.namespace = namespace
        self._labels = labels
        self._fields = fields
        self._most = most
        self._changed = changed

    @property
    def selectors(self) -> list[tuple[str, str]]:
        """As query parameters of a list."""
        return [(k, v) for k, v in (("labelSelector", self._labels), ("fieldSelector", self._fields)) if v]

    async def follow(self, cluster: Cluster, clock: Clock) -> None:
        """List and watch until cancelled."""
        from rhaii_tui.kube.reflector import Changed, Lost, Reflector, Restored, Synced

        reflector = Reflector(
            cluster,
            KINDS[self.kind].path(self.namespace),
            label_selector=self._labels,
            field_selector=self._fields,
            clock=clock,
        )
        async with aclosing(cast(AsyncGenerator[Any, None], aiter(reflector))) as happenings:
            async for happening in happenings:
                match happening:
                    case Lost():
                        self.lose(happening.since, happening.reason)
                    case Synced():
                        self.objects = {uid(o): o for o in happening.items}
                        self._live()
                    case Restored():
                        self._live()
                    case Changed(type="DELETED"):
                        self.objects.pop(uid(happening.obj), None)
                    case Changed():
                        self.objects[uid(happening.obj)] = happening.obj
                if self._most:
                    while len(self.objects) > self._most:
                        del self.objects[next(iter(self.objects))]
                self._changed()

    def lose(self, since: float, reason: str) -> None:
        """What is known stays, and is not live since then. The first loss counts."""
        link = self.link
        if not link.live and link.lost_since is not None:
            since = min(since, link.lost_since)
        observed = since if link.live else link.observed_at
        self.link = replace(
            link,
            live=False,
            observed_at=observed,
            lost_since=since,
            problem=_words(reason, self.kind),
            permission=permissions.missing(reason),
        )

    def _live(self) -> None:
        self.link = Link(self.link.name, live=True, observed_at=time.time())

    def seen_at(self, now: float) -> float | None:
        """As of when the objects are: now while the watch lives."""
        return now if self.link.live else self.link.observed_at


def _words(reason: str, kind: str) -> str:
    if reason.startswith("404"):
        return f"this cluster does not serve {KINDS[kind].plural}.{KINDS[kind].group or 'core'}"
    if reason.startswith("401"):
        return f"the API server no longer accepts the token ({reason})"
    return reason
