"""Calls in threads against odd answers: what is repeated, what is not, and what comes out."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from rhaii_tui.catalog.shapes import Accelerator, Topology
from rhaii_tui.catalog.target import Target
from rhaii_tui.google.calls import call
from rhaii_tui.google.compute import Compute
from rhaii_tui.google.errors import CloudError, Kind
from rhaii_tui.google.gke import Gke
from rhaii_tui.google.operations import wait
from rhaii_tui.google.rest import Rest

sys.path.insert(0, str(Path(__file__).parent))
from odd_server import odd_server

PAGE = "<html><head><title>502 Bad Gateway</title></head></html>"
TARGET = Target(
    accelerator=Accelerator.GPU_T4, topology=Topology.SINGLE, project="demo-project", zone="us-central1-a", cluster="c",
    pool="p", namespace="n", service="s", replicas=2, model="m", image="i",
)  # fmt: skip


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("first\n")
    return path


async def html(_: web.Request) -> web.Response:
    return web.Response(status=502, text=PAGE, content_type="text/html")


async def empty(_: web.Request) -> web.Response:
    return web.Response(text="", content_type="application/json")


async def reset(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@pytest.mark.parametrize("answer", [html, empty, reset])
async def test_a_change_is_never_repeated_and_is_ambiguous(answer: object, token: Path) -> None:
    async with odd_server(answer, token) as odd:  # type: ignore[arg-type]
        with pytest.raises(CloudError) as caught:
            await Gke(odd.endpoints, "demo-project").create_cluster(TARGET, {})
        assert caught.value.kind is Kind.NETWORK
        assert caught.value.ambiguous
        assert len(odd.requests) == 1


@pytest.mark.parametrize("trouble", [html, reset])
async def test_a_read_is_repeated_until_it_is_answered(trouble: object, token: Path) -> None:
    async def recover(request: web.Request) -> web.StreamResponse:
        if len(odd.requests) < 3:
            return await trouble(request)  # type: ignore[operator,no-any-return]
        return web.json_response({"name": "c", "status": "RUNNING", "location": "us-central1-a"})

    async with odd_server(recover, token) as odd:
        cluster = await Gke(odd.endpoints, "demo-project").get_cluster("us-central1-a", "c")
    assert cluster.status == "RUNNING"
    assert len(odd.requests) == 3


async def test_what_is_forbidden_is_asked_once_and_names_the_permission(token: Path) -> None:
    async def forbid(_: web.Request) -> web.Response:
        message = 'Required "container.clusters.get" permission(s) for "projects/demo-project".'
        return web.json_response(
            {"error": {"code": 403, "message": message, "status": "PERMISSION_DENIED"}}, status=403
        )

    async with odd_server(forbid, token) as odd:
        with pytest.raises(CloudError) as caught:
            await Gke(odd.endpoints, "demo-project").get_cluster("us-central1-a", "c")
    assert caught.value.kind is Kind.PERMISSION
    assert caught.value.permission == "container.clusters.get"
    assert "POST http" not in caught.value.message
    assert len(odd.requests) == 1


async def test_a_rotated_token_is_read_anew(token: Path) -> None:
    async def picky(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Bearer second":
            token.write_text("second")  # noqa: ASYNC240 - a few bytes
            return web.json_response({"error": {"code": 401, "message": "invalid authentication"}}, status=401)
        return web.json_response({"name": "c"})

    async with odd_server(picky, token) as odd:
        await Gke(odd.endpoints, "demo-project").get_cluster("us-central1-a", "c")
        token.write_text("first")  # noqa: ASYNC240 - a few bytes
        assert odd.tokens == ["Bearer first", "Bearer second"]
        await Rest(odd.endpoints, "demo-project").get(f"{odd.endpoints.billing}/v1/services")


async def test_a_token_that_stays_refused_or_is_missing_is_an_auth_error(token: Path) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.json_response({"error": {"code": 401, "message": "invalid authentication"}}, status=401)

    async with odd_server(refuse, token) as odd:
        for ask in (
            Gke(odd.endpoints, "p").list_clusters(),
            Rest(odd.endpoints, "p").get(f"{odd.endpoints.billing}/v1/services"),
            Compute(odd.endpoints, "p").zone("z"),
        ):
            with pytest.raises(CloudError) as caught:
                await ask
            assert caught.value.kind is Kind.AUTH
        token.unlink()  # noqa: ASYNC240 - as quick
        with pytest.raises(CloudError, match="cannot be read") as caught:
            await Gke(odd.endpoints, "p").list_clusters()
        assert caught.value.kind is Kind.AUTH


async def test_too_many_requests_and_cut_bodies_pass_by(token: Path) -> None:
    async def slow_down(request: web.Request) -> web.StreamResponse:
        if len(odd.requests) == 1:
            return web.json_response({"error": {"code": 429, "message": "slow down"}}, status=429)
        if len(odd.requests) == 2:
            return web.Response(text='{"cut": ', content_type="application/json")
        return web.json_response({"services": []})

    async with odd_server(slow_down, token) as odd:
        assert await Rest(odd.endpoints, "p").get(f"{odd.endpoints.billing}/v1/services") == {"services": []}
        assert len(odd.requests) == 3


async def test_a_cancelled_call_is_dropped_and_its_thread_is_a_daemon() -> None:
    began, may_end = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def slow() -> str:
        threads.append(threading.current_thread())
        began.set()
        may_end.wait(10)
        return "late"

    task = asyncio.create_task(call(slow))
    await asyncio.get_running_loop().run_in_executor(None, began.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert threads[0].daemon
    may_end.set()
    await asyncio.get_running_loop().run_in_executor(None, threads[0].join, 10)
    await asyncio.sleep(0)


async def test_no_more_than_eight_at_once() -> None:
    lock, most, now = threading.Lock(), 0, 0
    barrier = threading.Barrier(8, timeout=10)

    def work() -> None:
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now)
        barrier.wait()
        with lock:
            now -= 1

    await asyncio.gather(*(call(work) for _ in range(24)))
    assert most == 8


async def test_a_server_that_drips_is_given_up() -> None:
    never = threading.Event()
    with pytest.raises(CloudError, match="No complete answer") as caught:
        await call(never.wait, 5, deadline=0.05)
    assert caught.value.ambiguous
    never.set()


async def test_an_operation_is_waited_for_through_a_network_loss(token: Path) -> None:
    """Progress is heard, the loss is told, an instance group's stockout comes early, the end decides."""
    steps: Iterator[str] = iter(["RUNNING", "reset", "RUNNING", *["RUNNING"] * 20, "DONE"])

    async def operation(request: web.Request) -> web.StreamResponse:
        step = next(steps)
        if step == "reset":
            return await html(request) if len(odd.requests) < 4 else await reset(request)
        done = {"error": {"code": 8, "message": "[GCE_STOCKOUT]: not enough"}} if step == "DONE" else {}
        return web.json_response({"name": "operation-1", "status": step, "zone": "us-central1-a", **done})

    async def look() -> tuple[CloudError, ...]:
        return (CloudError(Kind.STOCKOUT, "no T4 in the zone"),)

    heard: list[str] = []
    troubles: list[Kind] = []
    async with odd_server(operation, token) as odd:
        gke = Gke(odd.endpoints, "p")
        first = await gke.get_operation("us-central1-a", "operation-1")
        with pytest.raises(CloudError) as caught:
            await wait(
                gke, first, odd.endpoints.clock, look=look,
                progress=lambda o: heard.append(o.status), trouble=lambda e: troubles.append(e.kind),
            )  # fmt: skip
    assert caught.value.kind is Kind.STOCKOUT
    assert heard[-1] == "DONE"
    assert troubles == [Kind.STOCKOUT]
