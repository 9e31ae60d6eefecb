"""Create one Google resource exactly once: intent, request, operation, and the resource's own word that it runs."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from rhaii_tui.catalog.findings import Finding
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import RunContext, created, intends
from rhaii_tui.deployment.failures import failure
from rhaii_tui.deployment.google_operation import PAUSE, Request, ask, follow, late, running
from rhaii_tui.deployment.patience import patiently, wall_limit
from rhaii_tui.deployment.step import StepStopped
from rhaii_tui.google.errors import CloudError
from rhaii_tui.google.values import OperationInfo


@dataclass(frozen=True, slots=True)
class Seen:
    """A resource as Google tells it: its status, whether it runs, and whether Google itself calls it broken.

    `uid` tells it from a namesake; `run` is the run that asked for it, by its label; `labelled`: it bears our label.
    """

    status: str
    running: bool
    broken: bool = False
    message: str = ""
    uid: str = ""
    run: str = ""
    labelled: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to exist. `look` finds it or None; `send` asks for it; `path` ends the operation's target link; `errors`
    reads what Google has already stumbled over while its operation still says RUNNING; `foreign` refuses what turns out
    to be somebody else's without our label, None uses it."""

    step: str
    kind: str
    name: str
    path: str
    look: Callable[[], Awaitable[Seen | None]]
    send: Callable[[], Awaitable[OperationInfo]]
    limit: float
    errors: Callable[[], Awaitable[tuple[CloudError, ...]]] | None = None
    foreign: Finding | None = None


async def create(run: RunContext, wanted: Wanted) -> AsyncIterator[e.Event]:
    """Ask for it unless it is there, then follow the operation until the resource runs. It enters the ledger only when
    this run has asked for it: not when it was there before, nor when somebody was faster.

    Raises StepStopped when the operation failed, when Google calls the resource broken, when it is somebody else's and
    refused, or when the limit is used up.
    """
    async with run.google_lock:
        operation: OperationInfo | None = None
        request = _request(run, wanted)
        entries = (*run.state.ledger, *run.state.pending_intents)
        asked = any((x.kind, x.name, x.uid) == (wanted.kind, wanted.name, "") for x in entries)
        if not await request.settled():
            yield intends(wanted.step, "create", wanted.kind, wanted.name)
            operation = await ask(run, request)
        operation = operation or await running(run, request.step, request.path)
        if operation:
            yield e.OperationStarted(at=time.time(), step=wanted.step, operation=operation.name, target=wanted.path)
        seen = await _look(run, wanted)
        if seen is None and operation:
            await follow(run, request, operation)
            operation, seen = None, await _look(run, wanted)
        if seen is not None and _is_ours(run, wanted, seen, asked):
            yield created(wanted.step, wanted.kind, wanted.name, seen.uid)
        elif seen is not None:
            yield intends(wanted.step, "create", wanted.kind, wanted.name, existing=True)
            if wanted.foreign and not seen.labelled:
                raise StepStopped(wanted.foreign)
        if operation:
            await follow(run, request, operation)
        await _until_it_runs(run, wanted)


def _is_ours(run: RunContext, wanted: Wanted, seen: Seen, asked: bool) -> bool:
    """Whether this run has asked for it. `asked`: an earlier process of the run has; a request of a version that did
    not label it with the run is known by our common label."""
    if any((x.kind, x.name, x.uid) == (wanted.kind, wanted.name, seen.uid or None) for x in run.state.ledger):
        return True
    return seen.run == run.state.run or (asked and seen.labelled and not seen.run)


def _request(run: RunContext, wanted: Wanted) -> Request:
    async def exists() -> bool:
        return await _look(run, wanted) is not None

    return Request(
        step=wanted.step,
        action="create",
        kind=wanted.kind,
        name=wanted.name,
        path=wanted.path,
        settled=exists,
        send=wanted.send,
        limit=wanted.limit,
        errors=wanted.errors,
    )


async def _look(run: RunContext, wanted: Wanted) -> Seen | None:
    return await patiently(run, wanted.step, "google", wanted.look)


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
            raise StepStopped(late(wanted.kind, wanted.name, wanted.limit, seen.status))
        await run.clock.sleep(PAUSE, least=0.2)


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
