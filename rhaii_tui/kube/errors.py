"""What can go wrong between us and a Kubernetes API server, told apart by whose fault it is."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

RAW_LIMIT = 2000
"""Characters of an answer kept for display; an HTML error page is not worth more."""

_TYPED_PATCH = "failed to create typed patch object"
_SCHEMA_PATH = re.compile(
    r"(?P<path>\.[\w.\[\]\"=/-]+?): (?P<what>field not declared in schema|expected .+?, got .+?)(?:$|,|\n)"
)
_STRICT_PATH = re.compile(r'unknown field "(?P<path>[^"]+)"')


class KubeError(Exception):
    """Base of everything this package raises on purpose. `str()` is one line fit for a person."""


class Unreachable(KubeError):
    """No usable answer came back. `kind`: refused, dns, reset, timeout or tls."""

    def __init__(self, kind: str, address: str, detail: str) -> None:
        self.kind = kind
        self.address = address
        self.detail = detail
        super().__init__(f"Kubernetes API at {address} cannot be reached ({kind}): {detail}")


class CredentialsFailed(KubeError):
    """No token could be had. `hint` says what to do next."""

    def __init__(self, message: str, hint: str) -> None:
        self.hint = hint
        super().__init__(f"{message} {hint}".strip())


@dataclass(frozen=True, slots=True)
class Cause:
    """One entry of a Status's `details.causes`."""

    field: str
    reason: str
    message: str


class ApiError(KubeError):
    """The server answered with 400 or above: a Status object, plain text or an HTML page."""

    def __init__(self, status: int, body: bytes | str, *, retry_after: float | None = None) -> None:
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
        answer = _status_object(text)
        details = answer.get("details") if isinstance(answer.get("details"), dict) else {}
        causes = (details or {}).get("causes") or []
        self.status = status
        self.reason = str(answer.get("reason") or "")
        self.message = str(answer.get("message") or _readable(text) or f"HTTP {status}")
        self.causes = tuple(
            Cause(str(c.get("field") or ""), str(c.get("reason") or ""), str(c.get("message") or ""))
            for c in causes
            if isinstance(c, dict)
        )
        self.is_status_object = bool(answer)
        self.retry_after = retry_after
        self.raw = text[:RAW_LIMIT]
        super().__init__(f"{status} {self.reason}: {self.message}" if self.reason else f"{status}: {self.message}")

    @property
    def is_manifest_mistake(self) -> bool:
        """The object sent is wrong. Server-side apply answers an unknown field or a wrong type with a bare 500."""
        if self.status == 500:
            return _TYPED_PATCH in self.message
        if self.status == 422:
            return True
        return self.status == 400 and "strict decoding error" in self.message

    @property
    def field_path(self) -> str:
        """Where in the manifest, such as `spec.replikas`; empty when the message names no field."""
        for cause in self.causes:
            if cause.field and cause.field != "<nil>":
                return cause.field
        for pattern in (_SCHEMA_PATH, _STRICT_PATH):
            if found := pattern.search(self.message):
                return found["path"].lstrip(".")
        return ""

    @property
    def is_not_found(self) -> bool:
        """404: the object, its namespace or its whole kind does not exist."""
        return self.status == 404

    @property
    def is_conflict(self) -> bool:
        """409: another manager owns a field, or the object changed meanwhile."""
        return self.status == 409

    @property
    def is_expired(self) -> bool:
        """410: the resource version or the continue token is too old; list again."""
        return self.status == 410

    @property
    def is_webhook_unready(self) -> bool:
        """An admission webhook's own server does not answer yet: the controller behind it is still starting."""
        return self.status in (500, 503) and "failed calling webhook" in self.message

    @property
    def is_transient(self) -> bool:
        """Worth asking again as it is: overload, a proxy's error page, a server that is starting or stopping."""
        return self.status == 429 or (self.status >= 500 and not self.is_manifest_mistake)


def _status_object(text: str) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) and answer.get("kind") == "Status" else {}


def _readable(text: str) -> str:
    if title := re.search(r"<title>(.*?)</title>", text, re.IGNORECASE | re.DOTALL):
        return " ".join(title[1].split())
    return " ".join(re.sub(r"<[^>]*>", " ", text[:RAW_LIMIT]).split())[:300]


def retry_after_seconds(value: str | None) -> float | None:
    """Seconds of a Retry-After header; None when absent or a date."""
    try:
        return max(0.0, float(value)) if value else None
    except ValueError:
        return None
