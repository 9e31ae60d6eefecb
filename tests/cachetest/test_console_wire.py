"""The console against a gateway, replicas and an API server on sockets: what it says must be so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from traffic_stage import GPU, GPU_ARGS, NS, SVC, TPU, Stage, stage

from rhaii_tui.cachetest.console import Console
from rhaii_tui.cachetest.records import Concluded, ConsoleEvent, RequestDone, TestPlan, Verdict
from rhaii_tui.cachetest.report import lines, record
from rhaii_tui.cachetest.traffic import GeneratorDied, Traffic
from rhaii_tui.clock import Clock
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.kube.connect import Cluster

SMALL = TestPlan(families=8, repeats=4, controls=4, load_seconds=1.0)
TINY = TestPlan(families=4, repeats=2, controls=2, load_seconds=0)


@asynccontextmanager
async def console(on: Stage, folder: Path) -> AsyncIterator[Console]:
    await on.cluster.start()
    token = folder / "token"
    token.write_text(on.world.token)
    base = "http://127.0.0.1:9"
    endpoints = Endpoints("practice:test", base, base, base, base, base, base, Clock(60), token_file=token,
                          trust_env=False)  # fmt: skip
    cluster = await Cluster.from_gke(on.cluster.address, on.cluster.ca_pem, endpoints)
    try:
        yield Console(cluster, endpoints, NS, SVC, f"{on.world.gateway_url}/{NS}/{SVC}")
    finally:
        await cluster.close()
        await on.cluster.stop()


async def verdict(on: Stage, folder: Path, plan: TestPlan = SMALL) -> tuple[Verdict, list[ConsoleEvent]]:
    async with console(on, folder) as tested:
        events = [event async for event in tested.run(plan)]
    last = events[-1]
    assert isinstance(last, Concluded)
    assert [line for event in events for line in lines(event)]
    assert all(record(event)["type"] for event in events)
    return last.verdict, events


async def test_three_replicas_behind_the_picker_are_proven(tmp_path: Path) -> None:
    async with stage(tmp_path, "brief") as (on, _):
        on.gateway()
        on.service()
        on.workload(3)
        on.scheduler()
        said, events = await verdict(on, tmp_path)
    assert (said.routing, said.cache, said.verdict) == ("PROVEN", "PROVEN", "WORKING"), said
    assert said.sent == said.ok >= 36
    assert len(said.shares) == 3
    tested = [e.record for e in events if isinstance(e, RequestDone) and e.record.phase == "affinity"]
    assert all(r.replica and r.picked for r in tested)


async def test_a_picker_that_fails_open_is_not_proven_while_all_answers_are_200(tmp_path: Path) -> None:
    async with stage(tmp_path, "brief") as (on, _):
        on.gateway()
        on.service()
        on.workload(3)
        on.scheduler()
        await on.world.faults.switch("epp-dead", True)
        said, _ = await verdict(on, tmp_path)
    assert said.routing == "NOT PROVEN", said
    assert said.sent == said.ok


async def test_a_single_replica_proves_its_cache_only(tmp_path: Path) -> None:
    async with stage(tmp_path, "brief") as (on, _):
        on.gateway()
        on.service(pool=False)
        on.workload(1, args=(*GPU_ARGS, "--enable-prefix-caching"), limits=GPU)
        said, _ = await verdict(on, tmp_path, TINY)
    assert (said.routing, said.cache) == ("NOT APPLICABLE", "PROVEN"), said


async def test_a_cache_that_is_off_is_not_proven(tmp_path: Path) -> None:
    async with stage(tmp_path, "brief") as (on, _):
        on.gateway()
        on.service(pool=False)
        on.workload(1, args=(*GPU_ARGS, "--no-enable-prefix-caching"), limits=GPU)
        said, _ = await verdict(on, tmp_path, TINY)
    assert said.cache == "NOT PROVEN", said
    assert said.verdict == "CACHE OFF"


async def test_blocks_of_128_tokens_are_met_on_tpu(tmp_path: Path) -> None:
    async with stage(tmp_path, "brief") as (on, _):
        on.gateway()
        on.service(pool=False)
        args = [a if a != "4096" else "2048" for a in GPU_ARGS]
        on.workload(1, args=args, limits=TPU)
        said, _ = await verdict(on, tmp_path, TINY)
    assert said.cache == "PROVEN", said
    assert any("blocks of 128" in reason for reason in said.reasons)


async def test_nothing_behind_the_address_is_unknown_not_a_traceback(tmp_path: Path) -> None:
    base = "http://127.0.0.1:9"
    endpoints = Endpoints("practice:test", base, base, base, base, base, base, trust_env=False)
    tested = Console(None, endpoints, NS, SVC, "http://127.0.0.1:9/a/b")
    events = [event async for event in tested.run(SMALL)]
    last = events[-1]
    assert isinstance(last, Concluded)
    assert (last.verdict.routing, last.verdict.cache, last.verdict.verdict) == ("UNKNOWN", "UNKNOWN", "NOT READY")


async def test_a_generator_that_is_gone_is_said(tmp_path: Path) -> None:
    async with Traffic("http://127.0.0.1:9", "m") as traffic:
        assert traffic.process is not None
        traffic.process.kill()
        await traffic.process.wait()
        with pytest.raises(GeneratorDied):
            await traffic.ask({"id": 1})
