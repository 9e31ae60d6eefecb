"""Probes: asked in the right scheme, and patient enough for a compiling engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rhaii_tui.catalog.findings import Evidence, Status
from rhaii_tui.doctor import edits
from rhaii_tui.doctor.evidence import ACCELERATORS, Snapshot, is_true, status_of
from rhaii_tui.doctor.hops import Hop
from rhaii_tui.doctor.rule import Fix, Hit, HopRules, Rule
from rhaii_tui.doctor.rules.service import TLS
from rhaii_tui.doctor.sick import container, ended, sick
from rhaii_tui.kube.objects import name_of

Json = dict[str, Any]
KINDS = ("startupProbe", "readinessProbe", "livenessProbe")
PATIENT = {"periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 180}
"""30 minutes, as shipped."""
NEEDED = {ACCELERATORS[0]: 300.0, ACCELERATORS[1]: 600.0}
"""Cloud seconds an engine may need to load and compile (field reports: T4 3 to 5 minutes, v6e 4 to 10)."""


def _http(s: Snapshot) -> Iterator[Hit]:
    main = edits.main_container(s)
    if not set(TLS) <= set(edits.options(s)):
        return
    wrong = [
        k for k in KINDS if (probe := (main.get(k) or {}).get("httpGet")) and probe.get("scheme", "HTTP") != "HTTPS"
    ]
    if not wrong:
        return
    events = _unhealthy(s)

    def edit(container: Json) -> None:
        for kind in wrong:
            if kind in container:
                container[kind] = {**container[kind], "httpGet": {**container[kind]["httpGet"], "scheme": "HTTPS"}}

    yield Hit(
        about=s.place.service,
        message=f"{', '.join(wrong)} ask plain HTTP of a server that speaks HTTPS.",
        evidence=(
            *(s.note(f"container main {k}.httpGet.scheme", (main[k]["httpGet"]).get("scheme", "HTTP (default)"),
                     "LLMInferenceService") for k in wrong),
            *events[:1],
        ),
        fix=Fix(
            title="Ask HTTPS",
            changes=edits.with_main(s, edit),
            commands=(edits.edit_command(s),),
            risk="The replicas are replaced.",
            settle=1200.0,
        ),
        status=Status.FAIL if sick(s) else Status.WARN,
    )  # fmt: skip


def _unhealthy(s: Snapshot) -> list[Evidence]:
    names = [name_of(p) for p in s.replicas]
    return [
        Evidence(source=f"event {e.reason} {e.object}", text=e.message[:400], observed_at=e.at)
        for e in s.events_of(*names)
        if e.reason in ("Unhealthy", "Killing")
    ]


def _impatient(s: Snapshot) -> Iterator[Hit]:
    """A startup (or, without one, liveness) probe whose patience ends before the engine is up."""
    main = edits.main_container(s)
    if not main:
        return
    kind = "startupProbe" if main.get("startupProbe") else "livenessProbe"
    probe = main.get(kind)
    if not probe:
        return
    patience = float(probe.get("initialDelaySeconds") or 0) + float(probe.get("periodSeconds") or 10) * float(
        probe.get("failureThreshold") or 3
    )
    needed = NEEDED.get(s.resource, 300.0)
    if patience >= needed:
        return
    killed = [p for p in s.replicas if not is_true(p, "Ready") and ended(container(p, "main"))]
    events = [e for e in _unhealthy(s) if "startup probe" in e.text.lower() or "liveness probe" in e.text.lower()]

    def edit(container: Json) -> None:
        get = ((container.get(kind) or probe).get("httpGet")) or {"path": "/health", "port": 8000, "scheme": "HTTPS"}
        container["startupProbe"] = {"httpGet": get, **PATIENT}

    yield Hit(
        about=s.place.service,
        message=f"The {kind} gives up after {patience:.0f} s; loading and compiling take up to {needed:.0f}.",
        evidence=(
            s.note(
                f"container main {kind}",
                f"failureThreshold {probe.get('failureThreshold', 3)} x periodSeconds {probe.get('periodSeconds', 10)}",
                "LLMInferenceService",
            ),
            *events[:2],
        ),
        fix=Fix(
            title="Give the start 30 minutes, as shipped",
            changes=edits.with_main(s, edit),
            commands=(edits.edit_command(s),),
            risk="The replicas are replaced.",
            settle=1500.0,
        ),
        status=Status.FAIL if killed or events else Status.WARN,
    )


def _answers_badly(s: Snapshot) -> Iterator[Hit]:
    """Running, started, and refused by its probe for a reason that is told."""
    for pod in sick(s):
        if "running" not in (container(pod, "main").get("state") or {}):
            continue
        told = [e for e in s.events_of(name_of(pod)) if e.reason == "Unhealthy" and "statuscode" in e.message]
        if told:
            text = told[0].message
            yield Hit(
                about=name_of(pod),
                message=f"The replica's probe is answered with an error: {text[:160]}",
                evidence=(Evidence(source=f"event Unhealthy {told[0].object}", text=text, observed_at=told[0].at),),
                fix=Fix(
                    title="Probe /health, which needs no key and is there from the start",
                    commands=(edits.edit_command(s),),
                ),
                raw=text,
            )
            return


def _prove(s: Snapshot) -> Evidence | None:
    ready = [p for p in s.replicas if is_true(p, "Ready")]
    if s.wanted and len(ready) >= s.wanted and len(ready) == len(s.replicas):
        restarts = sum(int(c.get("restartCount") or 0) for p in ready
                       for c in status_of(p).get("containerStatuses") or [])  # fmt: skip
        return s.note("pods Ready", f"{len(ready)} of {s.wanted}, {restarts} restarts", "Pod")
    return None


RULES = HopRules(
    Hop.PROBES,
    (
        Rule(
            "probes.http",
            Hop.PROBES,
            "Running 0/1; Unhealthy: HTTP probe failed with statuscode 400, or a malformed HTTP response.",
            "The probe's scheme is HTTP while vLLM serves HTTPS.",
            "The probe's scheme is HTTPS.",
            _http,
        ),
        Rule(
            "probes.impatient",
            Hop.PROBES,
            "Restarts while the log is still compiling.",
            "The startup probe's budget is shorter than the start.",
            "failureThreshold x periodSeconds covers the start.",
            _impatient,
        ),
        Rule(
            "probes.answer",
            Hop.PROBES,
            "Running 0/1; the probe gets 401 or 404.",
            "The probe asks a path that needs a key or does not exist.",
            "The probe asks /health.",
            _answers_badly,
            explained_by=("probes.http",),
        ),
    ),
    _prove,
)
