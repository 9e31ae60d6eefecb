"""The pool's autoscaler: switched off so that a stop lasts, and given back as it was by the wake."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import RunContext, evidence, finished
from rhaii_tui.deployment.google_operation import Request
from rhaii_tui.deployment.patience import patiently
from rhaii_tui.deployment.step import Probe
from rhaii_tui.google.values import PoolInfo
from rhaii_tui.operations.change_of import change_of
from rhaii_tui.operations.google_change import change

LIMIT = 600.0
"""Cloud seconds; it is a field of the pool, changed within seconds unless the cluster works on something else."""


class AutoscalerStep:
    """`on` False: off, remembered before it is touched. `on` True: on again with the settings the plan knows."""

    id = "autoscaler"

    def __init__(self, *, on: bool) -> None:
        self._on = on

    async def probe(self, run: RunContext) -> Probe:
        """Already, when it is as wanted."""
        info = await self._look(run)
        seen = evidence(f"node pool {run.target.pool}", f"autoscaling {info.scaling or 'off'}")
        if info.autoscaled == self._on:
            if self._on:
                # Somebody has given it back before us: a later wake must not do so again after they switch it off.
                run.record(self._note(run, info.scaling))
            return Probe("already", "on" if self._on else "off", (seen,))
        return Probe("needed", evidence=(seen,))

    def _note(self, run: RunContext, scaling: dict[str, int | str]) -> e.Event:
        target = run.target
        return e.AutoscalerSwitched(
            at=time.time(), step=self.id, cluster=target.cluster, pool=target.pool, enabled=self._on, scaling=scaling
        )

    async def _look(self, run: RunContext) -> PoolInfo:
        target = run.target
        return await patiently(
            run, self.id, "google", lambda: run.gke.get_node_pool(target.zone, target.cluster, target.pool)
        )

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        """Switch it."""
        target = run.target
        scaling = change_of(run).scaling if self._on else (await self._look(run)).scaling
        note = self._note(run, scaling)
        if not self._on:
            yield note

        async def done() -> bool:
            return (await self._look(run)).autoscaled == self._on

        request = Request(
            step=self.id,
            action="autoscale",
            kind="NodePool",
            name=f"{target.cluster}/{target.pool}",
            path=f"clusters/{target.cluster}/nodePools/{target.pool}",
            settled=done,
            send=lambda: run.gke.set_node_pool_autoscaling(
                target.zone, target.cluster, target.pool, scaling if self._on else None
            ),
            limit=LIMIT,
        )
        async for event in change(run, request):
            yield event
        if self._on:
            yield note
        words = ", ".join(f"{name} {value}" for name, value in scaling.items())
        yield finished(self.id, f"{'on' if self._on else 'off; was'} {words}".rstrip())
