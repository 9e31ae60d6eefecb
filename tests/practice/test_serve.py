"""A practice cloud as a process: its one line, its files, its end."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from google_calls import call
from practice_process import Practice


def test_the_line_says_where_everything_is(practice: Practice) -> None:
    line = practice.line
    assert {"kubeconfig", "google", "gateway", "control", "env_file", "descriptor", "pid", "rate"} <= set(line)
    assert line["pid"] == practice.process.pid
    assert json.loads(Path(line["descriptor"]).read_text()) == practice.descriptor
    config = yaml.safe_load(Path(line["kubeconfig"]).read_text())
    assert config["current-context"] == "gke_practice-project_us-central1-b_shared-tools"
    environ = practice.gcloud_environ()
    assert environ["KUBECONFIG"] == line["kubeconfig"]
    assert environ["CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE"] == line["google"] + "/compute/v1/"


def test_only_this_user_can_read_the_files(practice: Practice) -> None:
    folder = Path(practice.line["descriptor"]).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    readable = [p for p in folder.rglob("*") if p.is_file() and p.stat().st_mode & 0o077 and p.stat().st_size]
    assert readable == []


def test_the_dummy_secrets_have_the_shape_of_real_ones(practice: Practice) -> None:
    secret = yaml.safe_load(Path(practice.descriptor["pull_secret_file"]).read_text())
    assert (secret["kind"], secret["type"]) == ("Secret", "kubernetes.io/dockerconfigjson")
    assert Path(practice.descriptor["hf_token_file"]).read_text().startswith("hf_")
    assert "hf_" not in " ".join(Path(f"/proc/{practice.line['pid']}/cmdline").read_text().split("\0"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_its_files(practice_factory: Any, number: signal.Signals) -> None:
    practice: Practice = practice_factory()
    practice.process.send_signal(number)
    assert practice.process.wait(15) == 0
    assert not Path(practice.line["descriptor"]).parent.exists()


_OWNER = """
    import os, signal, sys
    from rhaii_tui.cli.cloud import open_cloud_blocking
    with open_cloud_blocking(True, speed=600) as endpoints:
        print(endpoints.token_file.parent, flush=True)
        if sys.argv[1] == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("end", ["done", "killed"])
def test_a_child_ends_with_the_command_that_started_it(tmp_path: Path, end: str) -> None:
    environ = dict(os.environ, RHAII_TUI_HOME=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_OWNER), end], env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == (0 if end == "done" else -signal.SIGKILL), done.stderr
    folder = Path(done.stdout.strip())
    _until_gone(folder)


def _until_gone(folder: Path) -> None:
    """The folder goes last, right before the process ends."""
    deadline = time.monotonic() + 20
    while folder.exists():
        assert time.monotonic() < deadline, f"{folder} outlived its owner"


def _cli(home: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = dict(os.environ, RHAII_TUI_HOME=home)
    command = [sys.executable, "-m", "rhaii_tui", "practice", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


def test_faults_are_switched_by_command(practice: Practice) -> None:
    home = practice.environ["RHAII_TUI_HOME"]
    assert _cli(home, "fault", "quotas-unknown", "on").returncode == 0
    listed = [json.loads(line) for line in _cli(home, "fault", "--list", "--json").stdout.splitlines()]
    assert {f["name"]: f["on"] for f in listed}["quotas-unknown"] is True
    assert _cli(home, "fault", "quotas-unknown", "off").returncode == 0
    assert not any(f["on"] for f in call(practice.line["control"], "GET", "/faults")[1]["faults"])


def test_what_is_wrong_with_a_fault_command_is_said_once(practice: Practice, tmp_path: Path) -> None:
    home = practice.environ["RHAII_TUI_HOME"]
    unknown = _cli(home, "fault", "gpu-quota-zer", "on")
    assert unknown.returncode == 2
    assert "gpu-quota-zero" in unknown.stderr
    assert _cli(home, "fault").returncode == 2
    alone = _cli(str(tmp_path), "fault", "gpu-quota-zero", "on")
    assert alone.returncode == 1
    assert "No practice cloud is running" in alone.stderr
    assert "Traceback" not in unknown.stderr + alone.stderr


def test_the_control_path_refuses_what_it_does_not_understand(practice: Practice) -> None:
    control = practice.line["control"]
    assert call(control, "POST", "/faults/gpu-quota-zero", {"on": "yes"})[0] == 400
    status, answer = call(control, "POST", "/faults/nonsense", {"on": True})
    assert status == 404
    assert "gpu-quota-zero" in answer["names"]
