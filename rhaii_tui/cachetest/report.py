"""Console events as JSON records and as lines for a person: the same words in both."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rhaii_tui.cachetest.records import (
    Concluded,
    ConsoleEvent,
    HealthChecked,
    LoadMeasured,
    PhaseStarted,
    RequestDone,
    SharesMeasured,
    Verdict,
)

_NAMES = {
    HealthChecked: "health",
    PhaseStarted: "phase",
    RequestDone: "request",
    SharesMeasured: "shares",
    LoadMeasured: "load",
    Concluded: "verdict",
}


def record(event: ConsoleEvent) -> dict[str, Any]:
    """One JSON object; `type` is health, phase, request, shares, load or verdict."""
    fields = asdict(event.record if isinstance(event, RequestDone) else event)
    return {"type": _NAMES[type(event)], **(fields["verdict"] if isinstance(event, Concluded) else fields)}


def lines(event: ConsoleEvent) -> list[str]:
    """Plain lines; single requests are silent, their phase's distribution speaks for them."""
    match event:
        case HealthChecked():
            return [f"{event.status:<8}{event.name}: {event.text}"]
        case PhaseStarted():
            size = f"{event.total} requests" if event.total is not None else f"{event.seconds:.0f} s"
            return [f"{event.phase}: {size}" + (f" ({event.note})" if event.note else "")]
        case SharesMeasured():
            return [f"  {s.pod}: {s.requests} requests, {s.hits:.0f} of {s.queries:.0f} prompt tokens from the cache"
                    for s in event.shares]  # fmt: skip
        case LoadMeasured():
            return [f"  {load_text(event)}"]
        case Concluded():
            return verdict_lines(event.verdict)
        case _:
            return []


def load_text(load: LoadMeasured) -> str:
    """Throughput with the words that keep it honest."""
    ttft = "" if load.ttft_p50_ms is None else f", TTFT p50 {load.ttft_p50_ms:.0f} ms"
    errors = f", {load.errors} failed" if load.errors else ""
    return (f"{load.requests_per_second:.1f} req/s, {load.output_tokens_per_second:.0f} output tokens/s at concurrency "
            f"{load.concurrency}, closed loop over {load.seconds:.0f} s{ttft}{errors}")  # fmt: skip


def verdict_lines(verdict: Verdict) -> list[str]:
    """The verdict, then each reason."""
    said = [f"Routing {verdict.routing}. Cache {verdict.cache}. ({verdict.verdict})"]
    said += [f"  {reason}" for reason in verdict.reasons]
    if verdict.saved_ms is not None:
        point, low, high = verdict.saved_ms
        said.append(f"  A hit saved {point:.0f} ms to the first token (95 % interval {low:.0f} to {high:.0f} ms).")
    said.append(f"  {verdict.ok} of {verdict.sent} requests were answered 200 with a complete body.")
    if verdict.hint:
        said.append(f"  Next: {verdict.hint}")
    return said
