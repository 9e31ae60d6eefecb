"""Apply one of our manifests: strict dry run, intent, apply, ledger. A wrong field is the manifest's mistake."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import RunContext, created, intends
from rhaii_tui.deployment.failures import failure, manifest_mistake
from rhaii_tui.deployment.observe import uid
from rhaii_tui.deployment.patience import patiently
from rhaii_tui.deployment.step import StepStopped

Obj = dict[str, Any]


async def apply(run: RunContext, step: str, document: Obj) -> AsyncIterator[e.Event]:
    """Server-side apply with field manager rhaii-tui. Raises StepStopped for a mistake or a conflict."""
    await dry_run(run, step, document)
    kind, name = str(document["kind"]), full_name(document)
    yield intends(step, "apply", kind, name)
    made = await _send(run, step, document, dry=False)
    yield created(step, kind, name, uid(made))


async def dry_run(run: RunContext, step: str, document: Obj) -> Obj:
    """What the server would store, strictly validated; nothing is changed."""
    return await _send(run, step, document, dry=True)


async def _send(run: RunContext, step: str, document: Obj, *, dry: bool) -> Obj:
    from rhaii_tui.kube.errors import ApiError

    kind, name = str(document["kind"]), full_name(document)
    try:
        return await patiently(run, step, "kubernetes", lambda: run.kube.apply(document, dry_run=dry))
    except ApiError as error:
        if error.is_manifest_mistake:
            raise StepStopped(manifest_mistake(error, step, kind, name)) from error
        if error.is_conflict:
            raise StepStopped(
                failure(
                    "manifest.conflict",
                    name,
                    f"{kind} {name} is managed by someone else.",
                    meaning="Another tool set fields that our manifest sets as well; nothing was overwritten.",
                    remediation="Let the other tool give the fields up, or choose another name; then retry.",
                    raw=error.message,
                    category="kubernetes",
                )
            ) from error
        raise


def full_name(document: Obj) -> str:
    """`namespace/name`, or the name alone for what has no namespace."""
    meta = document["metadata"]
    return f"{meta['namespace']}/{meta['name']}" if meta.get("namespace") else str(meta["name"])
