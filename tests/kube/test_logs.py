"""Following a log through cuts, restarts and ugly bytes: no line twice, none lost, none unbounded."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from scripted_api import PODS, ScriptedApi, cut, status, stream

from rhaii_tui.kube.connect import Cluster
from rhaii_tui.kube.errors import ApiError
from rhaii_tui.kube.logs import LINE_LIMIT, LineReader, follow

WAITING = 'container "main" in pod "p" is waiting to start: PodInitializing'


def line(second: int, fraction: str, text: str | bytes) -> bytes:
    body = text if isinstance(text, bytes) else text.encode()
    return f"2026-08-22T10:00:{second:02d}{fraction}Z ".encode() + body + b"\n"


def pod_with(**container_state: Any) -> web.Response:
    container = {"name": "main", "state": container_state}
    return web.json_response(
        {"kind": "Pod", "metadata": {"name": "p"}, "status": {"phase": "Running", "containerStatuses": [container]}}
    )


DONE = {"terminated": {"exitCode": 0, "reason": "Completed"}}


async def collect(cluster: Cluster, enough: asyncio.Event | None = None, **options: Any) -> list[str]:
    """All lines; `enough` is set once three have come."""
    lines: list[str] = []
    async with asyncio.timeout(20), aclosing(follow(cluster, "ns", "p", "main", **options)) as batches:
        async for batch in batches:
            lines += batch
            if enough and len(lines) >= 3:
                enough.set()
    return lines


def is_log(request: web.Request) -> bool:
    return request.path == f"{PODS}/p/log"


async def test_a_cut_resumes_at_the_last_stamp_and_repeats_nothing(api: ScriptedApi, cluster: Cluster) -> None:
    first = [line(1, ".5", "a"), line(2, ".12", "b"), line(2, ".12", "c")]
    logs, read = 0, asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal logs
        if not is_log(request):
            return pod_with(running={}) if logs < 2 else pod_with(**DONE)
        logs += 1
        if logs == 1:
            response = await stream(request, *first, line(3, "", "half")[:-3], hold=False)
            await read.wait()
            cut(request)
            return response
        replay = [*first[1:], line(2, ".123", "d"), line(3, "", "half"), line(4, ".000000001", "e")]
        return await stream(request, *(replay if logs == 2 else replay[-1:]), hold=False)

    api.answer = answer
    assert await collect(cluster, read) == ["a", "b", "c", "d", "half", "e"]
    queries = [q for _, path, q in api.asked if path.endswith("/log")]
    assert "sinceTime" not in queries[0]
    assert queries[1]["sinceTime"] == "2026-08-22T10:00:02Z"
    assert all(q["timestamps"] == q["follow"] == "true" and q["container"] == "main" for q in queries)


async def test_waits_for_the_container_and_goes_on_after_a_restart(api: ScriptedApi, cluster: Cluster) -> None:
    logs = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal logs
        if not is_log(request):
            crashed = {"terminated": {"exitCode": 1, "reason": "Error"}}
            return pod_with(**DONE) if logs >= 4 else pod_with(**crashed)
        logs += 1
        match logs:
            case 1:
                return status(400, "BadRequest", WAITING)
            case 2:
                return await stream(request, line(1, "", "first run"), hold=False)
            case 3:
                return web.Response(status=503, text="<html>")
            case _:
                return await stream(request, line(1, "", "first run"), line(30, "", "second run"), hold=False)

    api.answer = answer
    assert await collect(cluster, tail=100) == ["first run", "second run"]


async def test_a_restart_behind_a_cut_loses_no_line_that_the_node_still_has(api: ScriptedApi, cluster: Cluster) -> None:
    old = [line(1, ".5", "a"), line(2, ".1", "b"), line(2, ".1", "c"), line(3, "", "last words")]
    new = [line(9, "", "new run"), line(9, ".5", "goes on")]
    logs, read = 0, asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal logs
        if not is_log(request):
            state = DONE if logs >= 3 else {"running": {}}
            container = {"name": "main", "restartCount": 1, "state": state}
            return web.json_response({"metadata": {"name": "p"}, "status": {"containerStatuses": [container]}})
        if request.query.get("previous"):
            return await stream(request, *old[1:], hold=False)
        logs += 1
        if logs == 1:
            response = await stream(request, *old[:3], hold=False)
            await read.wait()
            cut(request)
            return response
        return await stream(request, *new, hold=False)

    api.answer = answer
    assert await collect(cluster, read) == ["a", "b", "c", "last words", "new run", "goes on"]
    asked = [q for _, path, q in api.asked if path.endswith("/log")]
    assert [q.get("sinceTime", "")[-3:] for q in asked[:3]] == ["", "02Z", "03Z"]


async def test_a_deleted_pod_ends_it(cluster: Cluster) -> None:
    assert await collect(cluster) == []


async def test_what_waiting_cannot_heal_is_raised(api: ScriptedApi, cluster: Cluster) -> None:
    api.answer = lambda request: asyncio.sleep(0, status(400, "BadRequest", "container nope is not valid for pod p"))
    with pytest.raises(ApiError, match="not valid"):
        await collect(cluster)


async def test_progress_bars_bad_bytes_and_giant_lines(api: ScriptedApi, cluster: Cluster) -> None:
    bar = b"Capturing CUDA graphs:  33%| 1/3\rCapturing CUDA graphs:  66%| 2/3\r\rCapturing CUDA graphs: 100%| 3/3"
    giant = b"x" * 1_000_000

    async def answer(request: web.Request) -> web.StreamResponse:
        if not is_log(request):
            return pod_with(**DONE)
        return await stream(
            request, line(1, "", bar), line(2, "", b"caf\xe9 \xff"), line(3, "", giant), line(4, "", ""), hold=False
        )

    api.answer = answer
    lines = await collect(cluster)
    assert [text[-3:] for text in lines[:3]] == ["1/3", "2/3", "3/3"]
    assert lines[3] == "caf\ufffd \ufffd"
    assert len(lines[4]) < LINE_LIMIT + 200
    assert lines[4].endswith("bytes more)")
    assert lines[5] == ""


@given(st.lists(st.binary(max_size=40).filter(lambda b: b"\n" not in b), max_size=20), st.data())
def test_how_the_bytes_are_cut_into_chunks_does_not_matter(texts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(text + b"\n" for text in texts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    reader, other, lines = LineReader(), LineReader(), []
    for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        lines += reader.feed(whole[begin:end])
    assert lines == other.feed(whole)
    assert reader.finish() == other.finish() == []


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["", ".5", ".50", ".05", ".123456789"])), max_size=12),
    st.data(),
)
def test_a_replay_from_any_point_adds_exactly_the_rest(stamps: list[tuple[int, str]], data: st.DataObject) -> None:
    stamps.sort(key=lambda s: (s[0], s[1].lstrip(".").ljust(9, "0")))
    lines = [line(s, f, f"line {i}") for i, (s, f) in enumerate(stamps)]
    seen = data.draw(st.integers(0, len(lines)))
    reader = LineReader()
    reader.resume()
    got = reader.feed(b"".join(lines[:seen]))
    since = reader.resume()
    replayed = [b for b in lines if since is None or b[:19].decode() >= since[:19]]
    got += reader.feed(b"".join(replayed))
    assert got == [f"line {i}" for i in range(len(lines))]
