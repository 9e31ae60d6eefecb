"""Whoever made it: monitor, status, doctor, scale, stop and wake work on it; teardown leaves it and says so."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from by_hand import CLUSTER, NAMESPACE, POOL, SERVICE, ZONE, Hands
from practice_process import Practice

pytestmark = [
    pytest.mark.wire,
    pytest.mark.skipif(not (shutil.which("gcloud") and shutil.which("kubectl")), reason="needs gcloud and kubectl"),
]
LONG = "a-name-that-is-so-long-that-kserve-has-to-hash-it"


@pytest.fixture(scope="module")
def made(practice: Practice) -> Hands:
    """One service of two replicas, no EnvoyFilter, no network policies, a model without a name."""
    hands = Hands(practice)
    hands.cluster()
    hands.gateway()
    hands.service(SERVICE, NAMESPACE, 2)
    hands.await_ready(SERVICE, NAMESPACE)
    return hands


@pytest.fixture
def journal(practice: Practice, tmp_path: Path) -> Path:
    """A state folder that knows of no run, only of the practice cloud."""
    (tmp_path / "practice").symlink_to(Path(practice.environ["RHAII_TUI_HOME"]) / "practice")
    return tmp_path


def _told(journal: Path, *words: str, code: int = 0) -> tuple[list[Any], str]:
    """The records and the errors of a command on the practice cloud."""
    environ = dict(os.environ, RHAII_TUI_HOME=str(journal))
    command = [sys.executable, "-m", "rhaii_tui", *words, "--practice", "--json"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stdout[-2000:] + done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_monitor_and_status_need_no_journal(made: Hands, journal: Path) -> None:
    (seen,), _ = _told(journal, "monitor", "--once")
    assert (seen["service"], seen["state"], seen["ready"], seen["model"]) == (SERVICE, "ready", 2, SERVICE)
    names = {part["kind"]: part["name"] for part in seen["parts"]}
    assert (names["Gateway"], names["HTTPRoute"]) == ("infra/edge", f"{SERVICE}-kserve-route")
    assert {part["state"] for part in seen["parts"]} == {"ready"}
    assert sum(bool(node["accelerator"]) for node in seen["nodes"]) == 2
    (result,), _ = _told(journal, "status")
    assert (result["ok"], result["run"], result["replicas_ready"]) == (True, None, 2)
    assert result["service"] == f"{NAMESPACE}/{SERVICE} in {CLUSTER}"


def test_a_healthy_one_has_no_finding(made: Hands, journal: Path) -> None:
    records, _ = _told(journal, "doctor")
    assert [r for r in records if r.get("rule")] == []
    assert records[-1]["ok"]


def test_it_is_scaled_stopped_and_woken(made: Hands, journal: Path) -> None:
    def pool() -> int:
        return len(json.loads(made.kubectl("get", "nodes", "-l", f"cloud.google.com/gke-nodepool={POOL}", "-o", "json"))
                   ["items"])  # fmt: skip

    records, _ = _told(journal, "scale", "3", "--yes", "--no-watch-requests")
    assert (records[-1]["replicas_ready"], records[-1]["nodes"], pool()) == (3, 3, 3)
    records, _ = _told(journal, "scale", "2", "--yes", "--no-watch-requests")
    assert (records[-1]["replicas_ready"], pool()) == (2, 2)
    _told(journal, "stop", "--yes")
    assert pool() == 0
    assert "No resources found" not in made.kubectl("-n", NAMESPACE, "get", "llmisvc", SERVICE)
    (seen,), _ = _told(journal, "monitor", "--once", code=1)
    assert seen["state"] == "stopped"
    assert {p["kind"] for p in seen["parts"] if p["state"] == "stopped"} == {
        "HTTPRoute", "InferencePool", "LLMInferenceService"
    }  # fmt: skip
    assert not [p for p in seen["parts"] if p["state"] == "not ready"], "what stop took away is no fault"
    records, _ = _told(journal, "doctor")
    assert [r["rule"] for r in records if r.get("rule")] == ["service.stopped"]
    records, _ = _told(journal, "wake", "--yes")
    assert (records[-1]["replicas_ready"], records[-1]["endpoint"] != "") == (2, True)


def test_teardown_refuses_and_says_what_to_do_instead(made: Hands, journal: Path) -> None:
    _, error = _told(journal, "teardown", "--confirm", CLUSTER, "--cluster", CLUSTER, code=1)
    assert f"{CLUSTER} ({ZONE})" in error
    assert "gcloud container clusters delete" in error
    assert made.google(f"/locations/{ZONE}/clusters/{CLUSTER}")["status"] == "RUNNING"


def test_among_several_one_is_named(made: Hands, journal: Path) -> None:
    """The second one waits for a node: it is seen, and it is not taken for the first."""
    made.service(LONG, "other-team")
    made.kubectl("-n", "other-team", "wait", f"llmisvc/{LONG}", "--for=condition=PresetsCombined", "--timeout=60s")
    for words in (("status",), ("doctor",), ("scale", "3", "--plan")):
        _, error = _told(journal, *words, code=2 if words[0] == "scale" else 1)
        assert f"{NAMESPACE}/{SERVICE} in {CLUSTER}" in error
        assert f"other-team/{LONG} in {CLUSTER}" in error
        assert "--service" in error
    (seen,), _ = _told(journal, "monitor", "--once", "--service", LONG, code=1)
    assert (seen["namespace"], seen["ready"], seen["wanted"]) == ("other-team", 0, 1)
    assert {p["name"] for p in seen["parts"] if p["kind"] in ("HTTPRoute", "InferencePool")}.isdisjoint({""})
    records, _ = _told(journal, "doctor", "--service", LONG, code=1)
    assert records[-1]["cause"]["rule"].startswith("scheduling.")
    records, _ = _told(journal, "scale", "2", "--plan", "--service", LONG)
    assert records[0]["target"]["service"] == LONG


def test_a_kubeconfig_is_enough(made: Hands, journal: Path) -> None:
    """No project, no Google: the current context, and a context by name."""
    environ = dict(made.environ, RHAII_TUI_HOME=str(journal / "empty"))
    context = made.kubectl("config", "current-context").strip()
    for words in (("--kubeconfig", environ["KUBECONFIG"]), ("--context", context)):
        command = [sys.executable, "-m", "rhaii_tui", "status", "--line", "--service", SERVICE, *words]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout[: len(SERVICE) + 10]) == (0, f"{SERVICE} ✓ ready 2"), done.stderr
