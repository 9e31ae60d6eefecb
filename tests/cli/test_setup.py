"""`rhaii-tui setup` as a process: what it refuses, what it shows, how it ends when it is broken off."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SETUP = [sys.executable, "-m", "rhaii_tui", "setup"]
GPU = ["--accelerator", "gpu", "--topology", "scale-out"]


def _run(*args: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SETUP, *args], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, env=environ or os.environ
    )


@pytest.fixture(scope="module")
def environ(practice: Any) -> dict[str, str]:
    environ: dict[str, str] = practice.environ
    return environ


def test_without_a_terminal_nothing_is_approved() -> None:
    done = _run("--practice", *GPU, "--json")
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["ok"] is False


def test_closed_streams_never_prompt() -> None:
    closed = f"exec {' '.join(SETUP)} --practice {' '.join(GPU)} <&-"
    done = subprocess.run(["sh", "-c", closed], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_plan_tells_where_its_settings_come_from(environ: dict[str, str]) -> None:
    args = ("--practice", *GPU, "--zone", "us-central1-z", "--plan")
    settings, plan, result = map(json.loads, _run(*args, "--json", environ=environ).stdout.splitlines())
    assert settings["settings"]["zone"] == {"value": "us-central1-z", "source": "flag --zone"}
    assert settings["settings"]["replicas"]["source"] == "built-in default"
    assert "us-central1-z" in settings["notes"][0]
    assert (plan["type"], result["type"], result["ok"]) == ("plan", "result", True)
    assert _run(*args, environ=environ).stdout.startswith("WARN    Settings: us-central1-z ")


def test_the_screens_need_a_terminal_and_closed_streams_are_none() -> None:
    closed = f"exec {sys.executable} -m rhaii_tui <&-"
    done = subprocess.run(["sh", "-c", closed], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("rhaii-tui needs a terminal")
    everything = f"exec {sys.executable} -m rhaii_tui <&- >&- 2>&-"
    assert subprocess.run(["sh", "-c", everything], timeout=60, check=False).returncode == 2


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--accelerator", "abacus", "--topology", "single"], "gpu"),
        (["--accelerator", "gpu", "--topology", "ring"], "scale-out"),
        (["--accelerator", "gpu"], "topology"),
        ([*GPU, "--replicas", "99"], "16"),
        ([*GPU, "--namespace", "Not A Name"], "lower-case"),
        ([*GPU, "--namespace", "kube-system"], "belongs to the cluster itself"),
        ([*GPU, "--zone", "nowhere"], "us-central1-a"),
        ([*GPU, "--model", ""], "Hugging Face id"),
        ([*GPU, "--model", "two words"], "Hugging Face id"),
        ([*GPU, "--json", "--plain"], "exclude"),
    ],
)
def test_bad_input_is_one_clear_sentence(environ: dict[str, str], args: list[str], words: str) -> None:
    done = _run("--practice", "--yes", *args, environ=environ)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_the_plan_is_shown_and_nothing_is_changed(environ: dict[str, str]) -> None:
    plain = _run("--practice", *GPU, "--plan", environ=environ)
    assert plain.returncode == 0, plain.stderr
    assert "gcloud container node-pools create" in plain.stdout
    assert "critical path" in plain.stdout
    machine = _run("--practice", *GPU, "--plan", "--json", environ=environ)
    _, plan, result = [json.loads(line) for line in machine.stdout.splitlines()]
    assert [s["id"] for s in plan["steps"]][:2] == ["apis", "cluster"]
    assert result["type"] == "result"
    assert result["ok"] is True
    assert not (Path(environ["RHAII_TUI_HOME"]) / "runs").exists()


@pytest.mark.parametrize(
    ("moment", "under_way"),
    [({"type": "finding"}, None), ({"type": "step_started", "step": "cluster"}, "cluster")],
    ids=["preflight", "a step"],
)
def test_interrupted_it_tells_a_machine_one_result(
    environ: dict[str, str], moment: dict[str, str], under_way: str | None
) -> None:
    with subprocess.Popen(
        [*SETUP, "--practice", *GPU, "--yes", "--json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env=environ,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if moment.items() <= json.loads(line).items():
                process.send_signal(signal.SIGINT)
                break
        rest = [json.loads(line) for line in process.stdout]
        assert process.wait(30) == 130
    assert [r["type"] for r in rest].count("result") == 1
    result = rest[-1]
    assert (result["type"], result["ok"], result["exit_code"]) == ("result", False, 130)
    assert under_way in [None, *(s["step"] for s in result["under_way"])]
    assert result["next"].startswith("The same command continues")
    assert result["resume"] == f"rhaii-tui setup --practice {' '.join(GPU)} --yes --json"


def test_on_a_full_disk_it_ends_with_words_and_is_continued(environ: dict[str, str]) -> None:
    runs = sorted((Path(environ["RHAII_TUI_HOME"]) / "runs").iterdir())
    size = (runs[-1] / "events.jsonl").stat().st_size + 1000
    limited = (
        "import os, resource, sys; "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size})); os.execv(sys.executable, sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, *SETUP, "--practice", *GPU, "--yes", "--json"],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, env=environ,
    )  # fmt: skip
    assert "Traceback" not in done.stderr + done.stdout
    result = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, result["type"], result["outcome"]) == (1, "result", "failed")
    assert result["finding"]["rule"] == "run.unrecorded"
    assert result["run"] == runs[-1].name
    assert "File too large" in result["finding"]["message"]


def test_interrupted_it_says_what_goes_on_and_how_to_continue(environ: dict[str, str]) -> None:
    with subprocess.Popen(
        [*SETUP, "--practice", *GPU, "--yes"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "T4 GPU node pool ..." in line:
                process.send_signal(signal.SIGINT)
                break
        rest = process.stdout.read()
        assert process.wait(30) == 130
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    assert "is billed" in rest
    assert "Cluster rhaii-gpu-cluster" in rest
    assert "continues this run" in rest
    status = subprocess.run(
        [sys.executable, "-m", "rhaii_tui", "status", "--practice", "--json"],
        capture_output=True, text=True, timeout=60, env=environ,
    )  # fmt: skip
    record = json.loads(status.stdout)
    assert status.returncode == 1
    assert record["outcome"] == "cancelled"
    assert record["live"]["cluster"] in ("RUNNING", "RECONCILING")


def test_the_same_command_continues_to_ready_and_its_test(environ: dict[str, str], practice: Any) -> None:
    done = _run("--practice", *GPU, "--yes", "--json", environ=environ)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    result = lines[-1]
    assert done.returncode == 0, result
    assert next(x for x in lines if x["type"] == "run")["resumed"] is True
    assert result["type"] == "result"
    assert (result["ok"], result["replicas"], result["replicas_ready"]) == (True, 3, 3)
    assert result["verdict"]["routing"] == "PROVEN"
    assert result["verdict"]["reasons"]
    assert result["bill"]["usd_per_day"] > 0
    assert result["bill"]["components"]
    assert result["requests"]["ok"] == result["requests"]["sent"] > 0
    assert result["cloud_seconds"] > 0
    assert result["critical_path_seconds"] > 0
    secrets = [Path(practice.line[name]).read_text().strip() for name in ("token_file", "hf_token_file")]
    written = [p.read_text() for p in (Path(environ["RHAII_TUI_HOME"]) / "runs").rglob("*") if p.is_file()]
    for secret in secrets:
        assert not any(secret in text for text in (done.stdout, done.stderr, *written))


def test_status_reads_the_live_service(environ: dict[str, str]) -> None:
    read: Callable[..., Any] = lambda *args: subprocess.run(  # noqa: E731
        [sys.executable, "-m", "rhaii_tui", "status", "--practice", *args],
        capture_output=True, text=True, timeout=60, env=environ,
    )  # fmt: skip
    machine = read("--json")
    record = json.loads(machine.stdout)
    assert machine.returncode == 0, record
    assert record["replicas_ready"] == 3
    assert record["outcome"] == "done"
    assert record["endpoint"].startswith("http://127.0.0.1:")
    assert "3 of 3 ready" in read().stdout


def test_a_reader_that_goes_away_does_not_end_what_was_begun(environ: dict[str, str]) -> None:
    command = f"{' '.join(SETUP)} --practice {' '.join(GPU)} --plan; echo $? >&2"
    done = subprocess.run(
        ["sh", "-c", f"({command}) | head -1"], capture_output=True, text=True, timeout=60, env=environ
    )
    assert done.stderr.strip() == "0"
    assert done.stdout.startswith("Plan:")
