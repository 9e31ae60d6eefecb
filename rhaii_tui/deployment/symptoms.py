"""What ails each replica: signatures found in its log, events and states, told once, cleared when healed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from rhaii_tui.catalog.findings import Finding
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import RunContext
from rhaii_tui.serving.failures import finding, recognise

Obj = dict[str, Any]


@dataclass(slots=True)
class _Symptom:
    finding: Finding
    place: str
    fatal: bool
    since: float


class Symptoms:
    """One per watching; keyed by pod and rule. `since` is monotonic wall time of the first sign."""

    def __init__(self, run: RunContext, step: str) -> None:
        self._run = run
        self._step = step
        self._found: dict[tuple[str, str], _Symptom] = {}
        self._healed: set[tuple[str, str]] = set()

    def text(self, pod: str, text: str, place: str, source: str) -> None:
        """A log line (`download`, `engine`) or a message of the cluster (`event`) about a pod."""
        signature = recognise(text, place)
        if signature is None or (pod, place) in self._healed:
            return
        key = (pod, f"replica.{signature.rule}")
        if key in self._found:
            return
        found = finding(signature, pod, text, source)
        self._found[key] = _Symptom(found, place, signature.fatal, time.monotonic())
        self._run.record(e.FindingRaised(at=time.time(), step=self._step, finding=found))

    def state(self, pod: Obj, is_ready: bool) -> None:
        """A new state of a pod: its containers' messages may ail it; what it has got past is healed."""
        name = str(pod["metadata"]["name"])
        status = pod.get("status") or {}
        statuses = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
        if is_ready or _initialized(status):
            self._heal(name, "download")
        if is_ready:
            self._heal(name, "engine")
        pulling = [s for s in statuses if _pull_trouble(s)]
        if is_ready or (not pulling and any((s.get("state") or {}).get("running") for s in statuses)):
            self._heal(name, "event", again=True)
        for one in pulling:
            waiting = one["state"]["waiting"]
            message = f"{waiting.get('reason', '')}: {waiting.get('message', '')}"
            self.text(name, f"Failed to pull image: {message}", "event", f"pod {name} container {one.get('name')}")

    def gone(self, pod: str) -> None:
        """The pod no longer exists."""
        for place in ("download", "engine", "event"):
            self._heal(pod, place, again=True)

    def _heal(self, pod: str, place: str, *, again: bool = False) -> None:
        if not again:
            self._healed.add((pod, place))
        for key, symptom in list(self._found.items()):
            if key[0] == pod and symptom.place == place:
                del self._found[key]
                self._run.record(e.FindingCleared(at=time.time(), rule=key[1], name=pod))

    def lasting(self, wall_seconds: float) -> Finding | None:
        """The fatal finding that has lasted longest, if any has lasted this long."""
        now = time.monotonic()
        old = [s for s in self._found.values() if s.fatal and now - s.since >= wall_seconds]
        return min(old, key=lambda s: s.since).finding if old else None

    def worst(self) -> Finding | None:
        """The oldest finding, fatal ones first."""
        found = sorted(self._found.values(), key=lambda s: (not s.fatal, s.since))
        return found[0].finding if found else None


def _initialized(status: Obj) -> bool:
    return any(c.get("type") == "Initialized" and c.get("status") == "True" for c in status.get("conditions") or [])


def _pull_trouble(container: Obj) -> bool:
    waiting = (container.get("state") or {}).get("waiting") or {}
    return waiting.get("reason") in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName")
