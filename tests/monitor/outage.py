"""An API server that is gone for a while: what is watched meanwhile, and what must be there afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from awaiting import until

from rhaii_tui.kube.kinds import KINDS
from rhaii_tui.monitor import history
from rhaii_tui.monitor.logs import ContainerLogs
from rhaii_tui.monitor.monitor import Monitor
from rhaii_tui.monitor.state import MonitorState

Obj = dict[str, Any]


@asynccontextmanager
async def gone(control: str) -> AsyncIterator[None]:
    """The listener is closed for as long as the block lasts."""
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.post(f"{control}/faults/api-restart", json={"on": True})
        try:
            yield
        finally:
            await client.post(f"{control}/faults/api-restart", json={"on": False})


async def ask(state: MonitorState, count: int) -> None:
    """Completions through the gateway: they need no API server, and every one leaves a line in an engine's log."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        for number in range(count):
            body = {"model": state.model, "prompt": f"Line {number} of a poem", "max_tokens": 4}
            answer = await client.post(f"{state.url}/v1/completions", json=body)
            assert answer.status_code == 200, answer.text


class Sight:
    """What a monitor shows from before an outage on."""

    def __init__(self, monitor: Monitor, before: MonitorState) -> None:
        self.monitor = monitor
        self.before = before
        self.logs = ContainerLogs(monitor.cluster)
        self._streams = [
            (replica.pod, self.logs.open(monitor.namespace, replica.pod, "main")) for replica in before.replicas
        ]

    def stays(self) -> None:
        """Now, in the middle of it: since when is said, and the last word of everything is kept."""
        state, before = self.monitor.state, self.before
        assert state.state == "unknown", state.why
        assert state.lost_since is not None
        assert [r.uid for r in state.replicas] == [r.uid for r in before.replicas]
        for replica in state.replicas:
            assert replica.figures.lost_since is not None
            assert replica.figures.running is not None
            assert replica.figures.kv_usage is not None
        assert state.cost.per_hour == before.cost.per_hour
        assert len(state.nodes) == len(before.nodes)
        assert {e.uid for e in before.events} <= {e.uid for e in state.events}

    async def caught_up(self) -> MonitorState:
        """Afterwards: live again, equal to what the server holds."""
        monitor = self.monitor
        state = await until(monitor, lambda s: s.state == "ready" and s.lost_since is None
                            and s.total.counted == len(s.replicas))  # fmt: skip
        async with asyncio.timeout(30):
            while wrong := await self._different():
                print(f"not yet equal: {wrong}")
        return state

    async def _different(self) -> list[str]:
        """Collections that are not what the server lists, by name."""
        wrong = []
        for name, held in self.monitor.collections.items():
            path = KINDS[held.kind].path(held.namespace)
            if held.kind == "Event" and held.namespace != "default" and len(held.objects) >= 500:
                continue  # only the newest are kept
            items, _ = await self.monitor.cluster.listing(path, held.selectors)
            there = {o["metadata"]["uid"]: o["metadata"]["resourceVersion"] for o in items}
            here = {uid: o["metadata"]["resourceVersion"] for uid, o in held.objects.items()}
            if there != here:
                wrong.append(name)
        return wrong

    async def lines(self) -> list[tuple[str, list[str], list[str]]]:
        """Per replica: what the server still has of its log, and what was read; the same unless something was lost."""
        found = []
        for pod, stream in self._streams:
            path = KINDS["Pod"].path(self.monitor.namespace, pod, "log")
            text = await self.monitor.cluster.text(path, [("container", "main"), ("tailLines", "2000")])
            read = [line for line in self.logs.book.lines(stream) if not line.startswith("-- ")]
            found.append((pod, text.splitlines(), read))
        return found

    def unseen_seconds(self, now: float, seconds: int) -> int:
        """Cells of the first replica's strip in the last `seconds` that say "not live"."""
        cells = self.monitor.history.cells(self.before.replicas[0].pod, "load", now, seconds)
        return sum(cell.sign == history.NOT_LIVE for cell in cells)
