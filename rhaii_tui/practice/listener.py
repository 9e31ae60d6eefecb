"""An HTTP server of the practice cloud: one aiohttp application on an ephemeral loopback port."""

from __future__ import annotations

from aiohttp import web

HOST = "127.0.0.1"


class Listener:
    """Opens and closes one plain-HTTP port."""

    def __init__(self, app: web.Application) -> None:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)

    async def start(self) -> str:
        """Open the port; returns the base URL without a slash."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, 0)
        await site.start()
        port = self._runner.addresses[0][1]
        return f"http://{HOST}:{port}"

    async def stop(self) -> None:
        """Close the port and every connection."""
        await self._runner.cleanup()
