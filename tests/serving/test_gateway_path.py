"""The three questions through a real HTTP server, and each way the road can be broken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from rhaii_tui.catalog.findings import Status
from rhaii_tui.serving.gateway_path import GatewayPath

MODELS = {"object": "list", "data": [{"id": "org/model", "max_model_len": 4096}]}
COMPLETION = {"choices": [{"text": " Paris."}], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}
PICKED = {"x-went-into-resp-headers": "true"}


@dataclass
class Gateway:
    """Answers by path; everything healthy until a test replaces an answer."""

    url: str = ""
    answers: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = field(default_factory=dict)
    bodies: list[dict[str, object]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix("/ns/svc")
        if request.method == "POST":
            self.bodies.append(await request.json())
        if path in self.answers:
            return await self.answers[path](request)
        if path == "/health":
            return web.Response()
        if path == "/v1/models":
            return web.json_response(MODELS)
        return web.json_response(COMPLETION, headers=PICKED)


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    state = Gateway()
    app = web.Application()
    app.router.add_route("*", "/ns/svc/{path:.*}", state.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    state.url = f"http://127.0.0.1:{runner.addresses[0][1]}/ns/svc"
    yield state
    await runner.cleanup()


def answer(status: int, text: str, **headers: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def respond(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=text, headers=headers)

    return respond


async def test_a_healthy_road(gateway: Gateway) -> None:
    async with GatewayPath(gateway.url + "/", trust_env=False) as path:
        found = [await path.health(), await path.models(), await path.completion()]
    assert [f.status for f in found] == [Status.PASS] * 3
    assert [f.name for f in found] == ["health", "models", "completion"]
    assert (path.model, path.max_model_len, path.picked, path.served_text) == ("org/model", 4096, True, " Paris.")
    assert gateway.bodies[0]["model"] == "org/model"
    assert found[2].commands[0].text.startswith(f"curl -sS {gateway.url}/v1/completions")


async def test_a_200_without_the_pickers_mark_is_only_a_warning_where_routing_is_promised(gateway: Gateway) -> None:
    async def unmarked(request: web.Request) -> web.StreamResponse:
        return web.json_response(COMPLETION, headers={"x-rhaii-upstream": "10.0.0.7:8000"})

    gateway.answers["/v1/completions"] = unmarked
    async with GatewayPath(gateway.url, trust_env=False) as path:
        found = await path.completion()
        assert (found.status, path.picked, path.upstream) == (Status.WARN, False, "10.0.0.7:8000")
        assert "fails open" in found.meaning
    async with GatewayPath(gateway.url, routed=False, trust_env=False) as path:
        assert (await path.completion()).status is Status.PASS


DOES_NOT_EXIST = '{"object":"error","message":"The model `x` does not exist.","code":404}'


@pytest.mark.parametrize(
    ("where", "status", "body", "rule"),
    [
        ("/health", 404, "", "path"),
        ("/health", 503, "no healthy upstream", "no-upstream"),
        ("/health", 503, "upstream connect error ... TLS_error: Secret is not supplied by SDS", "gateway-ca"),
        (
            "/health",
            502,
            "upstream connect error: TLS_error:|268435703:SSL routines:WRONG_VERSION_NUMBER",
            "tls-mismatch",
        ),
        ("/v1/completions", 404, DOES_NOT_EXIST, "model-id"),
        ("/v1/completions", 500, "", "picker"),
        ("/v1/completions", 503, "", "picker"),
        ("/v1/completions", 400, '{"error":{"message":"prompt: Field required"}}', "body-lost"),
        ("/v1/completions", 429, "", "shed"),
        ("/v1/completions", 504, "upstream request timeout", "timeout"),
        ("/v1/completions", 418, '{"error":{"message":"tea"}}', "status"),
        ("/v1/completions", 200, '{"choices":[{"text":"  "}]}', "empty-text"),
        ("/v1/completions", 200, "<html>", "unexpected-body"),
        ("/v1/completions", 200, "[]", "unexpected-body"),
        ("/v1/models", 200, '{"data":[]}', "unexpected-body"),
        ("/v1/models", 200, '{"data":[{"id":"m","max_model_len":"long"}]}', "unexpected-body"),
    ],
)
async def test_broken_roads(gateway: Gateway, where: str, status: int, body: str, rule: str) -> None:
    gateway.answers[where] = answer(status, body)
    async with GatewayPath(gateway.url, trust_env=False) as path:
        check = {"/health": path.health, "/v1/models": path.models, "/v1/completions": path.completion}[where]
        found = await check()
    assert (found.status, found.rule) == (Status.FAIL, f"endpoint.{rule}")
    assert found.message
    assert found.meaning


async def test_a_hanging_post_points_at_the_picker(gateway: Gateway) -> None:
    async def hang(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    gateway.answers["/v1/completions"] = hang
    async with GatewayPath(gateway.url, trust_env=False, limit=0.2) as path:
        found = await path.completion()
    assert found.rule == "endpoint.hangs"


async def test_a_cut_connection(gateway: Gateway) -> None:
    async def abort(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    gateway.answers["/health"] = abort
    async with GatewayPath(gateway.url, trust_env=False) as path:
        assert (await path.health()).rule == "endpoint.cut"


@pytest.mark.parametrize(
    ("url", "rule"),
    [("http://127.0.0.1:1", "refused"), ("https://127.0.0.1:1/a/b", "refused"), ("", "url"), ("http://:x", "url")],
)
async def test_no_gateway(url: str, rule: str) -> None:
    async with GatewayPath(url, trust_env=False) as path:
        found = await path.completion()
    assert found.rule == f"endpoint.{rule}"
    assert found.name == "completion"


async def test_https_on_the_http_port_is_told_as_such(gateway: Gateway) -> None:
    async with GatewayPath(gateway.url.replace("http:", "https:"), trust_env=False) as path:
        assert (await path.health()).rule == "endpoint.tls-to-http"
