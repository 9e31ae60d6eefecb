"""Nodes Ready with the accelerator allocatable: only then the pool is worth its price."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

from rhaii_tui.catalog.accelerators import accelerator_facts
from rhaii_tui.catalog.findings import Finding
from rhaii_tui.catalog.shapes import Accelerator
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import RunContext, evidence, finished, progressed
from rhaii_tui.deployment.failures import failure
from rhaii_tui.deployment.observe import watch_until
from rhaii_tui.deployment.patience import patiently
from rhaii_tui.deployment.step import Probe
from rhaii_tui.kube import nodes

LIMIT = 900.0
"""Cloud seconds after the pool runs: driver and device plugin take 2 to 5 minutes."""


class AcceleratorsStep:
    """Watches Node objects; changes nothing."""

    id = "accelerators"

    async def probe(self, run: RunContext) -> Probe:
        """How many nodes are there with what they are for."""
        found = await patiently(
            run, self.id, "kubernetes", lambda: run.kube.items("Node", labels=nodes.in_pool(run.target.pool))
        )
        good = [n for n in found if _usable(run, n)]
        if len(good) >= run.target.replicas:
            return Probe("already", _count(run, len(good)), (evidence("Nodes", _count(run, len(good))),))
        return Probe("needed")

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        """Wait until there are as many as replicas."""
        if run.target.provisioning == "flex-start":
            note = "flex-start grants nodes only once pods ask for them: the replicas step waits for them"
            yield e.StepSkipped(at=time.time(), step=self.id, note=note)
            return
        told = -1

        def judge(found: list[dict[str, Any]]) -> int | None:
            nonlocal told
            good = sum(_usable(run, n) for n in found)
            if good != told:
                told = good
                run.record(progressed(self.id, _count(run, good), good, run.target.replicas, "nodes"))
            return good if good >= run.target.replicas else None

        good = await watch_until(
            run,
            "Node",
            None,
            judge,
            labels=nodes.in_pool(run.target.pool),
            limit=LIMIT,
            late=lambda found: _late(run, found),
        )
        yield finished(self.id, _count(run, good), evidence("Nodes", _count(run, good)))


def _usable(run: RunContext, node: dict[str, Any]) -> bool:
    facts = accelerator_facts(run.target.accelerator)
    return bool(nodes.usable([nodes.read(node, facts.resource)], facts.units_per_node))


def _count(run: RunContext, good: int) -> str:
    facts = accelerator_facts(run.target.accelerator)
    return f"{good} of {run.target.replicas} nodes Ready with {facts.resource} {facts.units_per_node}"


def _late(run: RunContext, found: list[dict[str, Any]]) -> Finding:
    facts = accelerator_facts(run.target.accelerator)
    states = [nodes.read(n, facts.resource) for n in found]
    lines = [f"{n.name}: {n.reason or 'Ready'}; allocatable {facts.resource} {n.allocatable}" for n in states]
    gpu = run.target.accelerator is Accelerator.GPU_T4
    return failure(
        "accelerators.missing",
        run.target.pool,
        f"After {LIMIT / 60:.0f} minutes {_count(run, sum(_usable(run, n) for n in found))}.",
        meaning="The nodes are billed but their accelerators cannot be used yet."
        + (" GKE's own device plugin has failed with CDI errors on 1.34." if gpu else ""),
        remediation="Retry goes on waiting."
        + (" Look at the device plugin: kubectl -n kube-system get pods -l k8s-app=nvidia-gpu-device-plugin" * gpu),
        raw="\n".join(lines) or "no node of this pool has registered",
        category="kubernetes",
    )
