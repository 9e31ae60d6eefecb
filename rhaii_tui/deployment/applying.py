"""Apply one of our manifests: strict dry run, intent, apply, ledger. A wrong field is the manifest's mistake.

Only what we have made enters the ledger. What was there before is changed as the manifest says, and stays another's.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from rhaii_tui.catalog.findings import Finding
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.birth import made_by_us
from rhaii_tui.deployment.context import RunContext, created, intends
from rhaii_tui.deployment.failures import failure, manifest_mistake
from rhaii_tui.deployment.patience import patiently
from rhaii_tui.deployment.step import StepStopped
from rhaii_tui.kube.objects import uid

T = TypeVar("T")
Obj = dict[str, Any]


async def apply(run: RunContext, step: str, document: Obj) -> AsyncIterator[e.Event]:
    """Server-side apply with field manager rhaii-tui. Raises StepStopped for a mistake or a conflict."""
    await dry_run(run, step, document)
    async for event in put(run, step, document):
        yield event


async def put(run: RunContext, step: str, document: Obj) -> AsyncIterator[e.Event]:
    """`apply` without the dry run."""
    kind, name = str(document["kind"]), full_name(document)
    meta = document["metadata"]
    before = await patiently(run, step, "kubernetes", lambda: run.kube.read(kind, meta.get("namespace"), meta["name"]))
    ours = before is None or _is_ours(run, kind, name, before)
    asked = time.time()
    yield intends(step, "apply", kind, name, existing=not ours)
    made, new = await _put(run, step, document)
    if before is None or uid(made) != uid(before):
        ours = made_by_us(made, asked) if new is None else new
        if not ours:  # somebody was faster
            yield intends(step, "apply", kind, name, existing=True)
    if ours:
        yield created(step, kind, name, uid(made))


def _is_ours(run: RunContext, kind: str, name: str, live: Obj) -> bool:
    """Whether this run has made the object, as far as it came to say so before it was cut off."""
    if any((x.kind, x.name) == (kind, name) for x in run.state.ledger):
        return run.owns(kind, name, uid(live))
    asked = [x.at for x in run.state.pending_intents if (x.kind, x.name) == (kind, name)]
    return bool(asked) and made_by_us(live, asked[0])


async def _put(run: RunContext, step: str, document: Obj) -> tuple[Obj, bool | None]:
    """The object as stored, and whether we have made it now; None where a try without an answer leaves that open."""
    tries = 0

    async def send() -> tuple[Obj, bool | None]:
        nonlocal tries
        tries += 1
        return await run.kube.put(document)

    made, new = await _worded(run, step, document, send)
    return made, None if new is False and tries > 1 else new


async def dry_run(run: RunContext, step: str, document: Obj) -> Obj:
    """What the server would store, strictly validated; nothing is changed."""
    return await _worded(run, step, document, lambda: run.kube.apply(document, dry_run=True))


async def _worded(run: RunContext, step: str, document: Obj, send: Callable[[], Awaitable[T]]) -> T:
    from rhaii_tui.kube.errors import ApiError

    kind, name = str(document["kind"]), full_name(document)
    try:
        return await patiently(run, step, "kubernetes", send)
    except ApiError as error:
        if error.is_manifest_mistake:
            raise StepStopped(manifest_mistake(error, step, kind, name)) from error
        if error.is_conflict:
            raise StepStopped(_conflict(kind, name, error.message)) from error
        raise


def _conflict(kind: str, name: str, raw: str) -> Finding:
    return failure(
        "manifest.conflict",
        name,
        f"{kind} {name} is managed by someone else.",
        meaning="Another tool set fields that our manifest sets as well; nothing was overwritten.",
        remediation="Let the other tool give the fields up, or choose another name; then retry.",
        raw=raw,
        category="kubernetes",
    )


def full_name(document: Obj) -> str:
    """`namespace/name`, or the name alone for what has no namespace."""
    meta = document["metadata"]
    return f"{meta['namespace']}/{meta['name']}" if meta.get("namespace") else str(meta["name"])
