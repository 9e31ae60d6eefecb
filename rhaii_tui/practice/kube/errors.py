"""Failures as the Kubernetes API words them: a status code and a `Status` body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    409: "Conflict",
    410: "Expired",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


class StatusError(Exception):
    """A refusal. `reason` None means the usual one of the code; "" means none, as in apply's 500."""

    def __init__(
        self,
        code: int,
        message: str,
        reason: str | None = None,
        *,
        details: dict[str, Any] | None = None,
        causes: Sequence[tuple[str, str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = REASONS.get(code, "") if reason is None else reason
        self.details = dict(details or {})
        if causes:
            self.details["causes"] = [{"reason": r, "message": m, "field": f} for r, m, f in causes]

    def body(self) -> dict[str, Any]:
        """The `Status` object."""
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            status["reason"] = self.reason
        if self.details:
            status["details"] = self.details
        status["code"] = self.code
        return status


def not_found(plural: str, group: str, name: str) -> StatusError:
    """404 for one object."""
    details = {"name": name, "kind": plural} | ({"group": group} if group else {})
    return StatusError(404, f'{resource(plural, group)} "{name}" not found', details=details)


def already_exists(plural: str, group: str, name: str) -> StatusError:
    """409 for a create of what is there."""
    details = {"name": name, "kind": plural} | ({"group": group} if group else {})
    return StatusError(409, f'{resource(plural, group)} "{name}" already exists', "AlreadyExists", details=details)


def resource(plural: str, group: str) -> str:
    """`deployments.apps`, `pods`."""
    return f"{plural}.{group}" if group else plural
