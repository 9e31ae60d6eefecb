"""What the conditions of gateway, route, pool, service and deployment say, and when they are out of date.

Ready is only said of the object's present generation; a missing or stale condition is unknown, never green.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rhaii_tui.serving.reasons import meaning_of

Json = Mapping[str, Any]
State = Literal["ready", "not ready", "unknown"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One condition. `status` is True, False or Unknown; a stale one is told as Unknown, its old value in `message`."""

    kind: str
    name: str
    condition: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str
    stale: bool

    @property
    def meaning(self) -> str:
        """What the reason means and what to look at; empty for reasons that explain themselves."""
        return meaning_of(self.condition, self.reason)


@dataclass(frozen=True, slots=True)
class Readiness:
    """`why` names what is missing or what was seen; `address` is the gateway's address or the service's URL."""

    state: State
    why: str
    address: str = ""

    @property
    def is_ready(self) -> bool:
        """True only when everything needed was read and says so."""
        return self.state == "ready"


def readings(obj: Json) -> tuple[Reading, ...]:
    """The object's own conditions; routes and pools keep theirs per parent (`parent_readings`)."""
    state = obj.get("status") or {}
    return tuple(_reading(obj, c, state.get("observedGeneration")) for c in state.get("conditions") or [])


def parent_readings(obj: Json) -> tuple[tuple[str, tuple[Reading, ...]], ...]:
    """Per parent of an HTTPRoute or InferencePool: `namespace/name` and its conditions.

    An entry without Accepted may come from a policy controller and is left out.
    """
    found = []
    for parent in (obj.get("status") or {}).get("parents") or []:
        conditions = parent.get("conditions") or []
        if any(c.get("type") == "Accepted" for c in conditions):
            found.append((_parent_key(obj, parent.get("parentRef") or {}), tuple(_reading(obj, c) for c in conditions)))
    return tuple(found)


def gateway(obj: Json | None) -> Readiness:
    """Programmed and with an address."""
    if obj is None:
        return Readiness("not ready", "the Gateway does not exist")
    verdict = _need("Gateway", readings(obj), ("Accepted", "Programmed"))
    addresses = (obj.get("status") or {}).get("addresses") or []
    address = str(addresses[0].get("value") or "") if addresses else ""
    if verdict.is_ready and not address:
        return Readiness("not ready", "the Gateway has no address yet: its load balancer is being created")
    return Readiness(verdict.state, verdict.why, address)


def route(obj: Json | None) -> Readiness:
    """Every parent reference has an entry with Accepted and ResolvedRefs True, neither stale."""
    if obj is None:
        return Readiness("not ready", "the HTTPRoute does not exist")
    told = dict(parent_readings(obj))
    wanted = [_parent_key(obj, ref) for ref in (obj.get("spec") or {}).get("parentRefs") or []]
    if not wanted:
        return Readiness("unknown", "the HTTPRoute names no gateway")
    for key in wanted:
        if key not in told:
            return Readiness("not ready", f"gateway {key} has not answered for the HTTPRoute yet")
        verdict = _need(f"HTTPRoute at {key}", told[key], ("Accepted", "ResolvedRefs"))
        if not verdict.is_ready:
            return verdict
    return Readiness("ready", f"accepted by {', '.join(wanted)}")


def pool(obj: Json | None, gateways: Iterable[str] = ()) -> Readiness:
    """Accepted by each gateway in use (`namespace/name`; by at least one when none is named)."""
    if obj is None:
        return Readiness("not ready", "the InferencePool does not exist")
    told = dict(parent_readings(obj))
    wanted = list(gateways) or list(told)
    if not wanted:
        return Readiness("not ready", "no gateway has claimed the InferencePool yet")
    for key in wanted:
        if key not in told:
            return Readiness("not ready", f"gateway {key} has not claimed the InferencePool yet")
        verdict = _need(f"InferencePool at {key}", told[key], ("Accepted",))
        resolved = [r for r in told[key] if r.condition == "ResolvedRefs" and r.status == "False"]
        if verdict.is_ready and resolved:
            return Readiness("not ready", f"InferencePool at {key}: {words(resolved[0])}")
        if not verdict.is_ready:
            return verdict
    return Readiness("ready", f"accepted by {', '.join(wanted)}")


def deployment(obj: Json | None, replicas: int) -> Readiness:
    """All replicas ready and of the present generation. Available alone is not enough: it tolerates missing ones."""
    if obj is None:
        return Readiness("not ready", "the Deployment does not exist")
    state = obj.get("status") or {}
    if int(state.get("observedGeneration") or 0) < int((obj.get("metadata") or {}).get("generation") or 0):
        return Readiness("unknown", "the Deployment's status is about an older generation")
    ready = int(state.get("readyReplicas") or 0)
    told = {r.condition: r for r in readings(obj)}
    for name, bad in (("ReplicaFailure", "True"), ("Progressing", "False")):
        if name in told and told[name].status == bad:
            return Readiness("not ready", f"{ready}/{replicas} ready; {words(told[name])}")
    updated = int(state.get("updatedReplicas") or 0)
    if ready < replicas or updated < replicas:
        return Readiness("not ready", f"{ready}/{replicas} replicas ready, {updated} of this generation")
    return Readiness("ready", f"{ready}/{replicas} replicas ready")


def service(obj: Json | None) -> Readiness:
    """Ready and with a URL. Replicas must be counted separately: Ready may be True before all of them are.

    PresetsCombined is asked as well: in some releases it does not count for Ready.
    """
    if obj is None:
        return Readiness("not ready", "the LLMInferenceService does not exist")
    told = readings(obj)
    url = str((obj.get("status") or {}).get("url") or "")
    for reading in told:
        if reading.condition == "PresetsCombined" and reading.status == "False":
            return Readiness("not ready", words(reading), url)
    if all(r.condition != "Ready" for r in told):
        return Readiness("unknown", "the controller has not looked at the LLMInferenceService yet", url)
    verdict = _need("LLMInferenceService", told, ("Ready",))
    if verdict.state == "not ready":
        return Readiness("not ready", words(_cause(told)), url)
    if verdict.is_ready and not url:
        return Readiness("not ready", "the service has no URL yet", url)
    return Readiness(verdict.state, verdict.why, url)


def words(reading: Reading) -> str:
    """`InferencePoolReady=False WaitingForGateway: message`."""
    text = f"{reading.condition}={reading.status} {reading.reason}".rstrip()
    return f"{text}: {reading.message}" if reading.message else text


_CAUSES = (
    "PresetsCombined",
    "MainWorkloadReady",
    "WorkerWorkloadReady",
    "GatewaysReady",
    "SchedulerWorkloadReady",
    "HTTPRoutesReady",
    "InferencePoolReady",
    "WorkloadsReady",
    "RouterReady",
    "Ready",
)
"""From cause to symptom: the sums (WorkloadsReady, RouterReady, Ready) only repeat the first False below them."""


def _cause(told: Iterable[Reading]) -> Reading:
    bad = [r for r in told if r.status != "True"]
    return min(bad, key=lambda r: _CAUSES.index(r.condition) if r.condition in _CAUSES else len(_CAUSES))


def _need(what: str, told: Iterable[Reading], wanted: tuple[str, ...]) -> Readiness:
    by_type = {r.condition: r for r in told}
    for name in wanted:
        reading = by_type.get(name)
        if reading is None:
            return Readiness("not ready", f"{what}: {name} is not reported yet")
        if reading.stale:
            return Readiness("unknown", f"{what}: {name} is about an older generation")
        if reading.status == "Unknown":
            return Readiness("not ready", f"{what}: {words(reading)}")
        if reading.status == "False":
            return Readiness("not ready", f"{what}: {words(reading)}")
    return Readiness("ready", f"{what}: {', '.join(wanted)} True")


def _reading(obj: Json, condition: Json, observed: int | None = None) -> Reading:
    meta = obj.get("metadata") or {}
    seen = condition.get("observedGeneration", observed)
    stale = seen is not None and int(seen) < int(meta.get("generation") or 0)
    said = condition.get("status")
    status: Literal["True", "False", "Unknown"] = said if said in ("True", "False") and not stale else "Unknown"
    message = str(condition.get("message") or "")
    return Reading(
        kind=str(obj.get("kind") or ""),
        name=str(meta.get("name") or ""),
        condition=str(condition.get("type") or ""),
        status=status,
        reason=str(condition.get("reason") or ""),
        message=f"was {said} for an older generation. {message}".strip() if stale else message,
        stale=stale,
    )


def _parent_key(obj: Json, ref: Json) -> str:
    return f"{ref.get('namespace') or (obj.get('metadata') or {}).get('namespace', '')}/{ref.get('name', '')}"
