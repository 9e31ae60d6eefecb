"""The endpoint picker: affinity with it, chance without it, and what it tells of itself."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

import httpx
from traffic_stage import MODEL, SVC, Stage, counter, stage

from rhaii_tui.practice.traffic.scorers import Load, scores, weights_of

FILLER = "the quick brown fox jumps over the lazy dog and then it comes back again "


def prompt(family: int, repeat: int) -> str:
    return f"family {family} " + FILLER * 6 + f"question {repeat}"


async def rounds(client: httpx.AsyncClient, families: int, repeats: int) -> list[list[httpx.Response]]:
    """Round by round, so that every follow-up finds its family's first request done."""
    done = []
    for repeat in range(repeats):
        bodies = [{"model": MODEL, "prompt": prompt(f, repeat), "max_tokens": 1} for f in range(families)]
        done.append(await asyncio.gather(*(client.post("/v1/completions", json=body) for body in bodies)))
    return done


def matches(answers: list[list[httpx.Response]]) -> tuple[int, int]:
    """Follow-ups that reached the replica of their family's first request, of all follow-ups."""
    first = [a.headers["x-rhaii-upstream"] for a in answers[0]]
    later = [[a.headers["x-rhaii-upstream"] for a in answer] for answer in answers[1:]]
    return sum(a == b for row in later for a, b in zip(first, row, strict=True)), len(first) * len(later)


def serve(st: Stage, replicas: int = 3) -> None:
    st.gateway()
    st.service()
    st.workload(replicas)
    st.filter("x-rhaii-upstream")


async def test_a_picker_keeps_families_together(tmp_path: Path) -> None:
    async with stage(tmp_path) as (st, client):
        serve(st)
        st.scheduler()
        answers = await rounds(client, 12, 3)
        flat = [answer for row in answers for answer in row]
        assert all(a.status_code == 200 and a.headers["x-went-into-resp-headers"] == "true" for a in flat)
        assert matches(answers) == (24, 24)
        assert len({a.headers["x-rhaii-upstream"] for a in answers[0]}) >= 2
        cached = [(a.json()["usage"]["prompt_tokens_details"] or {}).get("cached_tokens", 0) for a in answers[1]]
        assert all(tokens >= 64 for tokens in cached)


async def test_a_dead_picker_fails_open_to_chance(tmp_path: Path) -> None:
    async with stage(tmp_path) as (st, client):
        serve(st)
        st.scheduler()
        await st.world.faults.switch("epp-dead", True)
        answers = await rounds(client, 12, 3)
        flat = [answer for row in answers for answer in row]
        assert all(a.status_code == 200 and "x-went-into-resp-headers" not in a.headers for a in flat)
        same, followed = matches(answers)
        assert same < followed * 0.8  # chance is a third; 20 or more of 24 would be one run in a million
        assert st.picker is not None
        async with st.proxied() as get:
            assert (await get(st.picker, 9090, "metrics")).status_code == 503
        await st.world.faults.switch("epp-dead", False)
        assert "x-went-into-resp-headers" in (await rounds(client, 1, 1))[0][0].headers


async def test_a_picker_that_is_not_ready_is_not_asked(tmp_path: Path) -> None:
    async with stage(tmp_path) as (st, client):
        serve(st, 1)
        st.scheduler()
        assert st.picker is not None
        st.unready(st.picker)
        answer = (await rounds(client, 1, 1))[0][0]
        assert (answer.status_code, "x-went-into-resp-headers" in answer.headers) == (200, False)


async def test_closed_pool_answers_500_without_picker(tmp_path: Path) -> None:
    async with stage(tmp_path) as (st, client):
        serve(st, 1)

        def close(pool: dict[str, dict[str, dict[str, str]]]) -> None:
            pool["spec"]["endpointPickerRef"]["failureMode"] = "FailClose"

        st.store.update("InferencePool", "rhaii-inference", f"{SVC}-inference-pool", close)
        assert (await rounds(client, 1, 1))[0][0].status_code == 500


async def test_its_index_outlives_an_engine_and_is_then_wrong(tmp_path: Path) -> None:
    async with stage(tmp_path) as (st, client):
        serve(st)
        st.scheduler()
        first = (await rounds(client, 1, 2))[1][0]
        assert first.json()["usage"]["prompt_tokens_details"]["cached_tokens"] > 0
        for pod in st.replicas:
            st.traffic.engine_stopped(pod["metadata"]["uid"])
            st.traffic.engine_started(st.cluster, pod)
        again = (await rounds(client, 1, 1))[0][0]
        assert again.headers["x-rhaii-upstream"] == first.headers["x-rhaii-upstream"]
        assert again.json()["usage"]["prompt_tokens_details"] is None


async def test_metrics_and_log_tell_every_decision(tmp_path: Path) -> None:
    async with stage(tmp_path) as (st, client):
        serve(st)
        st.scheduler()
        assert st.picker is not None
        answers = await rounds(client, 4, 2)
        async with st.proxied() as get:
            text = (await get(st.picker, 9090, "metrics")).text
            assert (await get(st.picker, 8000, "metrics")).status_code == 503
        assert counter(text, "inference_model_request_total") == 8
        assert counter(text, "inference_extension_scheduler_attempts_total") == 8
        assert counter(text, "inference_pool_ready_pods") == 3
        assert counter(text, "inference_extension_prefix_indexer_size") > 0
        assert counter(text, "inference_extension_prefix_indexer_hit_ratio_count") == 8
        lines = [json.loads(line) for line in st.log(st.picker)]
        handled = [line for line in lines if line["msg"] == "Request handled"]
        assert len(handled) == 8
        by_id = {line["x-request-id"]: line["endpoint"] for line in handled}
        for answer in (a for row in answers for a in row):
            assert answer.headers["x-rhaii-upstream"].removesuffix(":8000") in by_id[answer.headers["x-request-id"]]


async def test_short_prompts_are_invisible_to_it(tmp_path: Path) -> None:
    async with stage(tmp_path) as (st, client):
        serve(st)
        st.scheduler()
        assert st.picker is not None
        ask = {"model": MODEL, "prompt": "Translate to Spanish: Good morning", "max_tokens": 1}
        answers = await asyncio.gather(*(client.post("/v1/completions", json=ask) for _ in range(48)))
        assert len(Counter(a.headers["x-rhaii-upstream"] for a in answers)) == 3
        assert any("too small for prefix cache" in line for line in st.log(st.picker))


async def test_it_refuses_what_it_cannot_read(tmp_path: Path) -> None:
    async with stage(tmp_path) as (st, client):
        serve(st, 1)
        st.scheduler()
        for body, text in (
            (b"{", "Error unmarshaling request body"),
            (b'{"prompt": "x"}', "model not found in request body"),
            (b'{"model": "m"}', "prompt not found in request"),
        ):
            answer = await client.post("/v1/completions", content=body)
            assert (answer.status_code, answer.text) == (400, f"inference gateway: BadRequest - {text}")


def test_weights_come_from_its_configuration() -> None:
    config = (
        "plugins: [{type: prefix-cache-scorer}, {type: queue-scorer, name: q}, {type: max-score-picker}]\n"
        "schedulingProfiles: [{name: default, plugins: [{pluginRef: q, weight: 2}, "
        "{pluginRef: prefix-cache-scorer, weight: 3}, {pluginRef: max-score-picker}]}]"
    )

    def pod(*args: str) -> dict[str, object]:
        return {"spec": {"containers": [{"name": "main", "args": list(args)}]}}

    assert weights_of(pod()) == {"prefix-cache-scorer": 2.0, "load-aware-scorer": 1.0}
    assert weights_of(pod("--config-text", config)) == {"queue-scorer": 2.0, "prefix-cache-scorer": 3.0}
    assert weights_of(pod("--config-text=: not yaml: [")) == {"prefix-cache-scorer": 2.0, "load-aware-scorer": 1.0}
    busy, idle = Load(1, 0.0), Load(0, 0.0)
    # Under prefix 3 and queue 2, one waiting request outweighs half a shared prompt but not three quarters of it.
    assert scores({"queue-scorer": 2, "prefix-cache-scorer": 3}, [busy, idle], [0.5, 0.0]) == [1.5, 2.0]
    assert scores({"queue-scorer": 2, "prefix-cache-scorer": 3}, [busy, idle], [0.75, 0.0]) == [2.25, 2.0]
