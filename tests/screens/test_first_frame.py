"""The first frame needs no cloud: neither Google nor Kubernetes is imported for it."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import asyncio, sys, tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from screens.app import RhaiiApp

@asynccontextmanager
async def never():
    await asyncio.Event().wait()
    yield

async def main():
    app = RhaiiApp(never, Path(tempfile.mkdtemp()), practice=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert app.screen.query_one("ShapeTable").options
        for name in sorted(sys.modules):
            if name.split(".")[0] in ("google", "kubernetes", "httpx", "aiohttp", "requests", "grpc"):
                print(name)

asyncio.run(main())
"""


def test_first_frame_imports_no_client() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == ""


def test_without_a_terminal_the_screens_refuse_with_a_reason() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "rhaii_tui"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 2
    assert "needs a terminal" in ran.stderr
    assert "Traceback" not in ran.stderr
