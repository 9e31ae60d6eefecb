"""A deployment on a practice cloud for the doctor to look at, and the switch of its faults."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rhaii_tui.deployment.journal import last_run
from rhaii_tui.doctor import Diagnosed, Diagnosis, Place, Treatment, examine
from rhaii_tui.doctor.examination import connect
from rhaii_tui.endpoints import Endpoints, practice_cloud
from rhaii_tui.kube.connect import Cluster


class Running(Protocol):
    """A started practice cloud, as tests/conftest.py has it."""

    descriptor: dict[str, Any]
    environ: dict[str, str]

    @property
    def descriptor_path(self) -> Path: ...


@dataclass
class Ward:
    """The deployed service and the means to hurt and to mend it."""

    practice: Running
    endpoints: Endpoints
    place: Place
    home: Path

    @asynccontextmanager
    async def cluster(self) -> AsyncIterator[Cluster]:
        """A connection for a test."""
        made, why = await connect(self.place, self.endpoints)
        assert made is not None, why
        try:
            yield made
        finally:
            await made.close()

    def treatment(self, cluster: Cluster | None) -> Treatment:
        """Fixes with a notebook of this ward."""
        return Treatment(self.place, self.endpoints, cluster, self.home)

    async def fault(self, name: str, on: bool) -> None:
        """Switch a fault."""
        request = urllib.request.Request(
            f"{self.practice.descriptor['control']}/faults/{name}",
            json.dumps({"on": on}).encode(),
            {"Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        await asyncio.to_thread(lambda: opener.open(request, timeout=10).close())

    async def until(
        self, cluster: Cluster | None, judge: Callable[[Diagnosis], bool], limit: float = 30.0, what: str = ""
    ) -> Diagnosis:
        """Look again until the judge is content. Looking is what takes time here; nothing is slept for."""
        deadline = time.monotonic() + limit
        while True:
            found = await examine(self.place, self.endpoints, cluster)
            if judge(found):
                return found
            told = [(f.rule.id, f.hit.message, f.consequence_of) for f in found.findings]
            assert time.monotonic() < deadline, (
                what,
                told,
                found.unread,
                [x for x in found.links if x.state != "green"],
            )

    async def first_cause(self, cluster: Cluster | None, rule: str, fault: str) -> Diagnosed:
        """The case of a rule, once it is the cause. Until then nothing else may be called the cause."""
        named: list[str] = []

        def judged(found: Diagnosis) -> bool:
            if found.cause is not None:
                named.append(found.cause.rule.id)
            return rule in named

        found = await self.until(cluster, judged, what=fault)
        assert named == [rule]
        assert found.cause is not None
        return found.cause

    async def heal(self, cluster: Cluster, name: str) -> None:
        """Lift a fault and wait until all is well."""
        await self.fault(name, False)
        await self.until(cluster, lambda d: d.healthy and not d.stopped, what=f"{name} lifted")


def deployed(practice: Running, accelerator: str, topology: str) -> Ward:
    """Deploy a shape as a user would."""
    command = [sys.executable, "-m", "rhaii_tui", "setup", "--practice", "--accelerator", accelerator]
    command += ["--topology", topology, "--yes", "--json", "--no-cache-test"]
    done = subprocess.run(command, env=practice.environ, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    endpoints = practice_cloud(practice.descriptor_path)
    home = Path(practice.environ["RHAII_TUI_HOME"])
    state = last_run(home, endpoints.name)
    assert state is not None
    assert state.plan is not None
    return Ward(practice, endpoints, Place.of(state.plan.target), home)


def command(practice: Running, *words: str) -> tuple[int, list[dict[str, Any]], str]:
    """`rhaii-tui doctor --json` with more words: exit code, records, stderr."""
    line = [sys.executable, "-m", "rhaii_tui", "doctor", "--json", *words]
    environ = {**os.environ, **practice.environ}
    done = subprocess.run(line, env=environ, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, [json.loads(x) for x in done.stdout.splitlines()], done.stderr
