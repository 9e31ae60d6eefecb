"""kill -9 at the worst moments, again and again: the next start goes on with the same run, and nothing exists twice."""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rhaii_tui.endpoints import practice_cloud
from rhaii_tui.kube.connect import Cluster

pytestmark = [pytest.mark.road, pytest.mark.wire]

LIMIT = 60.0
COMMAND = (
    *("-m", "rhaii_tui", "setup", "--practice", "--accelerator", "gpu", "--topology", "scale-out"),
    *("--yes", "--json", "--no-cache-test"),
)

Moment = Callable[[dict[str, Any]], bool]


def _event(type_: str, **fields: str) -> Moment:
    return lambda e: e.get("type") == type_ and all(e.get(k) == v for k, v in fields.items())


def _told_of(step: str) -> Moment:
    """Whatever the step says: the cloud goes on while nobody watches, so that a step may be found done."""
    return lambda e: e.get("step") == step


MOMENTS: tuple[Moment, ...] = (
    _event("intent_recorded", kind="Cluster"),
    _event("operation_started", step="cluster"),
    _event("intent_recorded", kind="NodePool"),
    _told_of("operators"),
    _event("intent_recorded", kind="LLMInferenceService"),
    _told_of("replicas"),
)


async def _until(moment: Moment | None, environ: dict[str, str]) -> tuple[list[dict[str, Any]], int | None]:
    """Run the command until the moment and kill it there; without a moment, to its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *COMMAND, env=environ, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        limit=2**22,
    )  # fmt: skip
    assert process.stdout is not None
    seen: list[dict[str, Any]] = []
    async for line in process.stdout:
        seen.append(json.loads(line))
        if moment is not None and moment(seen[-1]):
            process.kill()
            break
    await process.wait()
    return seen, process.returncode


async def test_killed_anywhere_it_goes_on_and_duplicates_nothing(practice_factory: Callable[..., Any]) -> None:
    practice = await asyncio.to_thread(practice_factory, 300)
    runs: list[str] = []
    for moment in MOMENTS:
        seen, code = await asyncio.wait_for(_until(moment, practice.environ), LIMIT)
        assert code == -9, seen[-1]
        runs += [e["run"] for e in seen if e["type"] == "run"]
    seen, code = await asyncio.wait_for(_until(None, practice.environ), LIMIT)
    result = seen[-1]
    assert code == 0, result
    assert result["outcome"] == "done"
    assert result["replicas_ready"] == 3
    assert {*runs, result["run"]} == {result["run"]}
    await _nothing_twice(practice)


async def _nothing_twice(practice: Any) -> None:
    endpoints = practice_cloud(practice.descriptor_path)

    def ask(path: str) -> Any:
        headers = {"Authorization": f"Bearer {endpoints.token()}"}
        url = f"{endpoints.container}/v1/projects/{endpoints.project}/locations/{path}"
        return json.load(urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10))

    clusters = {c["name"]: c for c in (await asyncio.to_thread(ask, "-/clusters"))["clusters"]}
    assert set(clusters) == {"shared-tools", "rhaii-gpu-cluster"}
    assert sorted(p["name"] for p in clusters["rhaii-gpu-cluster"]["nodePools"]) == ["default-pool", "gpu-pool"]
    operations = (await asyncio.to_thread(ask, "us-central1-a/operations"))["operations"]
    assert Counter(o["operationType"] for o in operations) == {"CREATE_CLUSTER": 1, "CREATE_NODE_POOL": 1}
    cluster = await Cluster.from_kubeconfig(Path(practice.line["kubeconfig"]), trust_env=False)
    services = await cluster.items("LLMInferenceService")
    pods = await cluster.items("Pod", "rhaii-inference", labels="kserve.io/component=workload")
    await cluster.close()
    assert len(services) == 1
    assert len(pods) == 3
