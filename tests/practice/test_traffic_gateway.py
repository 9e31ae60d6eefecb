"""The practice gateway over real sockets: live routes, Envoy's errors and headers, attribution."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from traffic_stage import GPU_ARGS, MODEL, NS, SVC, stage

ASK = {"model": MODEL, "prompt": "hello there", "max_tokens": 1}


async def test_no_gateway_no_answer(tmp_path: Path) -> None:
    async with stage(tmp_path) as (_, client):
        with pytest.raises(httpx.TransportError):
            await client.get("/health")


async def test_no_route_is_envoys_empty_404(tmp_path: Path) -> None:
    async with stage(tmp_path) as (st, client):
        st.gateway()
        answer = await client.get("/health")
        assert (answer.status_code, answer.content, answer.headers["server"]) == (404, b"", "istio-envoy")
        st.service()
        assert (await client.get("/health")).status_code == 503
        assert (await client.get(str(client.base_url).rstrip("/") + "x/health")).status_code == 404


async def test_paths_are_rewritten_for_every_rule(tmp_path: Path) -> None:
    async with stage(tmp_path) as (st, client):
        st.gateway()
        st.service()
        st.workload(1)
        st.scheduler()
        health = await client.get("/health")
        assert (health.status_code, health.content) == (200, b"")
        assert int(health.headers["x-envoy-upstream-service-time"]) >= 0
        assert health.headers["server"] == "istio-envoy"
        assert "x-went-into-resp-headers" not in health.headers
        models = (await client.get("/v1/models")).json()["data"][0]
        assert (models["id"], models["max_model_len"]) == (MODEL, 4096)
        answer = await client.post("/v1/completions", json=ASK, headers={"x-request-id": "abc"})
        assert answer.headers["x-went-into-resp-headers"] == "true"
        assert answer.headers["x-request-id"] == "abc"
        assert answer.json()["id"] == "cmpl-abc"
        chat = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}
        body = (await client.post("/v1/chat/completions", json=chat)).json()
        assert body["choices"][0]["message"]["role"] == "assistant"
        assert (await client.get("/nothing")).json() == {"detail": "Not Found"}


async def test_only_ready_replicas_are_picked(tmp_path: Path) -> None:
    async with stage(tmp_path) as (st, client):
        st.gateway()
        st.service()
        st.workload(2)
        st.filter("x-rhaii-upstream")
        st.unready(st.replicas[0])
        answers = await asyncio.gather(*(client.post("/v1/completions", json=ASK) for _ in range(6)))
        assert {a.headers["x-rhaii-upstream"] for a in answers} == {"10.8.1.1:8000"}
        st.unready(st.replicas[1])
        answer = await client.post("/v1/completions", json=ASK)
        assert (answer.status_code, answer.text) == (503, "no healthy upstream")


async def test_missing_ca_breaks_the_verified_backend(tmp_path: Path) -> None:
    async with stage(tmp_path) as (st, client):
        st.gateway(ca=False)
        st.service()
        st.workload(1)
        answer = await client.get("/health")
        assert answer.status_code == 503
        assert "Secret is not supplied by SDS" in answer.text
        assert answer.text.startswith("upstream connect error or disconnect/reset before headers.")


async def test_plain_vllm_behind_tls(tmp_path: Path) -> None:
    async with stage(tmp_path) as (st, client):
        st.gateway()
        st.service()
        st.workload(1, args=GPU_ARGS[:7])
        answer = await client.get("/health")
        assert (answer.status_code, "WRONG_VERSION_NUMBER" in answer.text) == (503, True)


async def test_diagnostic_header_only_on_its_route(tmp_path: Path) -> None:
    async with stage(tmp_path) as (st, client):
        st.gateway()
        st.service()
        st.workload(1)
        st.filter("X-Rhaii-Upstream", f"{NS}.{SVC}-kserve-route.0")
        assert (await client.post("/v1/completions", json=ASK)).headers["x-rhaii-upstream"] == "10.8.1.0:8000"
        assert "x-rhaii-upstream" not in (await client.get("/health")).headers


async def test_a_stopped_replica_resets_what_it_was_doing(tmp_path: Path) -> None:
    async with stage(tmp_path) as (st, client):
        st.gateway()
        st.service()
        st.workload(1)
        long = asyncio.create_task(client.post("/v1/completions", json={**ASK, "max_tokens": 900, "ignore_eos": True}))
        async with st.proxied() as get:
            while "num_requests_running" in (text := (await get(st.replicas[0], 8000, "metrics")).text):
                if 'num_requests_running{engine="0",model_name="Qwen/Qwen2.5-3B-Instruct"} 1.0' in text:
                    break
            st.traffic.engine_stopped(st.replicas[0]["metadata"]["uid"])
            answer = await long
            assert (answer.status_code, "connection termination" in answer.text) == (503, True)
            assert (await get(st.replicas[0], 8000, "metrics")).status_code == 503
        refused = await client.get("/health")
        assert (refused.status_code, "Connection refused" in refused.text) == (503, True)


async def test_oversized_body(tmp_path: Path) -> None:
    async with stage(tmp_path) as (st, client):
        st.gateway()
        st.service()
        st.workload(1)
        answer = await client.post("/v1/completions", content=b"x" * (3 << 20))
        assert answer.status_code == 413
