"""`rhaii-tui preflight`: one object per line, a result at the end, and an exit code that says the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.wire


def run(environ: dict[str, str], folder: Path, *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    command = [sys.executable, "-m", "rhaii_tui", "preflight", "--json", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environ, cwd=folder, check=False
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_passed_failed_and_unknown(practice, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    gpu = ("--practice", "--accelerator", "gpu", "--topology", "scale-out")
    code, lines, errors = run(practice.environ, tmp_path, *gpu)
    assert code == 0, errors
    assert lines[0]["type"] == "settings"
    assert lines[0]["settings"]["project"]["source"] == "practice cloud"
    assert [line["type"] for line in lines[1:-1]] == ["finding"] * (len(lines) - 2)
    assert lines[-1]["type"] == "result"
    assert lines[-1]["ok"] is True

    for fault, expected in (("quotas-unknown", 3), ("gpu-quota-zero", 1)):
        url = f"{practice.descriptor['control']}/faults/{fault}"
        with httpx.Client(trust_env=False) as client:
            client.post(url, json={"on": True}).raise_for_status()
            code, lines, errors = run(practice.environ, tmp_path, *gpu)
            client.post(url, json={"on": False}).raise_for_status()
        assert code == expected, errors
        assert lines[-1]["ok"] is False
        assert lines[-1]["exit_code"] == expected


@pytest.mark.parametrize(
    "arguments",
    [
        ("--accelerator", "cpu", "--topology", "single"),
        ("--accelerator", "gpu"),
        ("--accelerator", "gpu", "--topology", "x"),
    ],
)
def test_bad_input_is_refused(practice, tmp_path: Path, arguments: tuple[str, ...]) -> None:  # type: ignore[no-untyped-def]
    code, lines, errors = run(practice.environ, tmp_path, "--practice", *arguments)
    assert code == 2
    assert lines[-1]["next"]
    assert errors.strip()
    assert "Traceback" not in errors


def test_without_credentials_it_fails_at_once_and_asks_nobody(tmp_path: Path) -> None:
    """Google Cloud itself, logged out: one clear finding, the rest unknown, no request leaves the machine."""
    environ = dict(os.environ, HOME=str(tmp_path), RHAII_TUI_HOME=str(tmp_path))
    code, lines, errors = run(
        environ, tmp_path, "--accelerator", "gpu", "--topology", "single", "--project", "my-project"
    )
    assert code == 1, errors
    found = {line["rule"]: line for line in lines if line["type"] == "finding"}
    assert found["preflight.credentials"]["status"] == "FAIL"
    assert "application-default login" in found["preflight.credentials"]["remediation"]
    assert found["preflight.zone"]["status"] == "UNKNOWN"
    assert found["preflight.pull-secret"]["status"] == "FAIL"
    assert "Traceback" not in errors
