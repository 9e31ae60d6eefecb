"""The lines a plan shows, typed by hand: the real kubectl and the printed manifests do what the steps do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from practice_process import Practice

from rhaii_tui.catalog.target import Target
from rhaii_tui.deployment.planning import build_plan
from rhaii_tui.endpoints import practice_cloud
from rhaii_tui.serving import manifests
from rhaii_tui.settings import resolve


@pytest.fixture
def target(practice: Practice, tmp_path: Path) -> Target:
    flags = {"accelerator": "gpu", "topology": "scale-out", "replicas": 2, "namespace": "by-hand", "service": "hand"}
    return resolve(flags, practice_cloud(practice.descriptor_path), {}, tmp_path).target()


def shell(line: str, environ: dict[str, str], folder: Path) -> str:
    """A line as a person types it; must succeed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH", os.environ["PATH"])])
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", line], capture_output=True, text=True, cwd=folder,
                          env={**environ, "PATH": path}, timeout=120)  # fmt: skip
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_the_lines_of_a_plan_deploy_the_same(practice: Practice, target: Target, tmp_path: Path) -> None:
    """On the cluster that is there anyway; steps that wait for nodes are left out."""
    environ = practice.gcloud_environ()
    plan = build_plan(target, practice_cloud(practice.descriptor_path))
    lines = {s.id: [c.text for c in s.commands] for s in plan.steps}
    for step in ("operators", "gateway", "namespace", "secrets", "service", "policies"):
        for line in lines[step]:
            shell(line, environ, tmp_path)
    live = json.loads(shell("kubectl -n by-hand get llmisvc/hand -o json", environ, tmp_path))
    wanted = manifests.service(target)
    assert live["spec"]["replicas"] == 2
    assert live["spec"]["template"]["containers"][0]["args"] == wanted["spec"]["template"]["containers"][0]["args"]
    stored = shell("kubectl -n by-hand get secrets,networkpolicies -o name", environ, tmp_path)
    assert "secret/rhaiis-pull-secret" in stored
    assert "secret/huggingface-token" in stored
    assert stored.count("networkpolicy") == len(manifests.network_policies(target))


def test_the_printed_documents_are_the_applied_ones(practice: Practice, target: Target, tmp_path: Path) -> None:
    """Whatever differs from the defaults is said in the line itself."""
    plan = build_plan(target, practice_cloud(practice.descriptor_path))
    line = next(c.text for s in plan.steps if s.id == "policies" for c in s.commands).partition(" |")[0]
    printed = shell(line, dict(os.environ), tmp_path)
    assert tuple(yaml.safe_load_all(printed)) == manifests.network_policies(target)


def test_no_line_of_a_plan_carries_a_secret(practice: Practice, target: Target) -> None:
    token = Path(practice.line["hf_token_file"]).read_text().strip()
    assert not [c.text for s in build_plan(target, practice_cloud(practice.descriptor_path)).steps
                for c in s.commands if token in c.text]  # fmt: skip
