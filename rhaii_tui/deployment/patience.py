"""Weather: faults that pass by themselves. Calls are repeated through it, and the user is told that news are old."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from rhaii_tui.catalog.findings import Finding, Status
from rhaii_tui.clock import Clock
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import RunContext
from rhaii_tui.deployment.failures import failure
from rhaii_tui.deployment.step import StepStopped

T = TypeVar("T")

NETWORK_LOSS = 600.0
"""Cloud seconds without any usable answer before a step stops: a control plane upgrade takes less."""
SIGN_IN = 1800.0
"""Cloud seconds given to a person who has to renew expired credentials."""
LEAST = 30.0
"""Wall seconds that every wait gets at least: the network does not know about compressed clouds."""

SLOW = 4.0
"""Wall seconds after which a call without an answer is told as a lost link."""

_CREDENTIALS = "credentials.expired"


def wall_limit(clock: Clock, cloud_seconds: float) -> float:
    """A wait budget in wall seconds."""
    return max(clock.wall(cloud_seconds), LEAST)


async def patiently(
    run: RunContext, step: str, link: str, ask: Callable[[], Awaitable[T]], *, slow: float | None = SLOW
) -> T:
    """The answer of `ask`, repeated through weather. Raises StepStopped when it does not clear up in time, and
    whatever else `ask` raises. Only for what may be asked twice. `slow` None: `ask` takes its time and that is well."""
    begun = time.monotonic()
    pause = 0.3
    while True:
        try:
            answer = await _told_when_slow(run, link, ask, slow)
        except Exception as error:
            reason = weather(error)
            if reason is None:
                run.link_restored(link)  # a refusal is an answer
                raise
            signed_out = _signed_out(error)
            limit = wall_limit(run.clock, SIGN_IN if signed_out else NETWORK_LOSS)
            if time.monotonic() - begun > limit:
                raise StepStopped(_expired(reason, link) if signed_out else unreachable(link, reason)) from error
            run.link_lost(link, reason)
            if signed_out:
                run.record(e.FindingRaised(at=time.time(), step=step, finding=_expired(reason, link)))
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))
            pause = min(pause * 2, 5.0)
            continue
        run.link_restored(link)
        if any((f.rule, f.name) == (_CREDENTIALS, link) for f in run.state.findings):
            run.record(e.FindingCleared(at=time.time(), rule=_CREDENTIALS, name=link))
        return answer


async def _told_when_slow(run: RunContext, link: str, ask: Callable[[], Awaitable[T]], slow: float | None) -> T:
    """The clients repeat reads themselves for a while; the user hears of it before they give up."""
    if slow is None:
        return await ask()
    timer = asyncio.get_running_loop().call_later(slow, run.link_lost, link, f"no answer for {slow:.0f} s")
    try:
        return await ask()
    finally:
        timer.cancel()


def weather(error: BaseException) -> str | None:
    """Why this passes by itself, in words; None for an error that asking again does not change."""
    from rhaii_tui.google.errors import CloudError, Kind
    from rhaii_tui.kube.errors import ApiError, CredentialsFailed, Unreachable

    match error:
        case ApiError():
            passing = error.is_transient or error.is_expired or error.is_webhook_unready or error.status == 401
            return str(error) if passing else None
        case Unreachable():
            return None if error.kind == "tls" else str(error)
        case CredentialsFailed():
            return str(error)
        case CloudError():
            passing = error.kind in (Kind.NETWORK, Kind.BUSY, Kind.AUTH) or (error.code or 0) >= 500
            return str(error) if passing else None
        case TimeoutError() | ConnectionError():
            return str(error) or type(error).__name__
        case _:
            return None


def unreachable(link: str, reason: str) -> Finding:
    """The finding of weather that did not clear up; the same for every step that met it."""
    name = "Google Cloud" if link == "google" else "the Kubernetes API"
    return failure(
        "network.unreachable",
        name,
        f"No usable answer from {name} for {NETWORK_LOSS / 60:.0f} minutes.",
        meaning="What was begun goes on in the cloud; only our view of it is lost.",
        remediation="Check the network, a VPN and the cluster's state; then retry, which continues this run.",
        raw=reason,
        category="network",
    )


def _expired(reason: str, name: str) -> Finding:
    return failure(
        _CREDENTIALS,
        name,
        "The credentials are no longer accepted.",
        meaning="The run waits; it continues by itself once they are renewed.",
        remediation="In another terminal: gcloud auth application-default login.",
        raw=reason,
        category="identity",
        status=Status.WARN,
    )


def _signed_out(error: BaseException) -> bool:
    from rhaii_tui.google.errors import CloudError, Kind
    from rhaii_tui.kube.errors import ApiError, CredentialsFailed

    if isinstance(error, CloudError):
        return error.kind is Kind.AUTH
    return isinstance(error, CredentialsFailed) or (isinstance(error, ApiError) and error.status == 401)
