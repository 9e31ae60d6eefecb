"""One change of a GKE resource that exists: asked for once, followed to its end, found again after a crash."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from rhaii_tui.catalog.findings import Status
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import RunContext, intends, progressed
from rhaii_tui.deployment.failures import failure, finding_of
from rhaii_tui.deployment.patience import patiently, wall_limit
from rhaii_tui.deployment.step import StepStopped
from rhaii_tui.google.errors import CloudError, Kind
from rhaii_tui.google.operations import wait
from rhaii_tui.google.values import OperationInfo

PAUSE = 5.0
"""Cloud seconds between two tries while the cluster works on something else."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """`done` looks whether it is as wanted; `send` asks for it; `path` ends the operation's target link; `limit` is in
    cloud seconds; `errors` reads what the instance groups have stumbled over meanwhile."""

    step: str
    action: str
    kind: str
    name: str
    path: str
    done: Callable[[], Awaitable[bool]]
    send: Callable[[], Awaitable[OperationInfo]]
    limit: float
    errors: Callable[[], Awaitable[tuple[CloudError, ...]]] | None = None


async def change(run: RunContext, wanted: Wanted) -> AsyncIterator[e.Event]:
    """Follow what is under way, ask unless it is done then, and follow that. Raises StepStopped, CloudError."""
    async with run.google_lock:
        running = await _running(run, wanted)
        if running is not None:
            yield e.OperationStarted(at=time.time(), step=wanted.step, operation=running.name, target=wanted.path)
            await _follow(run, wanted, running)
        if await wanted.done():
            return
        yield intends(wanted.step, wanted.action, wanted.kind, wanted.name)
        operation = await _ask(run, wanted)
        if operation is not None:
            yield e.OperationStarted(at=time.time(), step=wanted.step, operation=operation.name, target=wanted.path)
            await _follow(run, wanted, operation)


async def _running(run: RunContext, wanted: Wanted) -> OperationInfo | None:
    zone = run.target.zone
    operations = await patiently(run, wanted.step, "google", lambda: run.gke.list_operations(zone))
    mine = [o for o in operations if not o.done and o.targets(wanted.path)]
    return mine[-1] if mine else None


async def _ask(run: RunContext, wanted: Wanted) -> OperationInfo | None:
    """The operation; None when it turned out to be done, or to be gone. Never repeated blindly."""
    deadline = time.monotonic() + wall_limit(run.clock, wanted.limit)
    while True:
        try:
            operation = await wanted.send()
        except CloudError as error:
            if error.kind is Kind.NOT_FOUND and wanted.action == "delete":
                return None
            passing = error.ambiguous or error.kind in (Kind.BUSY, Kind.NETWORK, Kind.AUTH)
            if not passing or time.monotonic() > deadline:
                raise
            if error.kind is Kind.BUSY:
                run.record(progressed(wanted.step, f"waiting for {error.operation or 'another operation'}"))
            else:
                run.link_lost("google", error.message)
            await run.clock.sleep(PAUSE, least=0.2)
            if error.kind is not Kind.BUSY:
                if (running := await _running(run, wanted)) is not None:
                    return running
                if await wanted.done():
                    return None
        else:
            run.link_restored("google")
            return operation


async def _follow(run: RunContext, wanted: Wanted, operation: OperationInfo) -> None:
    told = ""

    def progress(info: OperationInfo) -> None:
        nonlocal told
        run.link_restored("google")
        if (note := f"{info.type} {info.status}") != told:
            told = note
            run.record(progressed(wanted.step, note))

    def trouble(error: CloudError) -> None:
        if error.kind is Kind.NETWORK:
            run.link_lost("google", error.message)
        else:
            early = finding_of(error, wanted.step).model_copy(update={"status": Status.WARN})
            run.record(e.FindingRaised(at=time.time(), step=wanted.step, finding=early))

    try:
        async with asyncio.timeout(wall_limit(run.clock, wanted.limit)):
            await patiently(
                run,
                wanted.step,
                "google",
                lambda: wait(run.gke, operation, run.clock, progress=progress, trouble=trouble, look=wanted.errors),
            )
    except TimeoutError:
        raise StepStopped(
            failure(
                "google.slow",
                wanted.step,
                f"{wanted.kind} {wanted.name} is not done after {wanted.limit / 60:.0f} minutes ({told}).",
                meaning="Google goes on trying.",
                remediation="Retry goes on waiting.",
                category="google",
            )
        ) from None
