"""Lets an update pass a full pool: one replica fewer until it has finished, then all are asked for again.

How many there were stands in an annotation of the service, written and removed in the same patch as the number: whoever
is killed in between leaves word of it, and the next look anywhere finds it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from rhaii_tui.clock import Clock

Json = dict[str, Any]
ROLLED_FROM = "rhaii-tui/replicas-before-update"
"""Annotation of the LLMInferenceService: the replicas to be asked for again once its update has finished."""
UPDATE_CLOUD_SECONDS, UPDATE_LEAST = 1500.0, 20.0
"""How long one replica of an update may take to load, compile and become ready."""
HOPELESS = 2
"""Restarts after which a replica of an update is not waited for."""


def asked_for(service: Mapping[str, Any]) -> int:
    """spec.replicas of a service; 1 where it says nothing."""
    return int((service.get("spec") or {}).get("replicas", 1))


def owed(service: Mapping[str, Any] | None) -> int:
    """The replicas that an update of ours was let through without asking for them again; 0 when nothing is owed.

    Any other number than one fewer is somebody's wish, and stays.
    """
    notes = ((service or {}).get("metadata") or {}).get("annotations") or {}
    word = str(notes.get(ROLLED_FROM) or "")
    before = int(word) if word.isdecimal() else 0
    return before if service is not None and before and asked_for(service) == before - 1 else 0


def noted(service: Mapping[str, Any]) -> bool:
    """Whether an update of ours has left its note."""
    return ROLLED_FROM in (service["metadata"].get("annotations") or {})


def fewer(service: Mapping[str, Any]) -> Json:
    """The merge patch that takes one replica away and notes it; refused by the server when the service changed."""
    replicas = asked_for(service)
    return _patch(service, str(replicas), replicas - 1)


def all_again(service: Mapping[str, Any]) -> Json:
    """The merge patch that asks for what is owed and takes the note away; only the note where nothing is owed."""
    return _patch(service, None, owed(service) or None)


def _patch(service: Mapping[str, Any], note: str | None, replicas: int | None) -> Json:
    version = service["metadata"].get("resourceVersion")
    body: Json = {"metadata": {"annotations": {ROLLED_FROM: note}, "resourceVersion": version}}
    return body if replicas is None else body | {"spec": {"replicas": replicas}}


class Update:
    """Waits for a Deployment's update while its service is one replica short."""

    def __init__(
        self, clock: Clock, replicas: int, look: Callable[[], Awaitable[tuple[Json | None, Json | None, list[Json]]]]
    ) -> None:
        """`look` reads the service, its Deployment and the pods of the Deployment's newest template."""
        self._clock = clock
        self._replicas = replicas
        self._look = look

    async def finished(self) -> str:
        """Until all replicas are of the newest template: "", or why they will not be."""
        deadline = time.monotonic() + max(self._clock.wall(UPDATE_CLOUD_SECONDS * self._replicas), UPDATE_LEAST)
        while True:
            service, deployment, newest = await self._look()
            if service is None:
                return "The service was deleted while its update ran."
            if not owed(service):
                return f"Somebody asked for {asked_for(service)} replicas meanwhile; it stays so."
            if deployment is not None and _rolled(deployment, self._replicas - 1):
                return ""
            if ill := [p for p in newest if _crashes(p)]:
                name = ill[0]["metadata"]["name"]
                return f"The update's own replica {name} ends again and again; the others stay."
            if time.monotonic() > deadline:
                return "The update did not finish in time with one replica fewer; look at its newest pod."
            await self._clock.sleep(5, least=0.2)


def _rolled(deployment: Mapping[str, Any], replicas: int) -> bool:
    """Whether a Deployment of this size has only replicas of its newest template, all of them ready."""
    state, meta = deployment.get("status") or {}, deployment["metadata"]
    if int((deployment.get("spec") or {}).get("replicas") or 0) != replicas:
        return False
    seen = int(state.get("observedGeneration") or 0) >= int(meta.get("generation") or 0)
    counts = [int(state.get(k) or 0) for k in ("replicas", "updatedReplicas", "readyReplicas")]
    return seen and counts == [replicas] * 3


def _crashes(pod: Mapping[str, Any]) -> bool:
    state = pod.get("status") or {}
    every = [*(state.get("initContainerStatuses") or []), *(state.get("containerStatuses") or [])]
    return any(int(c.get("restartCount") or 0) >= HOPELESS for c in every)
