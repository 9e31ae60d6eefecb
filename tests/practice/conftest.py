"""One GPU scale-out deployment, made by the product's own setup, for every test that breaks it and sees it heal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
from fault_stage import Deployed
from practice_process import Practice, end_practice, start_practice


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    """A practice cloud with a proven service on it."""
    running = start_practice(tmp_path_factory.mktemp("furnished"))
    try:
        words = ("setup", "--practice", "--accelerator", "gpu", "--topology", "scale-out", "--yes", "--json")
        command = [sys.executable, "-m", "rhaii_tui", *words, "--no-cache-test"]
        done = subprocess.run(command, env=running.environ, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        yield running
    finally:
        end_practice(running)


@pytest.fixture
async def deployed(furnished: Practice) -> AsyncIterator[Deployed]:
    """The deployment; `broken` leaves it healthy again."""
    found = Deployed(furnished.descriptor)
    found.url = (await found.service())["status"]["url"]
    try:
        yield found
    finally:
        for fault in await found.active():
            await found.switch(fault, False)
        await found.close()
