"""One practice cluster: its store, its logs, and the TLS listener in front of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from rhaii_tui.practice.kube.certificates import authority
from rhaii_tui.practice.kube.podlogs import PodLogs
from rhaii_tui.practice.kube.store import Store

if TYPE_CHECKING:
    from rhaii_tui.practice.world import World


class KubeCluster:
    """A Kubernetes cluster on loopback. `address` ("127.0.0.1:PORT") is set by `start` and kept from then on."""

    def __init__(self, world: World, name: str, location: str) -> None:
        self.world, self.name, self.location = world, name, location
        self.store, self.logs = Store(), PodLogs()
        # Called with every object that is created or changed through the API, before it is stored: each may edit it,
        # or raise StatusError to refuse it.
        self.admission: list[Callable[[dict[str, Any]], None]] = []
        self.address = ""
        self._authority = authority(name)
        self.ca_pem: bytes = self._authority.ca_pem
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Open the listener: on a free port the first time, on the same one later."""
        port = int(self.address.rpartition(":")[2]) if self.address else 0
        runner = web.AppRunner(web.Application(), handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=self._authority.server_context()).start()
        self._runner = runner
        self.address = f"127.0.0.1:{runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Close the listener and cut its connections; the objects live on."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()
