"""A container's main process, as far as its kubelet and its log can see it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rhaii_tui.practice.actors.objects import Obj

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster
    from rhaii_tui.practice.world import World


@dataclass(frozen=True)
class Place:
    """Where a process runs. `pod` is the pod when the process started; `pace` (about 1) tells replicas apart."""

    world: World
    cluster: KubeCluster
    pod: Obj
    container: Obj
    pace: float = 1.0

    @property
    def uid(self) -> str:
        return str(self.pod["metadata"]["uid"])

    def log(self, text: str) -> None:
        """One line of the container's log."""
        self.cluster.logs.write(self.uid, self.container["name"], text)

    async def work(self, seconds: float) -> None:
        """Let cloud seconds of work pass, at this replica's own pace."""
        await self.world.clock.sleep(seconds * self.pace)


class Process:
    """`listening` maps a port to "http", "https" or "grpc"; `paths` to the answer codes of its HTTP paths."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.listening: dict[int, str] = {}
        self.paths: dict[str, int] = {}
        self.changed = asyncio.Event()

    async def main(self) -> int:
        """Run until the end. Returns the exit code; 137 means killed for memory."""
        raise NotImplementedError

    async def terminate(self) -> int:
        """End after SIGTERM, within the grace period. Returns the exit code."""
        await self.place.world.clock.sleep(1.0)
        return 0

    def listen(self, port: int, scheme: str, paths: dict[str, int] | None = None) -> None:
        """Open a port; probes notice at once."""
        self.listening[port] = scheme
        self.paths |= paths or {}
        self.changed.set()

    def close(self) -> None:
        """Close every port."""
        self.listening.clear()
        self.changed.set()

    async def forever(self) -> None:
        """Serve until terminated."""
        await asyncio.Event().wait()
