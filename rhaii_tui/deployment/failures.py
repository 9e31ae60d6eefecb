"""Any exception a step may end with, as a finding: what happened, what it means, what to do next, the raw text."""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING

from rhaii_tui.catalog.findings import Evidence, Finding, Status

if TYPE_CHECKING:
    from rhaii_tui.google.calls import CloudError

RETRY = "retry"
"""The `next_key` of everything that a retry continues."""


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
    next_key: str = RETRY,
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
    from rhaii_tui.google.calls import CloudError
    from rhaii_tui.kube.errors import ApiError

    if isinstance(error, CloudError):
        return _cloud(error, step)
    if isinstance(error, ApiError):
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


_CLOUD: dict[str, tuple[str, str]] = {
    "AUTH": (
        "Google did not accept the credentials.",
        "Sign in anew: gcloud auth application-default login; then retry.",
    ),
    "PERMISSION": (
        "Your account lacks a permission on this project.",
        "Ask a project owner for the permission named below, or choose another project; then retry.",
    ),
    "API_DISABLED": ("A Google API is switched off in this project.", "Enable the API named below; then retry."),
    "QUOTA": (
        "The project's quota does not cover this.",
        "Request more quota for the metric named below in this region, or choose another zone; then retry.",
    ),
    "STOCKOUT": (
        "Google has no such machine free in this zone right now.",
        "Retry later, or choose another zone or provisioning model.",
    ),
    "BUSY": ("The cluster is working on another operation.", "Wait for it to end; then retry."),
    "EXISTS": ("Something of this name exists already.", "Choose another name, or remove it; then retry."),
    "NOT_FOUND": ("Something that was there before is gone.", "Retry makes it anew where it is ours."),
    "INVALID": ("Google refused the request as it is.", "Change the setting named below and start again."),
    "NETWORK": ("Google could not be reached.", "Check the network; then retry."),
}


def _cloud(error: CloudError, step: str) -> Finding:
    kind = str(getattr(error.kind, "value", error.kind)).upper()
    meaning, remediation = _CLOUD.get(kind, ("Google's answer is not one we know.", "Read the text below; then retry."))
    return failure(
        f"google.{kind.lower()}",
        step,
        error.message,
        meaning=meaning,
        remediation=remediation,
        raw=str(error.raw),
        category="google",
    )
