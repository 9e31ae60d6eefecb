"""Why a request through the gateway fails: told by status, body shape and network error."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """What happened, what it means, what to do next, and the answer's own text."""

    rule: str
    message: str
    meaning: str
    remediation: str = "Retry once its cause is gone."
    raw: str = ""


def of_exception(error: Exception, method: str, url: str, limit: float) -> Fault:
    """The fault of a request that got no answer."""
    import httpx

    text = str(error) or type(error).__name__
    if isinstance(error, TimeoutError | httpx.ReadTimeout | httpx.WriteTimeout | httpx.PoolTimeout):
        if method == "POST":
            return Fault(
                "hangs",
                f"POST: no answer within {limit:.0f} s",
                "The body waits for the endpoint picker: it does not answer, or the filter buffers the body.",
                "Check the picker's pod; request_body_mode must be FULL_DUPLEX_STREAMED.",
                text,
            )
        return Fault("slow", f"{method}: no answer within {limit:.0f} s", "The replica or the gateway hangs.", raw=text)
    if isinstance(error, httpx.ConnectTimeout):
        return Fault("no-route", "the gateway's address does not answer", "Firewall, or the address is gone.", raw=text)
    if isinstance(error, httpx.ConnectError):
        if "WRONG_VERSION_NUMBER" in text or "record layer failure" in text:
            return Fault(
                "tls-to-http",
                "https was asked of a port that speaks plain HTTP",
                "The Gateway has an HTTP listener only.",
                "Use the URL with http.",
                text,
            )
        if any(word in text for word in ("CERTIFICATE", "SSL", "certificate")):
            return Fault(
                "tls", "the gateway's certificate cannot be verified", "Its issuer is unknown here.", "Use http.", text
            )
        if "Name or service" in text or "resolve" in text or "getaddrinfo" in text:
            return Fault("dns", "the gateway's name does not resolve", "DNS has no such name.", raw=text)
        hint = "The Gateway listens on HTTP port 80 only; https is refused." if url.startswith("https") else ""
        return Fault(
            "refused", "the gateway refuses the connection", hint or "No listener, or no gateway pod.", raw=text
        )
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return Fault("url", f"{url!r} is not a URL", "The service's status.url is missing or malformed.", raw=text)
    return Fault("cut", "the connection was cut before an answer", "The gateway or the replica went away.", raw=text)


def of_answer(status: int, body: str, method: str, server: str = "") -> Fault:
    """The fault of an answer other than 200."""
    raw = body[:2000]
    said = _openai_message(body)
    low = body.lower()
    if status == 404:
        if "does not exist" in said:
            return Fault(
                "model-id",
                "404: no such model id",
                "vLLM answered: the request names another id than it serves.",
                "Use the id that /v1/models lists.",
                raw,
            )
        return Fault(
            "path",
            "404: no route for this path",
            "The gateway itself answered: no HTTPRoute matches yet.",
            "Wait for HTTPRoutesReady; the path must be status.url plus /v1/...",
            raw,
        )
    if status == 400 and ("prompt" in low or "body" in low or "field required" in low):
        return Fault(
            "body-lost",
            "400: the body did not arrive",
            "The filter chain dropped the body on its way to vLLM.",
            "Apply the EnvoyFilter <service>-extproc-body.",
            raw,
        )
    if "secret is not supplied by sds" in low:
        return Fault(
            "gateway-ca",
            f"{status}: the gateway lacks the CA certificate",
            "The file /var/run/secrets/opendatahub/ca.crt is missing in the gateway pod.",
            "Apply the CA bundle ConfigMap and the gateway's parametersRef, then restart the gateway pod.",
            raw,
        )
    if "wrong_version_number" in low:
        return Fault(
            "tls-mismatch",
            f"{status}: TLS meets plain HTTP",
            "The replica speaks HTTP where the gateway expects TLS.",
            "vLLM needs --ssl-certfile and --ssl-keyfile.",
            raw,
        )
    if status == 503 and ("no healthy upstream" in low or "upstream connect error" in low):
        return Fault(
            "no-upstream",
            "503: no replica can be reached",
            "None is ready, or a NetworkPolicy cuts the gateway off.",
            "Look at the replicas first, then at the policies.",
            raw,
        )
    if status in (500, 503) and method == "POST":
        return Fault(
            "picker",
            f"{status} on POST",
            "The endpoint picker's filter fails: picker down or its TLS is refused.",
            "Check the picker's pod and the gateway's log for status 14.",
            raw,
        )
    if status == 504:
        return Fault("timeout", "504: the replica did not answer in time", "It is overloaded or hangs.", raw=raw)
    if status == 429:
        return Fault("shed", "429: the request was shed", "The picker protects busy replicas.", "Try later.", raw)
    if status in (401, 403):
        return Fault("denied", f"{status}: not let in", "An authorisation policy or an API key is in force.", raw=raw)
    by = f" by {server}" if server else ""
    return Fault("status", f"{status} answered{by}", said or "Not an answer this road expects.", raw=raw)


def _openai_message(body: str) -> str:
    try:
        content = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(content, dict):
        return ""
    error = content.get("error")
    return str((error.get("message") if isinstance(error, dict) else None) or content.get("message") or "")
