"""The conditions of an LLMInferenceService and what they add up to."""

from __future__ import annotations

from rhaii_tui.practice.actors.objects import Obj, condition, set_condition

_WORKLOAD = ("MainWorkloadReady",)
_ROUTER = ("GatewaysReady", "HTTPRoutesReady", "InferencePoolReady", "SchedulerWorkloadReady")
STOPPED = ("PresetsCombined", *_WORKLOAD, *_ROUTER)


class Conditions:
    """A copy of a service's conditions, marked by the steps of one reconcile."""

    def __init__(self, service: Obj) -> None:
        self.entries: list[Obj] = [dict(c) for c in (service.get("status") or {}).get("conditions") or ()]
        if not self.entries:
            for type_ in ("Ready", "RouterReady", "WorkloadsReady"):
                set_condition(self.entries, type_, "Unknown")

    def mark(self, type_: str, status: str, reason: str = "", message: str = "") -> None:
        """Set one condition; Info severity is for those that do not count for Ready."""
        set_condition(self.entries, type_, status, reason, message)

    def drop(self, *types: str) -> None:
        """Conditions of what is not configured are not there."""
        self.entries = [c for c in self.entries if c["type"] not in types]

    def follow(self, type_: str, deployment: Obj | None) -> None:
        """A workload condition repeats its Deployment's Available, whatever the cause."""
        available = condition(deployment or {}, "Available")
        if available is None:
            self.mark(type_, "False", "Progressing", "Deployment is progressing")
        elif available["status"] == "True":
            self.mark(type_, "True")
        else:
            self.mark(type_, "False", available["reason"], available["message"])

    def conclude(self) -> None:
        """WorkloadsReady and RouterReady take the first False below them, Ready the first of those two."""
        self._first_false("WorkloadsReady", _WORKLOAD)
        self._first_false("RouterReady", _ROUTER)
        self._first_false("Ready", ("WorkloadsReady", "RouterReady"))

    def _first_false(self, type_: str, below: tuple[str, ...]) -> None:
        found = [c for t in below if (c := next((e for e in self.entries if e["type"] == t), None)) is not None]
        bad = next((c for c in found if c["status"] == "False"), None)
        if bad is not None:
            self.mark(type_, "False", bad.get("reason", ""), bad.get("message", ""))
        elif found and all(c["status"] == "True" for c in found):
            self.mark(type_, "True")
        else:
            self.mark(type_, "Unknown")

    def sorted(self) -> list[Obj]:
        """By type, as Knative's condition manager keeps them."""
        return sorted(self.entries, key=lambda c: str(c["type"]))
