"""Errors as Google's APIs write them."""

from __future__ import annotations

from typing import Any

from aiohttp import web

_STATUS = {
    400: ("INVALID_ARGUMENT", "badRequest"),
    401: ("UNAUTHENTICATED", "authError"),
    403: ("PERMISSION_DENIED", "forbidden"),
    404: ("NOT_FOUND", "notFound"),
    405: ("INVALID_ARGUMENT", "httpMethodNotAllowed"),
    409: ("ALREADY_EXISTS", "alreadyExists"),
    429: ("RESOURCE_EXHAUSTED", "rateLimitExceeded"),
    500: ("INTERNAL", "backendError"),
    503: ("UNAVAILABLE", "backendError"),
}


class GoogleError(Exception):
    """An error answer: HTTP code, message, canonical status, and `google.rpc` details."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        status: str = "",
        reason: str = "",
        details: tuple[dict[str, Any], ...] = (),
    ) -> None:
        super().__init__(message)
        canonical, short = _STATUS.get(code, ("UNKNOWN", "unknown"))
        self.code = code
        self.message = message
        self.status = status or canonical
        self.reason = reason or short
        self.details = details

    @classmethod
    def unauthenticated(cls) -> GoogleError:
        """A bearer token that is not this cloud's."""
        return cls(
            401,
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other "
            "valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
            details=(error_info("ACCESS_TOKEN_TYPE_UNSUPPORTED", "googleapis.com"),),
        )

    def body(self) -> dict[str, Any]:
        """The standard error body."""
        error: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "errors": [{"message": self.message, "domain": "global", "reason": self.reason}],
            "status": self.status,
        }
        if self.details:
            error["details"] = list(self.details)
        return {"error": error}


def error_info(reason: str, domain: str, **metadata: str) -> dict[str, Any]:
    """A `google.rpc.ErrorInfo` detail."""
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": domain,
        "metadata": metadata,
    }


def answer(error: GoogleError) -> web.Response:
    """The error as an HTTP response."""
    return web.json_response(error.body(), status=error.code)
