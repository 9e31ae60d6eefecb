"""Create one Google resource exactly once: intent, request, operation, and the resource's own word that it runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from rhaii_tui.catalog.findings import Finding, Status
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import RunContext, created, intends, progressed
from rhaii_tui.deployment.failures import failure, finding_of
from rhaii_tui.deployment.patience import patiently, wall_limit
from rhaii_tui.deployment.step import StepStopped
from rhaii_tui.google.errors import CloudError, Kind
from rhaii_tui.google.operations import wait
from rhaii_tui.google.values import OperationInfo

PAUSE = 5.0
"""Cloud seconds between two looks at a resource."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A resource as Google tells it: its status, whether it runs, and whether Google itself calls it broken."""

    status: str
    running: bool
    broken: bool = False
    message: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to exist. `look` finds it or None; `send` asks for it; `path` ends the operation's target link; `errors`
    reads what Google has already stumbled over while its operation still says RUNNING."""

    step: str
    kind: str
    name: str
    path: str
    look: Callable[[], Awaitable[Seen | None]]
    send: Callable[[], Awaitable[OperationInfo]]
    limit: float
    errors: Callable[[], Awaitable[tuple[CloudError, ...]]] | None = None


async def create(run: RunContext, wanted: Wanted) -> AsyncIterator[e.Event]:
    """Ask for it unless it is there, then follow the operation until the resource runs.

    Raises StepStopped when the operation failed, when Google calls the resource broken, or when the limit is used up.
    """
    async with run.google_lock:
        operation: OperationInfo | None = None
        if await _look(run, wanted) is None:
            yield intends(wanted.step, "create", wanted.kind, wanted.name)
            operation = await _ask(run, wanted)
        operation = operation or await _running_operation(run, wanted)
        if operation:
            yield e.OperationStarted(at=time.time(), step=wanted.step, operation=operation.name, target=wanted.path)
        yield created(wanted.step, wanted.kind, wanted.name)
        if operation:
            await _follow(run, wanted, operation)
        await _until_it_runs(run, wanted)


async def _look(run: RunContext, wanted: Wanted) -> Seen | None:
    return await patiently(run, wanted.step, "google", wanted.look)


async def _ask(run: RunContext, wanted: Wanted) -> OperationInfo | None:
    """The operation; None when the resource turned out to exist. A change is never repeated blindly."""
    deadline = time.monotonic() + wall_limit(run.clock, wanted.limit)
    while True:
        try:
            operation = await wanted.send()
        except CloudError as error:
            if error.kind is Kind.EXISTS:
                return None
            passing = error.ambiguous or error.kind in (Kind.BUSY, Kind.NETWORK, Kind.AUTH)
            if not passing or time.monotonic() > deadline:
                raise
            if error.kind is Kind.BUSY:
                run.record(progressed(wanted.step, f"waiting for {error.operation or 'another operation'}"))
            else:
                run.link_lost("google", error.message)
            await run.clock.sleep(PAUSE, least=0.2)
            if error.kind is not Kind.BUSY and await _look(run, wanted) is not None:
                return None
        else:
            run.link_restored("google")
            return operation


async def _running_operation(run: RunContext, wanted: Wanted) -> OperationInfo | None:
    """The unfinished operation that works on the resource, if any: the one an earlier process began."""
    zone = run.target.zone
    operations = await patiently(run, wanted.step, "google", lambda: run.gke.list_operations(zone))
    mine = [o for o in operations if not o.done and o.targets(wanted.path)]
    return mine[-1] if mine else None


async def _follow(run: RunContext, wanted: Wanted, operation: OperationInfo) -> None:
    """Until the operation is done; its failure is raised as CloudError. A stockout is told as soon as it shows."""
    told = ""

    def progress(info: OperationInfo) -> None:
        nonlocal told
        run.link_restored("google")
        if (note := _note(info)) != told:
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
                slow=None,
            )
    except TimeoutError:
        raise StepStopped(_late(wanted, told)) from None


async def _until_it_runs(run: RunContext, wanted: Wanted) -> None:
    deadline = time.monotonic() + wall_limit(run.clock, wanted.limit)
    while True:
        seen = await _look(run, wanted)
        if seen is None:
            raise StepStopped(_gone(wanted))
        if seen.broken:
            raise StepStopped(_broken(wanted, seen))
        if seen.running:
            return
        if time.monotonic() > deadline:
            raise StepStopped(_late(wanted, seen.status))
        await run.clock.sleep(PAUSE, least=0.2)


def _note(info: OperationInfo) -> str:
    phases = ", ".join(
        f"{name.removeprefix('CLUSTER_').lower()} {done}/{total}" for name, (done, total) in info.progress.items()
    )
    return phases or f"{info.type} {info.status}".strip()


def _broken(wanted: Wanted, seen: Seen) -> Finding:
    return failure(
        "google.broken",
        wanted.step,
        f"{wanted.kind} {wanted.name} is in {seen.status}.",
        meaning="It exists under our name but does not work; it may be billed.",
        remediation="Delete it (gcloud container, or the console), then retry.",
        raw=seen.message,
        category="google",
    )


def _gone(wanted: Wanted) -> Finding:
    return failure(
        "google.gone",
        wanted.step,
        f"{wanted.kind} {wanted.name} is not there although its operation has ended.",
        meaning="It was removed by someone else, or its creation was rolled back.",
        remediation="Retry asks for it again.",
        category="google",
    )


def _late(wanted: Wanted, note: str) -> Finding:
    return failure(
        "google.slow",
        wanted.step,
        f"{wanted.kind} {wanted.name} is not ready after {wanted.limit / 60:.0f} minutes ({note}).",
        meaning="Google goes on trying; a stockout is retried silently for about 35 minutes before it is told.",
        remediation="Retry goes on waiting; or choose another zone.",
        category="google",
    )
