"""Named faults, switched at run time over the control path; whoever imitates a part asks `faults.on(name)`.

A fault must act on whatever happens while it is on, and stop acting when it is lifted; what it broke heals as in life.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """`where` is the part of the cloud that misbehaves."""

    name: str
    where: str
    summary: str


CATALOGUE: tuple[Fault, ...] = (
    Fault("gpu-quota-zero", "compute", "The region's NVIDIA_T4_GPUS limit is 0; pool creation is refused."),
    Fault("gpus-all-regions-zero", "compute", "The global GPU limit is 0: pool operations find it out and fail."),
    Fault("tpu-quota-unset", "compute", "The TPU v6e quota is unset, so 0 chips: pool operations fail."),
    Fault("quotas-unknown", "compute", "Quota lists come back empty, with a warning."),
    Fault("stockout", "compute", "No accelerator machines to be had: pool operations keep running, holding the lock."),
    Fault("permission-missing", "iam", "The account lacks container.clusters.create and .update."),
    Fault("api-disabled", "gke", "The Kubernetes Engine API is disabled in the project."),
    Fault("pull-secret-bad", "registry", "registry.redhat.io answers 401 to every pull of an engine image."),
    Fault("hf-token-missing", "model hub", "The model download answers 401 Unauthorized."),
    Fault("api-503-burst", "kubernetes", "The Kubernetes API answers two of three requests with a 503 HTML page."),
    Fault("watch-410", "kubernetes", "Every watch is ended with 410 Expired a moment after it starts."),
    Fault("api-restart", "kubernetes", "The Kubernetes API is down: connections are cut and refused until lifted."),
    Fault("epp-dead", "gateway", "The endpoint picker does not answer; the pool fails open."),
)


class Faults:
    """Which faults are on. `changed` is notified on every switch."""

    def __init__(self) -> None:
        self._on: set[str] = set()
        self.changed = asyncio.Condition()

    def on(self, name: str) -> bool:
        """Whether a fault is on."""
        return name in self._on

    async def switch(self, name: str, on: bool) -> None:
        """Turn a fault on or off. Raises KeyError for a name that is not in the catalogue."""
        if name not in {f.name for f in CATALOGUE}:
            raise KeyError(name)
        async with self.changed:
            (self._on.add if on else self._on.discard)(name)
            self.changed.notify_all()

    def active(self) -> tuple[str, ...]:
        """The names that are on, sorted."""
        return tuple(sorted(self._on))
