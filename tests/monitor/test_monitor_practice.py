"""The monitor against a deployed service on the practice cloud, by command, by kubeconfig and without a journal."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from awaiting import until
from outage import Sight, ask, gone

from rhaii_tui.endpoints import Endpoints, practice_cloud
from rhaii_tui.monitor.discovery import NothingChosen, Wish, attach
from rhaii_tui.monitor.logs import ContainerLogs
from rhaii_tui.monitor.monitor import Monitor

pytestmark = pytest.mark.wire
NS, SVC = "rhaii-inference", "qwen-3b-gpu-svc"


def command(environ: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """A `rhaii-tui` command from start to end."""
    run = [sys.executable, "-m", "rhaii_tui", *words]
    return subprocess.run(run, env=environ, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def deployed(practice: Any) -> Any:
    """A practice cloud with three T4 replicas."""
    words = (
        "setup",
        "--practice",
        "--accelerator",
        "gpu",
        "--topology",
        "scale-out",
        "--yes",
        "--no-cache-test",
        "--plain",
    )
    done = command(practice.environ, *words)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return practice


@pytest.fixture
def endpoints(deployed: Any) -> Endpoints:
    """Of that cloud."""
    return practice_cloud(deployed.descriptor_path)


@pytest.fixture
async def live(endpoints: Endpoints) -> AsyncIterator[Monitor]:
    """Watching the deployed service, found in the project without any journal."""
    found = await attach(endpoints, Wish(project=endpoints.project or "", service=SVC))
    async with Monitor(found.cluster, endpoints, NS, SVC, cluster_name=found.found.cluster, interval=0.5) as monitor:
        yield monitor
    await found.cluster.close()


def test_one_snapshot_by_command_tells_everything(deployed: Any) -> None:
    done = command(deployed.environ, "monitor", "--practice", "--once", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["state"], said["ready"], said["wanted"]) == ("ready", 3, 3)
    assert all(r["word"] == "Running" and r["is_ready"] and r["figures"]["running"] == 0 for r in said["replicas"])
    assert [p["kind"] for p in said["parts"]] == ["Gateway", "HTTPRoute", "InferencePool", "LLMInferenceService"]
    assert said["picker"]["ready_pods"] == 3
    assert said["cost"]["per_hour"] == pytest.approx(2.013)
    assert said["cost"]["idle_per_hour"] == pytest.approx(1.62)
    assert all(link["live"] for link in said["links"])


def test_one_line_for_a_status_bar(deployed: Any) -> None:
    done = command(deployed.environ, "status", "--practice", "--line")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{SVC} ✓ ready 3/3 · 0 running 0 waiting")
    assert done.stdout.count("\n") == 1


def test_a_wrong_name_is_one_clear_error(deployed: Any) -> None:
    done = command(deployed.environ, "monitor", "--practice", "--once", "--plain", "--service", "nobody")
    assert done.returncode == 1
    assert f"There are: {NS}/{SVC} in rhaii-gpu-cluster" in done.stderr
    assert "Traceback" not in done.stderr


async def test_requests_become_figures(live: Monitor) -> None:
    state = await until(live, lambda s: s.total.counted == 3 and s.url)
    prompt = "Once upon a time there was a very long prompt. " * 120
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        for _ in range(3):
            body = {"model": state.model, "prompt": prompt, "max_tokens": 8}
            answers = await asyncio.gather(*(client.post(f"{state.url}/v1/completions", json=body) for _ in range(2)))
            assert all(a.status_code == 200 for a in answers)
    state = await until(live, lambda s: s.total.hit_ratio and s.picker and s.picker.decisions_per_s)
    busy = next(r.figures for r in state.replicas if r.figures.hit_ratio)
    assert busy.hit_ratio is not None
    assert 0 < busy.hit_ratio <= 1
    assert busy.ttft is not None
    assert 0 < busy.ttft.mean < 10
    assert any(c.value for r in state.replicas for c in live.history.cells(r.pod, "hit", state.at + 1, 60))


async def test_an_outage_of_the_api_server_loses_nothing(deployed: Any, live: Monitor) -> None:
    before = await until(live, lambda s: s.state == "ready" and s.total.counted == 3)
    sight = Sight(live, before)
    await ask(before, 3)
    began = live.state.at
    async with gone(deployed.descriptor["control"]):
        await until(live, lambda s: s.state == "unknown" and s.total.counted == 0)
        sight.stays()
        await ask(before, 12)  # the gateway goes on, and so do the engines' logs
        await until(live, lambda s: s.at - began > 4)
        sight.stays()
    after = await sight.caught_up()
    assert [r.uid for r in after.replicas] == [r.uid for r in before.replicas]
    assert {e.uid for e in before.events} <= {e.uid for e in after.events}
    assert sight.unseen_seconds(after.at, 8) >= 2
    async with asyncio.timeout(20):
        while any(len(read) < len(kept) for _, kept, read in await sight.lines()):
            pass  # each look asks the server
    for pod, kept, read in await sight.lines():
        shared = min(len(kept), len(read))
        assert read[-shared:] == kept[-shared:], pod
        assert any("POST /v1/completions" in line for line in read)
    await sight.logs.close()


async def test_logs_of_any_container(live: Monitor) -> None:
    state = await until(live, lambda s: s.replicas and s.picker and s.others)
    logs = ContainerLogs(live.cluster)
    heard = asyncio.Event()
    logs.book.listen(lambda stream, lines: heard.set() if any("vLLM" in line for line in lines) else None)
    first = state.replicas[0]
    stream = logs.open(NS, first.pod, "main")
    await asyncio.wait_for(heard.wait(), 20)
    assert logs.open(NS, first.pod, "main") == stream
    never = await logs.previous(NS, first.pod, "main")
    assert "has not run before" in logs.book.lines(never)[0]
    missing = await logs.previous(NS, "nobody", "main")
    assert "not read" in logs.book.lines(missing)[0]
    for namespace, pod, names in state.others:
        logs.open(namespace, pod, names[0])
    await logs.close()


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="needs kubectl")
async def test_a_service_made_by_hand_is_found_and_watched(deployed: Any, endpoints: Endpoints, tmp_path: Path) -> None:
    environ = dict(os.environ, KUBECONFIG=deployed.line["kubeconfig"])

    async def kubectl(*words: str, text: str = "") -> str:
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(
            "kubectl", *words, env=environ, stdin=pipe, stdout=pipe, stderr=pipe
        )
        out, error = await child.communicate(text.encode())
        assert child.returncode == 0, error.decode()
        return out.decode()

    ours = json.loads(await kubectl("-n", NS, "get", "llminferenceservice", SVC, "-o", "json"))
    by_hand = {
        "apiVersion": ours["apiVersion"],
        "kind": ours["kind"],
        "metadata": {"name": "by-hand", "namespace": NS},
        "spec": {**ours["spec"], "replicas": 1, "router": {"gateway": {}, "route": {}}},
    }
    await kubectl("-n", NS, "patch", "llminferenceservice", SVC, "--type=merge", "-p", '{"spec":{"replicas":2}}')
    await kubectl("apply", "-f", "-", text=yaml.safe_dump(by_hand))
    file = Path(deployed.line["kubeconfig"])
    with pytest.raises(NothingChosen, match="2 services were found"):
        await attach(endpoints, Wish(kubeconfig=file))
    found = await attach(endpoints, Wish(kubeconfig=file, service="by-hand"))
    try:
        async with Monitor(found.cluster, endpoints, NS, "by-hand", interval=0.5) as monitor:
            state = await until(monitor, lambda s: s.state == "ready" and s.total.counted == 1)
    finally:
        await found.cluster.close()
    assert [p.kind for p in state.parts] == ["Gateway", "HTTPRoute", "LLMInferenceService"]
    assert state.picker is None
    assert state.replicas[0].pod.startswith("by-hand-")
