"""One mutation asked of Google: sent once, never repeated blindly, found again after a crash, followed to its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from rhaii_tui.catalog.findings import Finding, Status
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import RunContext, progressed
from rhaii_tui.deployment.failures import failure, finding_of
from rhaii_tui.deployment.patience import patiently, wall_limit
from rhaii_tui.deployment.step import StepStopped
from rhaii_tui.google.errors import CloudError, Kind
from rhaii_tui.google.operations import wait
from rhaii_tui.google.values import OperationInfo

PAUSE = 5.0
"""Cloud seconds between two tries while the cluster works on something else, or cannot be reached."""


@dataclass(frozen=True, slots=True)
class Request:
    """`settled` looks whether nothing is left to ask for; `send` asks; `path` ends the operation's target link; `limit`
    is in cloud seconds; `errors` reads what the instance groups have stumbled over while the operation says RUNNING."""

    step: str
    action: Literal["create", "resize", "autoscale", "delete"]
    kind: str
    name: str
    path: str
    settled: Callable[[], Awaitable[bool]]
    send: Callable[[], Awaitable[OperationInfo]]
    limit: float
    errors: Callable[[], Awaitable[tuple[CloudError, ...]]] | None = None
    shortage: str = ""
    """What to do where there are no such machines; empty: what an undecided deployment can do, choose another zone."""


async def running(run: RunContext, step: str, path: str) -> OperationInfo | None:
    """The unfinished operation that works on the resource, if any: the one an earlier process began."""
    zone = run.target.zone
    operations = await patiently(run, step, "google", lambda: run.gke.list_operations(zone))
    mine = [o for o in operations if not o.done and o.targets(path)]
    return mine[-1] if mine else None


async def ask(run: RunContext, request: Request) -> OperationInfo | None:
    """The operation; None when it turned out that nothing is left to ask for. Raises CloudError."""
    deadline = time.monotonic() + wall_limit(run.clock, request.limit)
    while True:
        try:
            operation = await request.send()
        except CloudError as error:
            if (error.kind, request.action) in ((Kind.EXISTS, "create"), (Kind.NOT_FOUND, "delete")):
                return None
            passing = error.ambiguous or error.kind in (Kind.BUSY, Kind.NETWORK, Kind.AUTH)
            if not passing or time.monotonic() > deadline:
                raise
            if error.kind is Kind.BUSY:
                run.record(progressed(request.step, f"waiting for {error.operation or 'another operation'}"))
            else:
                run.link_lost("google", error.message)
            await run.clock.sleep(PAUSE, least=0.2)
            if error.kind is not Kind.BUSY:
                if (begun := await running(run, request.step, request.path)) is not None:
                    return begun
                if await request.settled():
                    return None
        else:
            run.link_restored("google")
            return operation


async def follow(run: RunContext, request: Request, operation: OperationInfo) -> None:
    """Until the operation is done. A stockout is told as soon as it shows, and taken back when the end is known.

    Raises CloudError when the operation failed, StepStopped when its time is used up.
    """
    told = ""
    early: set[tuple[str, str]] = set()

    def progress(info: OperationInfo) -> None:
        nonlocal told
        run.link_restored("google")
        if (note := _note(info)) != told:
            told = note
            run.record(progressed(request.step, note))

    def trouble(error: CloudError) -> None:
        if error.kind is Kind.NETWORK:
            run.link_lost("google", error.message)
        else:
            finding = finding_of(error, request.step).model_copy(update={"status": Status.WARN})
            if error.kind is Kind.STOCKOUT and request.shortage:
                finding = finding.model_copy(update={"remediation": request.shortage})
            early.add((finding.rule, finding.name))
            run.record(e.FindingRaised(at=time.time(), step=request.step, finding=finding))

    def taken_back() -> None:
        for rule, name in early:
            run.record(e.FindingCleared(at=time.time(), rule=rule, name=name))

    try:
        async with asyncio.timeout(wall_limit(run.clock, request.limit)):
            await patiently(
                run,
                request.step,
                "google",
                lambda: wait(run.gke, operation, run.clock, progress=progress, trouble=trouble, look=request.errors),
                slow=None,
            )
    except TimeoutError:
        raise StepStopped(late(request.kind, request.name, request.limit, told, request.shortage)) from None
    except CloudError:
        taken_back()
        raise
    taken_back()


def late(kind: str, name: str, limit: float, note: str, shortage: str = "") -> Finding:
    """The finding of a limit, in cloud seconds, that is used up; `note` is what was seen last."""
    return failure(
        "google.slow",
        name,
        f"{kind} {name} is not as wanted after {limit / 60:.0f} minutes ({note}).",
        meaning="Google goes on trying; a stockout is retried silently for about 35 minutes before it is told.",
        remediation=f"Retry goes on waiting. {shortage or 'Where machines are not to be had, another zone has some.'}",
        category="google",
    )


def _note(info: OperationInfo) -> str:
    phases = ", ".join(
        f"{name.removeprefix('CLUSTER_').lower()} {done}/{total}" for name, (done, total) in info.progress.items()
    )
    return phases or f"{info.type} {info.status}".strip()
