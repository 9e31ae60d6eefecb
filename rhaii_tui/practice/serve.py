"""Assemble a practice cloud, say where it is in one JSON line, and serve until stopped."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from aiohttp import web

from rhaii_tui.practice import credentials, environment, registry
from rhaii_tui.practice.clock import CloudClock
from rhaii_tui.practice.control import Control
from rhaii_tui.practice.control_planes import ControlPlanes
from rhaii_tui.practice.google.app import GoogleCloud
from rhaii_tui.practice.kubeconfig import write_kubeconfig
from rhaii_tui.practice.lifetime import Lifetime
from rhaii_tui.practice.listener import Listener
from rhaii_tui.practice.neighbours import Neighbours
from rhaii_tui.practice.traffic.gateway import Traffic
from rhaii_tui.practice.world import PROJECT, World

DEFAULT_SPEED = 60.0


class PracticeCloud:
    """One practice cloud in one process. Everything it writes lies in its private folder."""

    def __init__(self, folder: Path, rate: float, *, served: bool) -> None:
        self._folder = folder
        self._served = served
        self._lock = registry.hold(folder)
        self.world = World(folder, CloudClock(rate), credentials.new_token())
        self._parts = contextlib.AsyncExitStack()

    async def start(self) -> dict[str, Any]:
        """Open every port and write the files. Returns the descriptor's content."""
        folder, world = self._folder, self.world
        token_file = credentials.write_private(folder / "token", world.token + "\n")
        kubeconfig = folder / "kubeconfig"
        programs = credentials.write_auth_plugin(folder, token_file)
        write_kubeconfig(world, kubeconfig)

        world.traffic = Traffic(world)
        self._parts.push_async_callback(world.traffic.stop)
        await world.traffic.start()
        planes = ControlPlanes(world, kubeconfig)
        self._parts.push_async_callback(planes.close_all)
        apis = GoogleCloud(world, planes)
        self._parts.push_async_callback(apis.stop)
        google = await self._listen(apis.app)
        control = await self._listen(Control(world, apis.requests).app)
        neighbours = Neighbours(world, apis.engine)
        self._parts.push_async_callback(neighbours.stop)
        await neighbours.move_in()
        values = environment.variables(google, environment.prepare_gcloud(folder), kubeconfig, programs)
        env_file = credentials.write_private(folder / "env", environment.as_exports(values))
        description = {
            "id": folder.name,
            "pid": os.getpid(),
            "rate": world.clock.rate,
            "served": self._served,
            "started": time.time(),
            "project": PROJECT,
            "google": google,
            "control": control,
            "gateway": world.gateway_url,
            "kubeconfig": str(kubeconfig),
            "env_file": str(env_file),
            "token_file": str(token_file),
            "pull_secret_file": str(credentials.write_pull_secret(folder)),
            "hf_token_file": str(credentials.write_hf_token(folder)),
            "operators": {
                "command": [sys.executable, "-m", "rhaii_tui.practice.xks", "deploy-all"],
                "directory": str(folder),
            },
            "descriptor": str(folder / registry.DESCRIPTOR),
        }
        credentials.write_private(folder / registry.DESCRIPTOR, json.dumps(description, indent=2) + "\n")
        return description

    async def _listen(self, app: web.Application) -> str:
        listener = Listener(app)
        self._parts.push_async_callback(listener.stop)
        return await listener.start()

    async def stop(self) -> None:
        """Close every port and remove every file."""
        try:
            await self._parts.aclose()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._lock.close()


async def serve(folder: Path, rate: float, *, parent: int | None = None) -> None:
    """Run a cloud in `folder` until a signal, or until `parent` is gone. Prints its one JSON line on stdout."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    lifetime = Lifetime()
    lifetime.end_on_signals()
    if parent is not None:
        lifetime.end_with_parent(parent)
    cloud = PracticeCloud(folder, rate, served=parent is None)
    try:
        print(json.dumps(await cloud.start()), flush=True)
        await lifetime.ended.wait()
    finally:
        await cloud.stop()


def main(arguments: list[str] | None = None) -> None:
    """The command line of `python -m rhaii_tui.practice`."""
    parser = argparse.ArgumentParser(prog="python -m rhaii_tui.practice")
    command = parser.add_subparsers(dest="command", required=True).add_parser("serve")
    command.add_argument("--speed", type=speed, default=DEFAULT_SPEED, help="cloud seconds per wall second")
    command.add_argument("--folder", type=Path, help="private folder made by the parent")
    command.add_argument("--parent-pid", type=int, help="end with this process")
    options = parser.parse_args(arguments)
    folder = options.folder or registry.new_folder(registry.state_home(os.environ))
    asyncio.run(serve(folder, options.speed, parent=options.parent_pid))


def speed(text: str) -> float:
    """A finite rate of at least 1 cloud second per wall second. Raises ValueError."""
    value = float(text)
    if not 1.0 <= value <= 10_000.0:
        raise ValueError("the speed must lie between 1 (real time) and 10000")
    return value
