"""Turns whatever a client library raised into a CloudError. Imports the libraries only when there is an error."""

from __future__ import annotations

import json
import re
from typing import Any

from rhaii_tui.google.errors import CloudError, Kind, from_text
from rhaii_tui.google.packages import load

_HTML = re.compile(r"<\s*(?:!doctype|html|head|body|title)", re.IGNORECASE)
_TITLE = re.compile(r"<title>\s*(.*?)\s*</title>", re.IGNORECASE | re.DOTALL)


def translate(error: BaseException) -> CloudError:
    """The CloudError that says the same. Never raises."""
    if isinstance(error, CloudError):
        return error
    for attempt in (_of_api_core, _of_auth, _of_transport):
        found = attempt(error)
        if found is not None:
            return found
    name = type(error).__name__
    if name in ("ParseError", "JSONDecodeError", "DecodeError"):
        return CloudError(Kind.NETWORK, "The answer was empty or cut off.", raw=f"{name}: {error}", ambiguous=True)
    if isinstance(error, ValueError | TypeError):
        return CloudError(Kind.INVALID, str(error), raw=f"{name}: {error}")
    return CloudError(Kind.UNKNOWN, f"{name}: {error}", ambiguous=True)


def of_response(code: int, body: str) -> CloudError:
    """The error an HTTP answer carries: Google's JSON body, an HTML page of a proxy, or nothing at all."""
    if _HTML.search(body[:2000]):
        title = _TITLE.search(body)
        return CloudError(
            Kind.NETWORK if code >= 500 else from_text("", code).kind,
            f"HTTP {code}: {title.group(1) if title else 'an HTML page instead of an answer'}",
            raw=body[:4000],
            code=code,
            ambiguous=code >= 500,
        )
    try:
        answer = json.loads(body)["error"]
        message, reasons = str(answer.get("message", "")), _reasons(answer)
    except (ValueError, KeyError, TypeError, AttributeError):
        message, reasons = body[:500], []
    return from_text(message, code, reasons=reasons, raw=body[:4000])


def _reasons(answer: dict[str, Any]) -> list[str]:
    entries = [*(answer.get("errors") or []), *(answer.get("details") or [])]
    return [str(e["reason"]) for e in entries if isinstance(e, dict) and e.get("reason")]


def _of_api_core(error: BaseException) -> CloudError | None:
    exceptions = load("google.api_core.exceptions")
    if isinstance(error, exceptions.RetryError):
        return translate(error.cause) if error.cause is not None else CloudError(Kind.NETWORK, str(error))
    if not isinstance(error, exceptions.GoogleAPICallError):
        return None
    response = getattr(error, "response", None)
    code = int(error.code) if error.code else None
    if response is not None and getattr(response, "text", None) is not None and code:
        return of_response(code, response.text)
    return from_text(str(error.message), code, raw=str(error))


def _of_auth(error: BaseException) -> CloudError | None:
    exceptions = load("google.auth.exceptions")
    if isinstance(error, exceptions.TransportError):
        return CloudError(
            Kind.NETWORK, "The log-in server could not be reached.", raw=f"{type(error).__name__}: {error}"
        )
    if isinstance(error, exceptions.DefaultCredentialsError):
        return CloudError(
            Kind.AUTH,
            "No Google credentials were found on this machine.",
            raw=str(error),
        )
    if isinstance(error, exceptions.RefreshError):
        text = str(error)
        again = "invalid_grant" in text or "reauth" in text.lower()
        message = "The log-in has expired." if again else "The log-in was refused."
        return CloudError(Kind.AUTH, message, raw=text)
    if isinstance(error, exceptions.GoogleAuthError):
        return CloudError(Kind.AUTH, "The credentials cannot be used.", raw=f"{type(error).__name__}: {error}")
    return None


def _of_transport(error: BaseException) -> CloudError | None:
    import httpx
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        return CloudError(
            Kind.NETWORK, "The server's certificate is not trusted (REQUESTS_CA_BUNDLE names a company's own).",
            raw=str(error),
        )  # fmt: skip
    if isinstance(error, requests.exceptions.Timeout | httpx.TimeoutException | TimeoutError):
        return CloudError(Kind.NETWORK, "No answer in time.", raw=f"{type(error).__name__}: {error}", ambiguous=True)
    if isinstance(error, requests.exceptions.ConnectionError | httpx.TransportError | ConnectionError | OSError):
        return CloudError(
            Kind.NETWORK, "The cloud could not be reached, or hung up.", raw=f"{type(error).__name__}: {error}",
            ambiguous=True,
        )  # fmt: skip
    if isinstance(error, requests.exceptions.RequestException | httpx.HTTPError):
        return CloudError(Kind.NETWORK, str(error), raw=f"{type(error).__name__}: {error}", ambiguous=True)
    return None
