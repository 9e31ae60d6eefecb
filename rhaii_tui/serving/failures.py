"""Why a replica does not start, by its own words: log lines, event messages, container states."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable

from rhaii_tui.catalog.findings import Evidence, Finding, Next, Status
from rhaii_tui.serving.signatures import SIGNATURES, Signature

_KEPT = 400


def recognise(text: str, place: str) -> Signature | None:
    """The first signature that matches; `place` is `download`, `engine` or `event`. Never raises, whatever the text."""
    for signature in SIGNATURES:
        if place in signature.places and re.search(signature.pattern, text[:20_000], re.IGNORECASE):
            return signature
    return None


def finding(signature: Signature, pod: str, text: str, source: str, at: float | None = None) -> Finding:
    """The finding for a pod; `source` names the log line, event or field that was read."""
    moment = time.time() if at is None else at
    return Finding(
        rule=f"replica.{signature.rule}",
        category="replica",
        name=pod,
        status=Status.FAIL if signature.fatal else Status.WARN,
        message=signature.message,
        meaning=signature.meaning,
        remediation=signature.remediation,
        next_key=Next.RETRY if signature.fatal else Next.NOTHING,
        evidence=(Evidence(source=source, text=redacted(text)[:_KEPT], observed_at=moment),),
        raw=redacted(text)[:2000],
        observed_at=moment,
    )


def diagnose(pod: str, texts: Iterable[tuple[str, str, str]], at: float | None = None) -> Finding | None:
    """The most telling finding of `(text, place, source)` triples: the first fatal one, else the first at all."""
    lesser: Finding | None = None
    for text, place, source in texts:
        if signature := recognise(text, place):
            found = finding(signature, pod, text, source, at)
            if signature.fatal:
                return found
            lesser = lesser or found
    return lesser


_SECRETS = re.compile(r"hf_[A-Za-z0-9]{8,}|ya29\.[\w.-]+|(?i:bearer|basic)\s+[\w.~+/=-]{12,}|eyJ[\w-]{10,}\.[\w.-]+")


def redacted(text: str) -> str:
    """The text with everything that looks like a token replaced."""
    return _SECRETS.sub("[redacted]", text)
