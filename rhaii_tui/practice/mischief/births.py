"""Faults that hit replicas at their birth: one replica is restarted, so that a running service shows them too."""

from __future__ import annotations

import asyncio
from typing import Any

from rhaii_tui.practice.actors.kserve_workload import STORAGE_SECRET, TOKEN_KEY
from rhaii_tui.practice.actors.objects import Obj, annotations_of, is_true, key_of
from rhaii_tui.practice.mischief.acts import Act


class Birth(Act):
    """Restarts one Ready replica of each service when the fault begins; the birth itself is others' work."""

    def __init__(self, *args: Any, tpu_only: bool = False) -> None:
        super().__init__(*args)
        self._tpu_only = tpu_only

    async def run(self) -> None:
        for service in self.services():
            if self._tpu_only and "google.com/tpu" not in str(service["spec"].get("template")):
                continue
            ready = [p for p in self.replicas(service) if is_true(p, "Ready")]
            if ready:
                self.before(service, ready[0])
                self.restart(ready[:1])
        await asyncio.Event().wait()

    def before(self, service: Obj, pod: Obj) -> None:
        """What else happens before the restart."""


class ColdPull(Birth):
    """The kubelet has thrown the image away meanwhile, as it does when disks fill up: it must be pulled again."""

    def before(self, service: Obj, pod: Obj) -> None:
        self.world.faults.strike(self.fault, "node", str(pod["spec"]["nodeName"]))


class WrongSecretKey(Act):
    """Somebody renames the key of the token's Secret; running replicas are made anew, and download without it."""

    kinds = ("Secret", "LLMInferenceService")

    async def run(self) -> None:
        self.strike()
        for service in self.services():
            deployment = self.deployment(service)
            if deployment is not None and any(is_true(p, "Ready") for p in self.replicas(service)):
                self.store.delete("Deployment", *key_of(deployment))
        await super().run()

    def strike(self) -> None:
        for service in self.services():
            name = annotations_of(service).get(STORAGE_SECRET)
            secret = self.store.get("Secret", service["metadata"]["namespace"], name) if name else None
            held = (secret or {}).get("data") or {}
            if secret is not None and TOKEN_KEY in held and self.first_time(secret):
                renamed = {("hf_token" if key == TOKEN_KEY else key): value for key, value in held.items()}
                self.edits.change(secret, ("data",), renamed)
