"""The operators' installer as a tree of real processes: none is left behind, and none is started beside another."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rhaii_tui.catalog.target import Target
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment import installer
from rhaii_tui.deployment.context import RunContext
from rhaii_tui.deployment.logbook import LogBook
from rhaii_tui.deployment.state import RunState
from rhaii_tui.deployment.step import StepStopped
from rhaii_tui.deployment.steps.operators import OperatorsStep
from rhaii_tui.endpoints import practice_cloud
from rhaii_tui.kube.connect import Cluster

TREE = ("sh", "-c", "sleep 600 & echo $! > child; echo begun; wait")
STUBBORN = ("sh", "-c", "trap '' TERM; echo begun; while :; do sleep 1; done")
WATCHES = """
import asyncio, os, pathlib, sys
from rhaii_tui.deployment import installer
folder = pathlib.Path(sys.argv[1])
async def watch():
    async with installer.started(folder, tuple(sys.argv[2:]), folder, os.environ) as process:
        print((await process.stdout.readline()).decode().strip(), flush=True)
        await process.wait()
asyncio.run(watch())
"""


def lives(pid: int) -> bool:
    """Whether it runs; a zombie that nobody has reaped does not."""
    said = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(said.strip()) and "Z" not in said


async def begun_and_killed(folder: Path, command: tuple[str, ...]) -> None:
    """The program that watches the installer dies of kill -9."""
    watcher = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WATCHES, str(folder), *command, stdout=asyncio.subprocess.PIPE
    )
    assert watcher.stdout is not None
    assert await asyncio.wait_for(watcher.stdout.readline(), 20) == b"begun\n"
    watcher.kill()
    await watcher.wait()


async def test_to_cancel_ends_the_installer_and_its_children(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def install() -> None:
        async with installer.started(tmp_path, TREE, tmp_path, os.environ) as process:
            assert process.stdout is not None
            await process.stdout.readline()
            begun.set()
            await process.wait()

    task = asyncio.create_task(install())
    await asyncio.wait_for(begun.wait(), 20)
    child = int((tmp_path / "child").read_text())
    group = installer.running(tmp_path)
    assert group is not None
    assert os.getpgid(child) == group != os.getpgid(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert installer.running(tmp_path) is None
    assert not lives(child)


async def test_what_goes_on_after_kill_9_is_seen_and_what_has_ended_is_not(tmp_path: Path) -> None:
    await begun_and_killed(tmp_path, TREE)
    group = installer.running(tmp_path)
    assert group is not None
    child = int((tmp_path / "child").read_text())
    os.kill(group, signal.SIGKILL)
    assert not await installer.ended(tmp_path, 0.2), "its child alone is enough to be in the way"
    assert installer.running(tmp_path) == os.getpgid(child) == group
    await installer.end(tmp_path)
    assert not lives(child)
    assert await installer.ended(tmp_path, 0.0)
    (tmp_path / installer.LOCK_FILE).write_text(str(os.getpid()))
    assert installer.running(tmp_path) is None, "a number alone says nothing"


@pytest.mark.wire
async def test_a_resumed_step_waits_for_the_installer_left_behind_then_ends_it_and_says_so(
    practice: Any, target: Target, tmp_path: Path
) -> None:
    cloud = practice_cloud(Path(practice.line["descriptor"]))
    ours = (sys.executable, "-c", "raise SystemExit('ours')")
    endpoints = replace(cloud, operators_command=ours, operators_directory=tmp_path)
    target = target.model_copy(
        update={"project": cloud.project, "zone": "us-central1-b", "cluster": "shared-tools", "pool": "default-pool"}
    )
    run = RunContext(target, endpoints, tmp_path, LogBook(tmp_path / "logs"), lambda event: None, RunState)
    await begun_and_killed(tmp_path, STUBBORN)
    group = installer.running(tmp_path)
    assert group is not None
    info = await run.gke.get_cluster(target.zone, target.cluster)
    await run.adopt_connection(await Cluster.from_gke(info.endpoint, info.ca_pem, endpoints))
    notes = []

    async def act() -> None:
        async for event in OperatorsStep().act(run):
            if isinstance(event, e.StepProgressed):
                notes.append((event.note, lives(group)))

    with pytest.raises(StepStopped, match="exit code 1"):
        await act()
    await run.close()
    assert [n for n in notes if f"process {group}" in n[0]] == [
        (f"waiting for the installer that an earlier run has begun (process {group})", True),
        (f"ending the installer that an earlier run has begun (process {group}): it still runs after 10 minutes", True),
    ]
    assert ("ours", False) in notes, "begun only when the other had ended"
