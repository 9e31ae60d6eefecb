"""Nodes that take no pods: those that we cordoned ourselves are given back when there are replicas for them again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from rhaii_tui.deployment.context import RunContext, evidence, finished, intends
from rhaii_tui.deployment.events import Event
from rhaii_tui.deployment.patience import patiently
from rhaii_tui.deployment.step import Probe
from rhaii_tui.kube.objects import name_of
from rhaii_tui.operations.change_of import change_of
from rhaii_tui.operations.pool_size import pool_nodes


class UncordonStep:
    """Done when none of the planned nodes is cordoned: the plan names only those that a journal of ours knows."""

    id = "uncordon"

    async def probe(self, run: RunContext) -> Probe:
        """Look at the nodes that are still there."""
        names = await self._cordoned(run)
        if not names:
            return Probe("already", "none is cordoned", (evidence("Nodes", "none of them spec.unschedulable"),))
        return Probe("needed", evidence=(evidence("Nodes", f"spec.unschedulable: {', '.join(names)}"),))

    async def act(self, run: RunContext) -> AsyncIterator[Event]:
        """Let pods come to them again."""
        names = await self._cordoned(run)
        for name in names:
            yield intends(self.id, "uncordon", "Node", name)
            await set_schedulable(run, self.id, name, True)
        yield finished(self.id, f"{len(names)} nodes uncordoned", evidence("Nodes", f"uncordoned {', '.join(names)}"))

    async def _cordoned(self, run: RunContext) -> list[str]:
        planned = change_of(run).uncordons
        return [name_of(n) for n in await pool_nodes(run, self.id) if is_cordoned(n) and name_of(n) in planned]


def is_cordoned(node: Mapping[str, Any]) -> bool:
    """Whether no pod is put on it any more."""
    return bool((node.get("spec") or {}).get("unschedulable"))


async def set_schedulable(run: RunContext, step: str, name: str, value: bool) -> None:
    """Cordon (False) or uncordon (True)."""
    body = {"spec": {"unschedulable": None if value else True}}
    await patiently(run, step, "kubernetes", lambda: run.kube.patch("Node", None, name, body))
