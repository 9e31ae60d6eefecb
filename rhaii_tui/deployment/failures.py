"""Any exception a step may end with, as a finding: what happened, what it means, what to do next, the raw text."""

from __future__ import annotations

import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from rhaii_tui.catalog.findings import Evidence, Finding, Next, Status

if TYPE_CHECKING:
    from rhaii_tui.google.errors import CloudError
    from rhaii_tui.kube.errors import ApiError


def failure(
    rule: str,
    name: str,
    message: str,
    *,
    meaning: str = "",
    remediation: str = "",
    raw: str = "",
    category: str = "deployment",
    status: Status = Status.FAIL,
    evidence: tuple[Evidence, ...] = (),
    next_key: Next = Next.RETRY,
) -> Finding:
    """A finding observed now."""
    return Finding(
        rule=rule,
        category=category,
        name=name,
        status=status,
        message=message,
        meaning=meaning,
        remediation=remediation,
        next_key=next_key,
        evidence=evidence,
        raw=raw,
        observed_at=time.time(),
    )


def finding_of(error: BaseException, step: str) -> Finding:
    """The finding of an exception that no step has worded itself."""
    from rhaii_tui.google.errors import CloudError
    from rhaii_tui.kube.errors import ApiError

    if isinstance(error, CloudError):
        return _cloud(error, step)
    if isinstance(error, ApiError):
        if error.is_manifest_mistake:
            return manifest_mistake(error, step, "The object", "this step applies")
        return failure(
            "kubernetes.refused",
            step,
            f"Kubernetes answered {error.status} {error.reason}".rstrip(),
            meaning="The API server refused what this step needs.",
            remediation="Read the text below; retry once its cause is gone.",
            raw=error.message,
            category="kubernetes",
        )
    if isinstance(error, TimeoutError):
        return failure(
            "engine.timeout",
            step,
            "The wait of this step is used up.",
            meaning="Nothing said that it failed, and nothing said that it is ready.",
            remediation="Retry goes on waiting in the same run.",
            raw=str(error),
        )
    return failure(
        "engine.unexpected",
        step,
        f"{type(error).__name__}: {error}",
        meaning="This is a defect of rhaii-tui, or a situation it does not know.",
        remediation="Retry continues the same run. If it comes back, report it with the text below.",
        raw="".join(traceback.format_exception(error)),
        status=Status.UNKNOWN,
    )


def unrecorded(error: Exception, folder: Path) -> Finding:
    """The finding of a run that ends because what it does cannot be remembered, or by a defect outside its steps."""
    if not isinstance(error, OSError):
        return finding_of(error, "run")
    return failure(
        "run.unrecorded",
        str(folder),
        f"The run's journal cannot be written: {error.strerror or error}.",
        meaning="Nothing more is done, because it would not be remembered. What was begun goes on, and is billed.",
        remediation=f"Make room, or {folder} writable; then retry, or the same command, continues this run.",
        raw=repr(error),
        category="settings",
    )


_MEANING = {
    "AUTH": "Google did not accept the credentials.",
    "PERMISSION": "Your account lacks a permission on this project.",
    "API_DISABLED": "A Google API is switched off in this project.",
    "QUOTA": "The project's quota does not cover this; nothing was created for it.",
    "STOCKOUT": "Google goes on trying for about 35 minutes before it gives up; quota is no capacity.",
    "BUSY": "The cluster is working on another operation.",
    "EXISTS": "Something of this name exists already, and it is not this run's.",
    "NOT_FOUND": "Something that was there before is gone.",
    "INVALID": "Google refused the request as it is.",
    "NETWORK": "Google could not be reached.",
    "UNKNOWN": "Google's answer is not one we know.",
}


def _said(error: CloudError) -> str:
    """What happened, in a line: of Google's long accounts of a pool only what they come to; they stay as raw text."""
    from rhaii_tui.google.errors import Kind, shortage

    if error.kind is Kind.STOCKOUT:
        return "Google has no such machine free in this zone right now."
    short = shortage(error.message) if error.kind is Kind.QUOTA else None
    if short is None:
        return error.message
    limit = f": limit {short.limit:g}" if short.limit is not None else ""
    where = f" in {short.region}" if short.region else ""
    return f"Quota {short.metric} is exceeded{limit}{where}."


def _cloud(error: CloudError, step: str) -> Finding:
    return failure(
        f"google.{error.kind.value.lower()}",
        step,
        _said(error),
        meaning=_MEANING[error.kind.value],
        remediation=f"{error.remedy} Then retry, which continues this run.",
        raw=error.raw,
        category="google",
    )


def manifest_mistake(error: ApiError, step: str, kind: str, name: str) -> Finding:
    """The object sent is wrong: the user's mistake (or ours), told by the field's path, not a server failure."""
    field = error.field_path or "a field"
    return failure(
        "manifest.mistake",
        step,
        f"{kind} {name}: {field} is not accepted.",
        meaning="The manifest has a mistake at this path; nothing of it was created. The server is well.",
        remediation=f"Correct {field} in the manifest; then retry.",
        raw=error.message,
        category="manifest",
    )
