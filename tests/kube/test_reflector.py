"""The watch loop against each fault a server can have, over real TLS sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from aiohttp import web
from scripted_api import PODS, ScriptedApi, cut, event, pod, pod_list, status, stream

from rhaii_tui.clock import Clock
from rhaii_tui.kube.connect import Cluster
from rhaii_tui.kube.reflector import Changed, Lost, Reflector, Restored, Synced


class Tape:
    """Collects what a reflector tells until the test has seen enough."""

    def __init__(self, reflector: Reflector) -> None:
        self._stream = aiter(reflector)
        self.told: list[Any] = []

    async def until(self, *types: type) -> list[Any]:
        """Everything up to and with the last of `types`, in this order."""
        wanted, seen = list(types), []
        async with asyncio.timeout(20):
            while wanted:
                happening = await anext(self._stream)
                seen.append(happening)
                if isinstance(happening, wanted[0]):
                    wanted.pop(0)
        self.told += seen
        return seen

    async def close(self) -> None:
        await self._stream.aclose()


@pytest.fixture
async def tape(cluster: Cluster) -> AsyncIterator[Tape]:
    tape = Tape(Reflector(cluster, PODS, clock=Clock(60), idle_limit=5.0))
    yield tape
    await tape.close()


def is_watch(request: web.Request) -> bool:
    return "watch" in request.query


async def test_lists_in_pages_then_watches_from_that_version(api: ScriptedApi, tape: Tape) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if is_watch(request):
            bookmark = {"kind": "Pod", "metadata": {"resourceVersion": "12"}}
            return await stream(
                request, event("ADDED", pod("c", 11)), event("BOOKMARK", bookmark), event("DELETED", pod("a", 13))
            )
        return pod_list(10, pod("b", 5)) if request.query.get("continue") else pod_list(9, pod("a", 4), token="next")

    api.answer = answer
    synced, added, deleted = await tape.until(Synced, Changed, Changed)
    assert [p["metadata"]["name"] for p in synced.items] == ["a", "b"]
    assert all("managedFields" not in p["metadata"] for p in (*synced.items, added.obj, deleted.obj))
    assert (added.type, deleted.type) == ("ADDED", "DELETED")
    watch = api.asked[2][2]
    assert watch["resourceVersion"] == "10"
    assert watch["allowWatchBookmarks"] == "true"
    assert 240 <= int(watch["timeoutSeconds"]) <= 480
    assert api.asked[0][2]["limit"] == "250"


@pytest.mark.parametrize("how", ["by HTTP", "in the stream"])
async def test_expired_version_lists_again(api: ScriptedApi, tape: Tape, how: str) -> None:
    watches = 0
    gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version: 1 (719)"}

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal watches
        if not is_watch(request):
            return pod_list(10 + watches, pod("a", 4))
        watches += 1
        if watches > 1:
            return await stream(request, event("MODIFIED", pod("a", 20)))
        if how == "by HTTP":
            return status(410, "Expired", "too old resource version: 1 (719)")
        return await stream(request, event("ERROR", gone), hold=False)

    api.answer = answer
    told = await tape.until(Synced, Lost, Synced, Restored, Changed)
    assert "410" in told[1].reason
    assert [q.get("resourceVersion") for _, _, q in api.asked if "watch" in q] == ["10", "11"]


async def test_streams_that_end_at_once_do_not_become_a_storm(api: ScriptedApi, tape: Tape) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return await stream(request, hold=False) if is_watch(request) else pod_list(10)

    api.answer = answer
    told = await tape.until(Synced, Lost, Lost, Lost, Lost)
    pauses = [t.retry_in for t in told if isinstance(t, Lost)]
    assert pauses[0] < 0.7
    assert pauses[2] > 1.4
    assert max(pauses) < 2.5, "a fast clock shortens the longest pause"
    assert len({t.since for t in told if isinstance(t, Lost)}) == 1, "not live since the first loss"
    assert sum(1 for _, _, q in api.asked if "watch" not in q) == 1, "resumes from the version, lists once"
    assert len(api.asked) <= 6


async def test_silence_beyond_the_limit_is_a_dead_connection(api: ScriptedApi, cluster: Cluster) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return await stream(request) if is_watch(request) else pod_list(10)

    api.answer = answer
    tape = Tape(Reflector(cluster, PODS, idle_limit=0.3))
    told = await tape.until(Synced, Lost)
    await tape.close()
    assert "silent for 0.3 s" in told[-1].reason


async def test_a_quiet_stream_counts_as_live_again(api: ScriptedApi, tape: Tape) -> None:
    watches = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal watches
        if not is_watch(request):
            return pod_list(10)
        watches += 1
        return await stream(request, hold=watches > 1)

    api.answer = answer
    await tape.until(Synced, Lost, Restored)


@pytest.mark.parametrize(
    ("code", "body", "content_type", "word"),
    [
        (404, "404 page not found", "text/plain", "404 page not found"),
        (
            503,
            "<html><head><title>503 Service Temporarily Unavailable</title></head></html>",
            "text/html",
            "Temporarily",
        ),
    ],
)
async def test_error_pages_are_never_events(
    api: ScriptedApi, tape: Tape, code: int, body: str, content_type: str, word: str
) -> None:
    watches = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal watches
        if not is_watch(request):
            return pod_list(10)
        watches += 1
        if watches == 1:
            return web.Response(status=code, text=body, content_type=content_type)
        return await stream(request, event("ADDED", pod("a", 11)))

    api.answer = answer
    told = await tape.until(Synced, Lost)
    assert word in told[-1].reason
    if code == 404:
        assert 1.0 <= told[-1].retry_in < 2.0, "5 s, less on a fast clock"
    else:
        assert told[-1].retry_in < 1.0
        await tape.until(Restored, Changed)


async def test_text_within_a_stream_is_a_failure_not_an_event(api: ScriptedApi, tape: Tape) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return await stream(request, b"upstream went away\n") if is_watch(request) else pod_list(10)

    api.answer = answer
    told = await tape.until(Synced, Lost)
    assert "not an event" in told[-1].reason


async def test_a_cut_inside_an_event_resumes_after_the_last_whole_one(api: ScriptedApi, tape: Tape) -> None:
    watches, first_seen = 0, asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal watches
        if not is_watch(request):
            return pod_list(10)
        watches += 1
        if watches > 1:
            return await stream(request, event("ADDED", pod("b", 12)))
        response = await stream(request, event("ADDED", pod("a", 11)), event("ADDED", pod("b", 12))[:40], hold=False)
        await first_seen.wait()
        cut(request)
        return response

    api.answer = answer
    told = await tape.until(Synced, Changed)
    first_seen.set()
    told += await tape.until(Lost, Restored, Changed)
    assert [t.obj["metadata"]["name"] for t in told if isinstance(t, Changed)] == ["a", "b"]
    assert [q["resourceVersion"] for _, _, q in api.asked if "watch" in q] == ["10", "11"]


async def test_retry_after_is_honoured(api: ScriptedApi, tape: Tape) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if is_watch(request):
            return web.Response(status=429, headers={"Retry-After": "7"}, text="slow down")
        return pod_list(10)

    api.answer = answer
    told = await tape.until(Synced, Lost)
    assert told[-1].retry_in >= 7


async def test_a_restarted_server_is_resumed_without_a_new_list(api: ScriptedApi, tape: Tape) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if not is_watch(request):
            return pod_list(10, pod("a", 4))
        return await stream(request, event("MODIFIED", pod("a", 11 + len(api.asked))))

    api.answer = answer
    await tape.until(Synced, Changed)
    await api.stop()
    await tape.until(Lost, Lost)
    await api.start()
    await tape.until(Restored, Changed)
    assert sum(1 for _, _, q in api.asked if "watch" not in q) == 1


async def test_closing_ends_the_server_side(api: ScriptedApi, cluster: Cluster) -> None:
    ended = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        if not is_watch(request):
            return pod_list(10)
        try:
            return await stream(request)
        finally:
            ended.set()

    api.answer = answer
    async with aclosing(aiter(Reflector(cluster, PODS))) as happenings:
        await anext(happenings)
        watching = asyncio.ensure_future(anext(happenings))
        await api.requests(2)
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching
    await asyncio.wait_for(ended.wait(), 10)
