"""A practice cloud as a process of its own, for tests."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Practice:
    """A running practice cloud: its printed line, its descriptor, and the environment that finds it."""

    line: dict[str, Any]
    descriptor: dict[str, Any]
    environ: dict[str, str]
    process: subprocess.Popen[str]

    @property
    def descriptor_path(self) -> Path:
        """The descriptor file, for rhaii_tui.endpoints.practice_cloud."""
        return Path(self.line["descriptor"])

    def gcloud_environ(self) -> dict[str, str]:
        """Environment for the real gcloud and kubectl."""
        environ = dict(self.environ)
        for line in Path(self.line["env_file"]).read_text().splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            environ[name] = value.strip("'\"")
        return environ


def start_practice(folder: Path, speed: float = 600) -> Practice:
    """Start a practice cloud of its own in `folder`; the caller ends it with `process.terminate()`."""
    environ = dict(os.environ, RHAII_TUI_HOME=str(folder))
    command = [sys.executable, "-m", "rhaii_tui", "practice", "serve", "--speed", str(speed)]
    log = (folder / "practice.stderr").open("w")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environ)
    assert process.stdout is not None
    text = process.stdout.readline()
    assert text, (folder / "practice.stderr").read_text()
    line = json.loads(text)
    return Practice(line, json.loads(Path(line["descriptor"]).read_text()), environ, process)


def end_practice(practice: Practice) -> None:
    """Ask it to end, then insist."""
    practice.process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        practice.process.wait(10)
    practice.process.kill()
    practice.process.wait()
    assert practice.process.stdout is not None
    practice.process.stdout.close()
