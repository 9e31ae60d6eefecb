"""The preflight against the practice cloud: every check answers, every fault is named, nothing unread is green."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from aiohttp import web

from rhaii_tui.advisor.preflight import planned, preflight, verdict
from rhaii_tui.catalog.findings import Finding, Status
from rhaii_tui.catalog.target import Target
from rhaii_tui.clock import Clock
from rhaii_tui.endpoints import Endpoints, practice_cloud
from rhaii_tui.settings import resolve

pytestmark = pytest.mark.wire


@pytest.fixture
def cloud(practice) -> Iterator[Endpoints]:  # type: ignore[no-untyped-def]
    yield practice_cloud(practice.descriptor_path)
    with httpx.Client(trust_env=False) as client:
        faults = client.get(f"{practice.descriptor['control']}/faults").json()["faults"]
        for fault in faults:
            if fault["on"]:
                client.post(f"{practice.descriptor['control']}/faults/{fault['name']}", json={"on": False})


def target(cloud: Endpoints, folder: Path, accelerator: str = "gpu", **flags: object) -> Target:
    asked = {"accelerator": accelerator, "topology": "scale-out", **flags}
    return resolve(asked, cloud, {"HOME": str(folder), "RHAII_TUI_HOME": str(folder)}, folder).target()


async def look(wanted: Target, cloud: Endpoints, folder: Path) -> dict[str, Finding]:
    return {f.rule: f async for f in preflight(wanted, cloud, folder=folder)}


@asynccontextmanager
async def fault(practice, name: str) -> AsyncIterator[None]:  # type: ignore[no-untyped-def]
    async with httpx.AsyncClient(trust_env=False) as client:
        url = f"{practice.descriptor['control']}/faults/{name}"
        (await client.post(url, json={"on": True})).raise_for_status()
        yield
        (await client.post(url, json={"on": False})).raise_for_status()


@pytest.mark.parametrize("accelerator", ["gpu", "tpu"])
async def test_a_healthy_cloud_passes_with_evidence(cloud: Endpoints, tmp_path: Path, accelerator: str) -> None:
    wanted = target(cloud, tmp_path, accelerator)
    before = time.time()
    found = await look(wanted, cloud, tmp_path)
    assert set(found) == {check.rule for check in planned(wanted)}
    assert verdict(found.values()) == 0
    warned = {rule for rule, f in found.items() if f.status is not Status.PASS}
    assert warned == ({"preflight.quota.tpu-v6e"} if accelerator == "tpu" else set())
    for finding in found.values():
        assert finding.evidence
        assert finding.evidence[0].source
        assert finding.evidence[0].text
        assert before <= finding.evidence[0].observed_at <= time.time()
    secret = wanted.pull_secret_file
    assert secret is not None
    token = cloud.token()
    assert token is not None
    assert token not in json.dumps([f.model_dump(mode="json") for f in found.values()])


@pytest.mark.parametrize(
    ("name", "accelerator", "rule", "status", "words"),
    [
        ("gpu-quota-zero", "gpu", "preflight.quota.nvidia-t4-gpus", Status.FAIL, "3 more needed, 0 left of 0"),
        ("gpus-all-regions-zero", "gpu", "preflight.quota.gpus-all-regions", Status.FAIL, "GPUS_ALL_REGIONS"),
        ("tpu-quota-unset", "tpu", "preflight.quota.tpu-v6e", Status.FAIL, "the limit is 0"),
        ("quotas-unknown", "gpu", "preflight.quota.nvidia-t4-gpus", Status.UNKNOWN, "Google"),
        ("permission-missing", "gpu", "preflight.permissions", Status.FAIL, "container.clusters.create"),
        ("api-disabled", "gpu", "preflight.apis", Status.FAIL, "container.googleapis.com"),
    ],
)
async def test_a_fault_is_named(
    practice, cloud: Endpoints, tmp_path: Path, name: str, accelerator: str, rule: str, status: Status, words: str,
) -> None:  # type: ignore[no-untyped-def]  # fmt: skip
    async with fault(practice, name):
        found = await look(target(cloud, tmp_path, accelerator), cloud, tmp_path)
    assert found[rule].status is status, found[rule]
    assert words in found[rule].message
    assert found[rule].remediation
    assert found[rule].next_key
    assert verdict(found.values()) == (3 if status is Status.UNKNOWN else 1)


async def test_a_zone_without_the_machine_offers_others(cloud: Endpoints, tmp_path: Path) -> None:
    found = await look(target(cloud, tmp_path, zone="us-south1-a"), cloud, tmp_path)
    assert found["preflight.machine-type"].status is Status.FAIL
    assert found["preflight.accelerator-type"].status is Status.FAIL
    assert "us-central1-a" in found["preflight.accelerator-type"].remediation
    assert found["preflight.prices"].status is Status.WARN
    nowhere = await look(target(cloud, tmp_path, zone="mars-north1-a"), cloud, tmp_path)
    assert nowhere["preflight.zone"].status is Status.FAIL


async def test_another_mans_cluster_is_not_touched(cloud: Endpoints, tmp_path: Path) -> None:
    found = await look(target(cloud, tmp_path, zone="us-central1-b", cluster="shared-tools"), cloud, tmp_path)
    assert found["preflight.cluster"].status is Status.FAIL
    assert "not created by rhaii-tui" in found["preflight.cluster"].message


async def test_local_files_are_looked_at(cloud: Endpoints, tmp_path: Path) -> None:
    bad = tmp_path / "pull.yaml"
    bad.write_text("kind: ConfigMap")
    flags = {
        "pull_secret_file": str(bad),
        "hf_token_file": str(tmp_path / "none"),
        "operators_directory": "/nonexistent",
    }
    found = await look(target(cloud, tmp_path, **flags), cloud, tmp_path)
    for rule in ("preflight.pull-secret", "preflight.hf-token", "preflight.operators"):
        assert found[rule].status is Status.FAIL, rule
        assert found[rule].remediation


async def test_an_unreachable_cloud_is_unknown_and_never_green(tmp_path: Path) -> None:
    """Nothing listens; without a token file even the question is not put."""
    base = "http://127.0.0.1:9"
    token = tmp_path / "token"
    token.write_text("t")
    unreachable = Endpoints("gone", base, base, base, base, base, base, Clock(60), token_file=token, trust_env=False)
    wanted = target(unreachable, tmp_path, project="my-project")
    local = {"preflight.pull-secret", "preflight.hf-token", "preflight.operators"}
    found = await look(wanted, unreachable, tmp_path)
    for rule, finding in found.items():
        if rule not in local | {"preflight.credentials", "preflight.prices"}:
            assert finding.status is Status.UNKNOWN, rule
    assert found["preflight.prices"].status is Status.WARN
    token.unlink()
    found = await look(wanted, unreachable, tmp_path)
    assert set(found) == {check.rule for check in planned(wanted)}
    assert found["preflight.credentials"].status is Status.FAIL
    assert found["preflight.zone"].status is Status.UNKNOWN


async def test_a_forbidden_look_names_the_permission(tmp_path: Path) -> None:
    async def forbid(_: web.Request) -> web.Response:
        return web.json_response({"error": {"code": 403, "message": "The caller does not have permission"}}, status=403)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", forbid)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    token = tmp_path / "token"
    token.write_text("t")
    closed = Endpoints("closed", base, base, base, base, base, base, Clock(60), token_file=token, trust_env=False)
    try:
        found = await look(target(closed, tmp_path, "tpu", project="my-project"), closed, tmp_path)
    finally:
        await runner.cleanup()
    assert "cloudquotas.quotas.get" in found["preflight.quota.tpu-v6e"].message
    assert "compute.regions.get" in found["preflight.quota.cpus"].message
    assert found["preflight.quota.tpu-v6e"].status is Status.UNKNOWN
