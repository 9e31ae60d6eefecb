"""Simulated vLLM: hit arithmetic, streams, refusals, metrics by the rules of the Prometheus text format."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest
from traffic_stage import GPU_ARGS, MODEL, TPU, Stage, counter, stage

from rhaii_tui.practice.traffic.engine_args import tpu_block
from rhaii_tui.practice.traffic.tokens import tokenize

WORDS = "alpha beta gamma delta red blue lime "


def serve(st: Stage, args: tuple[str, ...] = GPU_ARGS, limits: dict[str, str] | None = None) -> None:
    st.gateway()
    st.service(pool=False)
    st.workload(1, args=args, limits=limits)


async def ask(client: httpx.AsyncClient, prompt: Any, **more: Any) -> httpx.Response:
    return await client.post("/v1/completions", json={"model": MODEL, "prompt": prompt, "max_tokens": 1, **more})


@pytest.mark.parametrize(("limits", "length", "block"), [(None, "4096", 16), (TPU, "2048", 128)])
async def test_hits_are_whole_blocks_below_the_last_token(
    tmp_path: Path, limits: dict[str, str] | None, length: str, block: int
) -> None:
    args = tuple(length if word == "4096" else word for word in GPU_ARGS)
    async with stage(tmp_path) as (st, client):
        serve(st, args, limits)
        queried = hits = 0
        async with st.proxied() as get:
            for count in (block - 1, block, block + 1, 2 * block, 2 * block + 1, 5 * block + 3):
                prompt = [count * 1000 + index for index in range(count)]
                first, second = await ask(client, [prompt]), await ask(client, prompt)
                assert first.json()["usage"]["prompt_tokens_details"] is None
                expected = block * ((count - 1) // block)
                told = second.json()["usage"]["prompt_tokens_details"]
                assert (told or {"cached_tokens": 0})["cached_tokens"] == expected
                queried, hits = queried + 2 * count, hits + expected
            text = (await get(st.replicas[0], 8000, "metrics")).text
        assert counter(text, "vllm:prefix_cache_queries_total") == queried
        assert counter(text, "vllm:prefix_cache_hits_total") == hits
        assert f'block_size="{block}"' in text


async def test_caching_and_its_telling_are_flags(tmp_path: Path) -> None:
    quiet = tuple(word for word in GPU_ARGS if word != "--enable-prompt-tokens-details")
    async with stage(tmp_path) as (st, client):
        serve(st, quiet)
        st.workload(1, args=(*GPU_ARGS, "--no-enable-prefix-caching"))
        st.unready(st.replicas[1])
        for _ in range(2):
            answer = await ask(client, WORDS * 10)
            assert answer.json()["usage"]["prompt_tokens_details"] is None
        async with st.proxied() as get:
            assert counter((await get(st.replicas[0], 8000, "metrics")).text, "vllm:prefix_cache_hits_total") > 0
            text = (await get(st.replicas[1], 8000, "metrics")).text
            assert counter(text, "vllm:prefix_cache_queries_total") == 0
            assert 'enable_prefix_caching="False"' in text


async def test_salts_and_models_do_not_share_blocks(tmp_path: Path) -> None:
    async with stage(tmp_path) as (st, client):
        serve(st)
        await ask(client, WORDS * 10)
        other = await ask(client, WORDS * 10, cache_salt="mine")
        assert other.json()["usage"]["prompt_tokens_details"] is None


async def test_a_stream_comes_token_by_token(tmp_path: Path) -> None:
    async with stage(tmp_path) as (st, client):
        serve(st)
        body = {
            "model": MODEL,
            "messages": [{"role": "user", "content": WORDS * 20}],
            "max_tokens": 6,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        events: list[dict[str, Any]] = []
        times: list[float] = []
        async with client.stream("POST", "/v1/chat/completions", json=body) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            opened = monotonic()
            lines = [line async for line in stamped(answer, times)]
        assert lines[-1] == "data: [DONE]"
        events = [json.loads(line[6:]) for line in lines[:-1]]
        assert events[0]["choices"][0]["delta"]["role"] == "assistant"
        assert [e["choices"][0]["finish_reason"] for e in events[:-1]] == [None] * 6 + ["length"]
        assert events[-1]["choices"] == []
        assert events[-1]["usage"]["completion_tokens"] == 6
        assert times == sorted(times)
        # Headers come before the first token, and tokens apart: this is order, not speed.
        assert opened < times[0] < times[2] < times[-1]


async def stamped(answer: httpx.Response, times: list[float]) -> Any:
    async for line in answer.aiter_lines():
        if line:
            times.append(monotonic())
            yield line


async def test_the_model_ends_by_itself_unless_told_not_to(tmp_path: Path) -> None:
    async with stage(tmp_path, "brief") as (st, client):
        serve(st)
        free, bound = await asyncio.gather(
            ask(client, "Tell me a story", max_tokens=130), ask(client, "Tell me", max_tokens=130, ignore_eos=True)
        )
        assert free.json()["choices"][0]["finish_reason"] == "stop"
        assert 24 <= free.json()["usage"]["completion_tokens"] < 130
        assert bound.json()["choices"][0]["finish_reason"] == "length"
        assert bound.json()["usage"]["completion_tokens"] == 130


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/v1/completions", {"model": "other", "prompt": "x"}, 404, "The model `other` does not exist."),
        ("/v1/completions", {"model": MODEL}, 400, "prompt"),
        ("/v1/completions", {"model": MODEL, "prompt": ""}, 400, "prompt is required"),
        ("/v1/completions", {"model": MODEL, "prompt": "x", "max_tokens": "9"}, 400, "valid integer"),
        ("/v1/completions", {"model": MODEL, "prompt": "x", "max_tokens": 0}, 400, "at least 1"),
        ("/v1/completions", {"model": MODEL, "prompt": "x", "max_tokens": 4096}, 400, "maximum context length is 4096"),
        ("/v1/completions", [1], 400, "Field required"),
        ("/v1/chat/completions", {"model": MODEL, "messages": []}, 400, "messages"),
        ("/v1/chat/completions", {"model": MODEL, "messages": [{"content": "x"}]}, 400, "role"),
    ],
)
async def test_refusals_are_vllms(tmp_path: Path, path: str, body: Any, status: int, words: str) -> None:
    async with stage(tmp_path) as (st, client):
        serve(st)
        answer = await client.post(path, json=body)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (status, status)
        assert words in error["message"]


async def test_wrong_methods_and_broken_json(tmp_path: Path) -> None:
    async with stage(tmp_path) as (st, client):
        serve(st)
        assert (await client.get("/v1/completions")).status_code == 405
        assert (await client.post("/health")).status_code == 405
        broken = await client.post("/v1/completions", content=b"{")
        assert (broken.status_code, "JSON decode error" in broken.json()["error"]["message"]) == (400, True)


_SAMPLE = re.compile(r'[a-zA-Z_:][\w:]*(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? (\+Inf|-?[\d.]+(e[+-]?\d+)?)')


async def test_metrics_keep_the_text_format(tmp_path: Path) -> None:
    async with stage(tmp_path) as (st, client):
        serve(st)
        await asyncio.gather(*(ask(client, WORDS * n, max_tokens=3) for n in (1, 5, 9)))
        async with st.proxied() as get:
            answer = await get(st.replicas[0], 8000, "metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    typed: dict[str, str] = {}
    for line in answer.text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in typed
            typed[name] = kind
        elif not line.startswith("#"):
            assert _SAMPLE.fullmatch(line), line
            name = line.partition("{")[0].partition(" ")[0]
            family = re.sub(r"_(bucket|sum|count)$", "", name)
            assert name in typed or typed.get(family) == "histogram", name
    for name, kind in typed.items():
        if kind == "histogram":
            values = [
                float(line.rpartition(" ")[2]) for line in answer.text.splitlines() if line.startswith(name + "_bucket")
            ]
            assert values == sorted(values)
            assert values[-1] == counter(answer.text, name + "_count")
    assert counter(answer.text, "vllm:request_success_total") == 3
    assert counter(answer.text, "vllm:generation_tokens_total") == 9
    assert counter(answer.text, "vllm:time_to_first_token_seconds_count") == 3
    assert counter(answer.text, "vllm:inter_token_latency_seconds_count") == 6
    assert counter(answer.text, "vllm:num_requests_running") == 0
    assert counter(answer.text, "process_start_time_seconds") > 1e9
    assert len(answer.text) > 25_000


async def test_a_client_that_leaves_frees_its_seat(tmp_path: Path) -> None:
    async with stage(tmp_path) as (st, client):
        serve(st, (*(w for w in GPU_ARGS if not w.startswith("--max-num-seqs")), "--max-num-seqs", "1"))
        body = {"model": MODEL, "prompt": "go on", "max_tokens": 2000, "ignore_eos": True, "stream": True}
        async with client.stream("POST", "/v1/completions", json=body) as answer:
            async for _ in answer.aiter_lines():
                break
        assert (await ask(client, "next")).status_code == 200
        async with st.proxied() as get:
            text = (await get(st.replicas[0], 8000, "metrics")).text
        assert re.search(r'request_success_total\{[^}]*finished_reason="abort"[^}]*\} 1\.0', text)
        assert counter(text, "vllm:num_requests_running") == 0


async def test_requests_are_in_its_log(tmp_path: Path) -> None:
    async with stage(tmp_path) as (st, client):
        serve(st)
        await ask(client, "x")
        assert any('"POST /v1/completions HTTP/1.1" 200 OK' in line for line in st.log(st.replicas[0]))


def test_tokens_are_about_four_characters() -> None:
    text = "Cache-aware routing sends requests that share a long prefix to the replica that already holds its blocks. "
    assert 3.5 <= len(text) / len(tokenize(text)) <= 5
    assert "".join(tokenize(text)) == text


def test_tpu_pages_follow_the_model_length() -> None:
    assert [tpu_block(n) for n in (128, 256, 1024, 2048, 2049, 4096, 8192, 8193)] == [
        16,
        16,
        64,
        128,
        256,
        256,
        256,
        16,
    ]
