"""One practice cluster: its store, its logs, and the TLS listener in front of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from rhaii_tui.practice.kube.api import Api
from rhaii_tui.practice.kube.certificates import authority
from rhaii_tui.practice.kube.housekeeping import keep_house
from rhaii_tui.practice.kube.podlogs import PodLogs
from rhaii_tui.practice.kube.store import Store

if TYPE_CHECKING:
    from rhaii_tui.practice.world import World

# Wall seconds between attempts to get the port back after a restart.
REBIND = 0.1


class KubeCluster:
    """A Kubernetes cluster on loopback. `address` ("127.0.0.1:PORT") is set by `start` and kept from then on."""

    def __init__(self, world: World, name: str, location: str) -> None:
        self.world, self.name, self.location = world, name, location
        self.store, self.logs = Store(), PodLogs()
        # Called with every object that is created or changed through the API, before it is stored: each may edit it,
        # or raise StatusError to refuse it.
        self.admission: list[Callable[[dict[str, Any]], None]] = []
        self.address = ""
        self.watches: set[asyncio.Event] = set()
        # By uid, pods that still answer their last requests: these take real time, a grace period compressed time.
        self.draining: dict[str, asyncio.Event] = {}
        self._authority = authority(name)
        self.ca_pem: bytes = self._authority.ca_pem
        self._api = Api(self)
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Open the listener: on a free port the first time, on the same one later."""
        await self._open()
        self._tasks = [asyncio.create_task(self._obey_faults()), asyncio.create_task(keep_house(self))]

    async def stop(self) -> None:
        """Close the listener and cut its connections; the objects live on."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._close()

    async def _open(self) -> None:
        port = int(self.address.rpartition(":")[2]) if self.address else 0
        runner = web.AppRunner(self._api.application(), handler_cancellation=True, shutdown_timeout=0.05)
        await runner.setup()
        context = self._authority.server_context()
        while True:
            try:
                await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context, backlog=512).start()
                break
            except OSError:
                if not port:
                    raise
                await asyncio.sleep(REBIND)
        self._runner = runner
        self.address = f"127.0.0.1:{runner.addresses[0][1]}"

    async def _close(self) -> None:
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    async def _obey_faults(self) -> None:
        """Be down while "api-restart" is on; let open watches see every switch."""
        faults = self.world.faults
        while True:
            down = faults.on("api-restart")
            for event in self.watches:
                event.set()
            if down and self._runner is not None:
                await self._close()
            elif not down and self._runner is None:
                with contextlib.suppress(OSError):
                    await self._open()
            async with faults.changed:
                if faults.on("api-restart") == down and (self._runner is None) == down:
                    await faults.changed.wait()
