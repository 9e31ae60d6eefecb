"""Probes: when the kubelet asks, what it concludes, and its words when it fails.

A probe that passes is not repeated until the process says that something changed: a healthy cloud idles.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from rhaii_tui.practice.actors.objects import Obj

if TYPE_CHECKING:
    from rhaii_tui.practice.actors.processes.base import Process
    from rhaii_tui.practice.clock import CloudClock

KINDS = {"startupProbe": "Startup", "readinessProbe": "Readiness", "livenessProbe": "Liveness"}


def check(probe: Obj, process: Process, container: Obj, ip: str) -> str:
    """Ask once. Returns "" for a pass, otherwise the kubelet's text."""
    if "httpGet" in probe:
        return _http(probe["httpGet"], process, container, ip)
    if "grpc" in probe:
        port = int(probe["grpc"]["port"])
        if process.listening.get(port) == "grpc":
            return ""
        limit = probe.get("timeoutSeconds", 1)
        return f'timeout: failed to connect service "{ip}:{port}" within {limit}s: context deadline exceeded'
    if "tcpSocket" in probe:
        port = _port(probe["tcpSocket"]["port"], container)
        return "" if port in process.listening else f"dial tcp {ip}:{port}: connect: connection refused"
    return ""


def _http(get: Obj, process: Process, container: Obj, ip: str) -> str:
    port, path = _port(get["port"], container), str(get.get("path", "/"))
    scheme = str(get.get("scheme", "HTTP")).lower()
    head = f'Get "{scheme}://{ip}:{port}{path}": '
    served = process.listening.get(port)
    if served is None:
        return f"{head}dial tcp {ip}:{port}: connect: connection refused"
    if scheme == "https" and served == "http":
        return f"{head}http: server gave HTTP response to HTTPS client"
    if scheme == "http" and served != "http":
        return f"{head}EOF"
    code = process.paths.get(path, process.paths.get("*", 404))
    return "" if 200 <= code < 400 else f"HTTP probe failed with statuscode: {code}"


def _port(port: object, container: Obj) -> int:
    for entry in container.get("ports") or ():
        if entry.get("name") == port:
            return int(entry["containerPort"])
    return int(str(port)) if str(port).isdigit() else 0


class Prober:
    """Runs one container's probes. `report` gets ("Startup", text) per failure; `ready` each change of readiness."""

    def __init__(
        self,
        clock: CloudClock,
        process: Process,
        container: Obj,
        ip: str,
        *,
        report: Callable[[str, str], None],
        started: Callable[[], None],
        ready: Callable[[bool], None],
    ) -> None:
        self._clock, self._process, self._container, self._ip = clock, process, container, ip
        self._report, self._started, self._ready = report, started, ready

    async def run(self) -> str:
        """Probe until the container must be killed. Returns the kind of the probe that decided it, in lower case."""
        startup = self._container.get("startupProbe")
        if startup and not await self._until_passed(startup):
            return "startup"
        self._started()
        async with asyncio.TaskGroup() as group:
            readiness = group.create_task(self._readiness())
            await self._liveness()
            readiness.cancel()
        return "liveness"

    async def _attempt(self, field: str, probe: Obj) -> bool:
        text = check(probe, self._process, self._container, self._ip)
        if text:
            self._report(KINDS[field], text)
        return not text

    async def _until_passed(self, probe: Obj) -> bool:
        await self._clock.sleep(probe.get("initialDelaySeconds", 0))
        for _ in range(probe.get("failureThreshold", 3)):
            if await self._attempt("startupProbe", probe):
                return True
            await self._clock.sleep(probe.get("periodSeconds", 10))
        return False

    async def _readiness(self) -> None:
        probe = self._container.get("readinessProbe")
        if not probe:
            self._ready(True)
            return
        await self._clock.sleep(probe.get("initialDelaySeconds", 0))
        period, misses, ready = probe.get("periodSeconds", 10), 0, False
        while True:
            if await self._attempt("readinessProbe", probe):
                misses = 0
                if not ready:
                    ready = True
                    self._ready(True)
                await self._steady()
            else:
                misses += 1
                if ready and misses >= probe.get("failureThreshold", 3):
                    ready = False
                    self._ready(False)
            await self._clock.sleep(period)

    async def _liveness(self) -> None:
        probe = self._container.get("livenessProbe")
        if not probe:
            await asyncio.Event().wait()
            return
        await self._clock.sleep(probe.get("initialDelaySeconds", 0))
        misses = 0
        while misses < probe.get("failureThreshold", 3):
            if await self._attempt("livenessProbe", probe):
                misses = 0
                await self._steady()
            else:
                misses += 1
            await self._clock.sleep(probe.get("periodSeconds", 10))

    async def _steady(self) -> None:
        """Wait until the process changes."""
        self._process.changed.clear()
        await self._process.changed.wait()
