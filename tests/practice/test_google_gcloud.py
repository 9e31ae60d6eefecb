"""The real gcloud as a second, independent client of the practice cloud."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest
from google_calls import call
from practice_process import Practice

pytestmark = pytest.mark.skipif(shutil.which("gcloud") is None, reason="gcloud is not installed")
AT = ("--zone", "us-central1-b")


@pytest.fixture(scope="module")
def gcloud(practice: Practice) -> Any:
    """`gcloud("container", …)`: standard output; fails on a non-zero exit unless `refused` is set."""

    def run(*arguments: str, refused: bool = False) -> str:
        done = subprocess.run(
            ["gcloud", *arguments], env=practice.gcloud_environ(), capture_output=True, text=True, timeout=60
        )
        assert (done.returncode != 0) == refused, done.stderr
        return done.stderr if refused else done.stdout

    return run


def test_clusters_are_listed_and_described(gcloud: Any) -> None:
    assert "shared-tools" in gcloud("container", "clusters", "list")
    shared = json.loads(gcloud("container", "clusters", "describe", "shared-tools", *AT, "--format=json"))
    assert shared["status"] == "RUNNING"


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_works_with_the_credentials_that_gcloud_writes(gcloud: Any, practice: Practice) -> None:
    gcloud("container", "clusters", "get-credentials", "shared-tools", *AT)
    command = ["kubectl", "get", "nodes", "--output=name"]
    done = subprocess.run(command, env=practice.gcloud_environ(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 2


def test_pools_are_created_resized_and_deleted(gcloud: Any, practice: Practice) -> None:
    pool = ("t4", "--cluster", "shared-tools", *AT)
    t4 = ("--machine-type", "n1-standard-4", "--accelerator", "type=nvidia-tesla-t4,count=1", "--num-nodes", "1")
    gcloud("container", "node-pools", "create", *pool, *t4)
    listed = json.loads(gcloud("container", "node-pools", "list", "--cluster", "shared-tools", *AT, "--format=json"))
    assert {p["name"] for p in listed} == {"default-pool", "t4"}
    gcloud("container", "clusters", "resize", "shared-tools", "--node-pool", "t4", "--num-nodes", "0", *AT, "--async")
    _all_done(practice)
    gcloud("container", "node-pools", "delete", *pool, "--async")
    _all_done(practice)
    operations = json.loads(gcloud("container", "operations", "list", "--format=json"))
    assert {o["operationType"] for o in operations} >= {"CREATE_NODE_POOL", "SET_NODE_POOL_SIZE", "DELETE_NODE_POOL"}
    gcloud("container", "operations", "wait", operations[0]["name"], *AT)


def _all_done(practice: Practice) -> None:
    """gcloud looks every few seconds; the API tells at once."""
    while any(o["status"] != "DONE" for o in _operations(practice)):
        pass


def _operations(practice: Practice) -> list[Any]:
    path = "/v1/projects/practice-project/locations/-/operations"
    return list(call(practice.line["google"], "GET", path)[1]["operations"])


def test_a_topology_on_a_single_host_pool_is_refused(gcloud: Any) -> None:
    wanted = ("--machine-type", "ct6e-standard-4t", "--tpu-topology", "2x2", "--num-nodes", "1")
    said = gcloud("container", "node-pools", "create", "tpu", "--cluster", "shared-tools", *AT, *wanted, refused=True)
    assert "code=400" in said
    assert "TPU topology can't be specified with single-host TPU slice pool" in said


def test_a_cluster_comes_and_goes(gcloud: Any, practice: Practice) -> None:
    gcloud("container", "clusters", "create", "brief", "--zone", "us-east1-c", "--num-nodes", "1")
    gcloud("container", "clusters", "get-credentials", "brief", "--zone", "us-east1-c")
    gcloud("container", "clusters", "delete", "brief", "--zone", "us-east1-c", "--async")
    _all_done(practice)
    assert "brief" not in gcloud("container", "clusters", "list")


def test_compute_and_the_project(gcloud: Any) -> None:
    region = json.loads(gcloud("compute", "regions", "describe", "us-central1", "--format=json"))
    assert {"metric": "NVIDIA_T4_GPUS", "limit": 8.0, "usage": 0.0} in region["quotas"]
    assert "ct6e-standard-4t" in gcloud(
        "compute", "machine-types", "describe", "ct6e-standard-4t", "--zone", "us-east5-b"
    )
    accelerators = gcloud(
        "compute", "accelerator-types", "list", "--filter=name=nvidia-tesla-t4 AND zone:us-central1-a"
    )
    assert "us-central1-a" in accelerators
    assert "123456789012" in gcloud("projects", "describe", "practice-project")
