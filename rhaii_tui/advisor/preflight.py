"""Looks at everything that could stand in the way, side by side, before anything is created or paid for."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

from rhaii_tui.advisor.checks import access, existing, limits, local, place
from rhaii_tui.advisor.checks.look import Check, Look
from rhaii_tui.catalog.findings import Evidence, Finding, Next, Status
from rhaii_tui.catalog.target import Target
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.google.errors import CloudError, Kind
from rhaii_tui.settings import state_home

_LOCAL = ("preflight.pull-secret", "preflight.hf-token", "preflight.operators")


def planned(target: Target) -> tuple[Check, ...]:
    """Every check that will be made, in the order in which a screen lists them."""
    return (
        access.credentials_check(),
        *access.checks(target),
        *place.checks(target),
        *limits.checks(target),
        *existing.checks(target),
        *local.checks(target),
    )


async def preflight(
    target: Target, endpoints: Endpoints, *, notes: Sequence[str] = (), folder: Path | None = None
) -> AsyncIterator[Finding]:
    """Findings as they come, one for each of `planned(target)`, and a WARN for each of the settings' `notes`.

    Reads only. Never raises for what the cloud says: what could not be read is a finding with status UNKNOWN.
    `folder` keeps the prices that were read for a day; default is the state folder.
    """
    look = Look(target, endpoints, folder or state_home(os.environ))
    first, *others = planned(target)
    tasks: list[asyncio.Task[Finding]] = []
    try:
        for note in notes:
            yield _note(look, note)
        tasks += [asyncio.ensure_future(_run(look, check)) for check in others if check.rule in _LOCAL]
        signed_in = await _run(look, first)
        yield signed_in
        cloud = [check for check in others if check.rule not in _LOCAL]
        if signed_in.status is Status.PASS:
            tasks += [asyncio.ensure_future(_run(look, check)) for check in cloud]
        for done in asyncio.as_completed(tasks):
            yield await done
        if signed_in.status is not Status.PASS:
            for check in cloud:
                yield check.unread(look, CloudError(Kind.AUTH, "Not asked: there are no usable credentials."))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await look.close()


async def growth(target: Target, endpoints: Endpoints, more: int) -> AsyncIterator[Finding]:
    """Whether the target's pool could have `more` nodes: its zone and the quotas. Never raises for what the cloud says.

    An address more is asked for than is needed: the needs are those of the road, which has a gateway to make.
    """
    look = Look(target, endpoints, state_home(os.environ), more)
    tasks = [asyncio.ensure_future(_run(look, check)) for check in (*place.checks(target), *limits.checks(target))]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await look.close()


def verdict(findings: Iterable[Finding]) -> int:
    """The exit code: 1 when any check failed, else 3 when any is unknown, else 0."""
    statuses = {finding.status for finding in findings}
    if Status.FAIL in statuses:
        return 1
    return 3 if Status.UNKNOWN in statuses else 0


async def _run(look: Look, check: Check) -> Finding:
    try:
        return await check.run(look, check)
    except CloudError as error:
        return check.unread(look, error)


def _note(look: Look, note: str) -> Finding:
    now = look.endpoints.clock.now()
    return Finding(
        rule="preflight.settings",
        category="settings",
        name="Settings",
        status=Status.WARN,
        message=f"{note}.",
        meaning="It does not stop the deployment.",
        remediation="Correct it where it comes from, or say it with a flag.",
        next_key=Next.SETTINGS,
        evidence=(Evidence(source="settings", text=note, observed_at=now),),
        observed_at=now,
    )
