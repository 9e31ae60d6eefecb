"""Questions on a real terminal: one interrupt ends them, the end of input is a no; without a terminal none is asked."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

ASK = """
import asyncio, typer
from rhaii_tui.cli.asking import asked
async def ask():
    print("answer", asked(lambda: typer.confirm("Do this?")), flush=True)
try:
    asyncio.run(ask())
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def until(terminal: int, text: bytes) -> bytes:
    said = b""
    while text not in said:
        said += os.read(terminal, 4096)
    return said


@pytest.mark.parametrize(
    ("key", "said"),
    [(b"\x03", b"interrupted"), (b"\x04", b"answer None"), (b"n\n", b"answer False"), (b"y\n", b"answer True")],
)
def test_one_key_is_enough(key: bytes, said: bytes) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", ASK])
    try:
        until(terminal, b"[y/N]")
        os.write(terminal, key)
        until(terminal, said)
    finally:
        os.close(terminal)
        os.waitpid(child, 0)


def test_a_fix_is_not_asked_about_where_nobody_is() -> None:
    command = [sys.executable, "-m", "rhaii_tui", "doctor", "--practice", "--fix", "service.stopped"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--yes" in done.stderr


def test_a_state_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file where a folder should be")
    command = [sys.executable, "-m", "rhaii_tui", "setup", "--practice", "--accelerator", "gpu", "--topology", "single"]
    done = subprocess.run(
        [*command, "--yes", "--no-cache-test"], env={**os.environ, "RHAII_TUI_HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "The state folder cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
