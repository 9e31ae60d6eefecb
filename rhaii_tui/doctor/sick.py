"""What sick replicas say: the signatures of their logs and events, per pod, from causes to symptoms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rhaii_tui.catalog.findings import Evidence
from rhaii_tui.doctor.evidence import Snapshot, is_true, status_of
from rhaii_tui.doctor.pieces import Missing
from rhaii_tui.doctor.rule import Fix, Hit
from rhaii_tui.kube.objects import name_of
from rhaii_tui.kube.pod_status import status
from rhaii_tui.serving.failures import recognise
from rhaii_tui.serving.milestones import DOWNLOADER
from rhaii_tui.serving.signatures import DOWNLOAD, ENGINE, EVENT, SIGNATURES, Signature

Json = dict[str, Any]
_RANK = {s.rule: i for i, s in enumerate(SIGNATURES)}


@dataclass(frozen=True, slots=True)
class Sign:
    """A signature found: in which pod, in which words, where and when they stand."""

    pod: Json
    signature: Signature
    text: str
    evidence: Evidence


def sick(s: Snapshot) -> list[Json]:
    """Replicas that are placed and not ready, or have come back after a restart a moment ago."""
    return [p for p in s.replicas if (p.get("spec") or {}).get("nodeName") and not is_true(p, "Ready")]


def signs(s: Snapshot, place: str) -> Iterator[Sign]:
    """The most telling signature of each sick replica; `place` is download, engine or event.

    Raises Missing when none was found and some replica could not be asked.
    """
    missing: Missing | None = None
    any_found = False
    for pod in sick(s):
        if place == DOWNLOAD and is_true(pod, "Initialized"):
            continue
        try:
            found = [
                (sig, text, source, at) for text, source, at in _texts(s, pod, place) if (sig := recognise(text, place))
            ]
        except Missing as unread:
            missing = unread
            continue
        if found:
            any_found = True
            signature, text, source, at = min(found, key=lambda f: _RANK[f[0].rule])
            yield Sign(pod, signature, text, Evidence(source=source, text=text[:400], observed_at=at))
    if missing is not None and not any_found:
        raise missing


def hits(s: Snapshot, place: str, rules: tuple[str, ...], fix: Fix | None = None) -> Iterator[Hit]:
    """One case for all replicas that show one of these signatures, naming them and the first one's words."""
    mine = [sign for sign in signs(s, place) if sign.signature.rule in rules]
    if mine:
        first = mine[0]
        names = ", ".join(name_of(m.pod) for m in mine)
        yield Hit(
            about=names,
            message=f"{first.signature.message} ({len(mine)} of {s.wanted or len(mine)} replicas)",
            evidence=tuple(m.evidence for m in mine[:3]),
            fix=fix,
            raw=first.text[:2000],
        )


def _texts(s: Snapshot, pod: Json, place: str) -> Iterator[tuple[str, str, float]]:
    name = name_of(pod)
    if place == EVENT:
        for event in s.events_of(name):
            if event.level == "Warning":
                yield event.message, f"event {event.reason} of {name}", event.at
        for one in containers(pod):
            waiting = (one.get("state") or {}).get("waiting") or {}
            if waiting.get("reason") in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName"):
                text = f"Failed to pull image: {waiting.get('reason')}: {waiting.get('message', '')}"
                yield text, f"pod {name} container {one.get('name')}", s.read_at("Pod")
        return
    container = DOWNLOADER if place == DOWNLOAD else "main"
    try:
        lines = s.log_lines(name, container)
    except Missing as missing:
        if not missing.unread.absent:
            raise
        return
    for line, source in lines:
        yield line, source, s.at


def containers(pod: Json) -> list[Json]:
    """All container statuses, init containers first."""
    state = status_of(pod)
    return [*(state.get("initContainerStatuses") or []), *(state.get("containerStatuses") or [])]


def container(pod: Json, name: str) -> Json:
    """One container's status, empty when it has none yet."""
    return next((c for c in containers(pod) if c.get("name") == name), {})


def words(pod: Json) -> str:
    """kubectl's words for a pod."""
    told = status(pod)
    return f"{told.word} {told.ready}, {told.restarts} restarts" + (f": {told.message}" if told.message else "")


def ended(one: Json) -> list[Json]:
    """How a container's present and last run ended, newest first."""
    return [t for key in ("state", "lastState") if (t := (one.get(key) or {}).get("terminated"))]


__all__ = ["DOWNLOAD", "ENGINE", "EVENT", "Sign", "container", "containers", "ended", "hits", "sick", "signs", "words"]
