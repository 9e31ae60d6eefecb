"""What every check shares: the clients, answers asked for once, and the words for what could not be read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from rhaii_tui.catalog.findings import Command, Evidence, Finding, Next, Status
from rhaii_tui.catalog.target import Target
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.google.compute import Compute, Quotas
from rhaii_tui.google.errors import CloudError, Kind
from rhaii_tui.google.gke import Gke
from rhaii_tui.google.rest import Rest
from rhaii_tui.google.values import ClusterInfo

T = TypeVar("T")


class Look:
    """One preflight. Answers that several checks need are asked for once.

    `more` is the number of accelerator nodes to add where that is known; None: what the target lacks.
    """

    def __init__(self, target: Target, endpoints: Endpoints, folder: Path, more: int | None = None) -> None:
        self.target = target
        self.more = more
        self.endpoints = endpoints
        self.folder = folder
        self.gke = Gke(endpoints, target.project)
        self.compute = Compute(endpoints, target.project)
        self.rest = Rest(endpoints, target.project)
        self._asked: dict[str, asyncio.Task[Any]] = {}

    async def region_quotas(self) -> Quotas:
        """The target region's quotas."""
        return await self._once("region", lambda: self.compute.region_quotas(self.target.region))

    async def project_quotas(self) -> Quotas:
        """The project-wide quotas."""
        return await self._once("project", self.compute.project_quotas)

    async def cluster(self) -> ClusterInfo | None:
        """The cluster of the target's name, None when the name is free."""
        return await self._once("cluster", self._cluster)

    async def clusters(self) -> tuple[ClusterInfo, ...]:
        """All clusters of the project."""
        return await self._once("clusters", self.gke.list_clusters)

    async def close(self) -> None:
        """Stop asking."""
        for task in self._asked.values():
            task.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)

    async def _cluster(self) -> ClusterInfo | None:
        try:
            return await self.gke.get_cluster(self.target.zone, self.target.cluster)
        except CloudError as error:
            if error.kind is Kind.NOT_FOUND:
                return None
            raise

    async def _once(self, key: str, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        task = self._asked.setdefault(key, asyncio.ensure_future(ask()))
        # Shielded: one check that is given up must not take the answer away from the others.
        return await asyncio.shield(task)


@dataclass(frozen=True, slots=True)
class Check:
    """`permission` is what reading the evidence takes, `source` where the evidence lies."""

    rule: str
    category: str
    name: str
    source: str
    run: Callable[[Look, Check], Awaitable[Finding]]
    permission: str = ""
    commands: tuple[str, ...] = ()

    def found(
        self,
        look: Look,
        status: Status,
        message: str,
        *,
        text: str = "",
        meaning: str = "",
        remediation: str = "",
        next_key: Next = Next.NOTHING,
        commands: tuple[str, ...] | None = None,
        raw: str = "",
    ) -> Finding:
        """The finding of this check. `text` is what was read, `message` what it comes to."""
        now = look.endpoints.clock.now()
        return Finding(
            rule=self.rule,
            category=self.category,
            name=self.name,
            status=status,
            message=message,
            meaning=meaning,
            remediation=remediation,
            next_key=next_key or (Next.NOTHING if status is Status.PASS else Next.RETRY),
            commands=tuple(Command(text=line) for line in (self.commands if commands is None else commands)),
            evidence=(Evidence(source=self.source, text=text or message, observed_at=now),),
            raw=raw,
            observed_at=now,
        )

    def unread(self, look: Look, error: CloudError) -> Finding:
        """UNKNOWN: the evidence could not be read, and why. A forbidden look names the permission."""
        if error.kind is Kind.PERMISSION:
            permission = error.permission or self.permission
            why = f"The account may not look: the permission {permission} is missing." if permission else error.message
            remedy = f"Ask a project owner for {permission or 'the permission named above'}, or go on at your own risk."
        elif error.kind is Kind.API_DISABLED:
            why, remedy = f"The API that tells is switched off: {error.message}", error.remedy
        else:
            why, remedy = error.message, error.remedy
        return self.found(
            look,
            Status.UNKNOWN,
            why,
            meaning="Whether this stands in the way is not known. Unknown is not passed.",
            remediation=remedy,
            raw=error.raw,
        )
