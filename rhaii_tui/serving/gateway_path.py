"""The way a request takes: gateway, route, endpoint picker, replica. Three questions, an honest answer each."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from typing import TYPE_CHECKING, Any

from rhaii_tui.catalog.findings import Command, Evidence, Finding, Status
from rhaii_tui.kube import background
from rhaii_tui.serving.gateway_faults import Fault, of_answer, of_exception
from rhaii_tui.serving.manifests import MARKER_HEADER, UPSTREAM_HEADER

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS = 5.0
HEALTH_SECONDS = 10.0
COMPLETION_SECONDS = 60.0
PROMPT = "The capital of France is"


class GatewayPath:
    """Checks of one service at `url` (its `status.url`, with the `/<namespace>/<service>` path). Close it.

    `model` and `max_model_len` are known after `models()`; `picked` and `upstream` after `completion()`: whether the
    endpoint picker marked the answer, and the pod's ip:port where the diagnostics filter is applied.
    """

    def __init__(
        self, url: str, *, routed: bool = True, trust_env: bool = True, limit: float = COMPLETION_SECONDS
    ) -> None:
        self.url = url.rstrip("/")
        self.routed = routed
        self.model = ""
        self.max_model_len: int | None = None
        self.picked: bool | None = None
        self.upstream = ""
        self.served_text = ""
        self._trust_env = trust_env
        self._limit = limit
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> GatewayPath:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def health(self) -> Finding:
        """GET /health: the route leads to a replica whose engine lives."""
        return await self._checked("health", "GET", "/health", HEALTH_SECONDS, None)

    async def models(self) -> Finding:
        """GET /v1/models: which id requests must name."""
        return await self._checked("models", "GET", "/v1/models", HEALTH_SECONDS, None)

    async def completion(self) -> Finding:
        """One short completion: the POST takes the endpoint picker's way, and text comes back."""
        if not self.model:
            known = await self.models()
            if known.status is not Status.PASS:
                return known.model_copy(update={"name": "completion"})
        body = {"model": self.model, "prompt": PROMPT, "max_tokens": 8, "temperature": 0}
        return await self._checked("completion", "POST", "/v1/completions", self._limit, body)

    async def _checked(self, name: str, method: str, path: str, limit: float, body: dict[str, Any] | None) -> Finding:
        import httpx

        command = self._command(path, body)
        begun = time.monotonic()
        try:
            client = await self._open()
            async with asyncio.timeout(limit):
                answer = await client.request(method, f"{self.url}{path}", json=body)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as e:
            return _failed(name, of_exception(e, method, self.url, limit), command)
        took = (time.monotonic() - begun) * 1000
        if answer.status_code != 200:
            fault = of_answer(answer.status_code, answer.text, method, answer.headers.get("server", ""))
            return _failed(name, fault, command)
        if name == "health":
            return _finding(name, Status.PASS, f"the gateway answers, a replica is healthy ({took:.0f} ms)", command)
        try:
            content = answer.json()
            return self._model(content, command) if name == "models" else self._text(content, answer, took, command)
        except (json.JSONDecodeError, KeyError, IndexError, TypeError, AttributeError, ValueError):
            fault = Fault(
                "unexpected-body", "200 with a body that is not OpenAI's", "Something else than vLLM answers."
            )
            return _failed(name, fault, command, answer.text)

    def _model(self, content: dict[str, Any], command: Command) -> Finding:
        first = content["data"][0]
        self.model = str(first["id"])
        length = first.get("max_model_len")
        self.max_model_len = int(length) if length is not None else None
        said = f", context {self.max_model_len} tokens" if self.max_model_len else ""
        return _finding("models", Status.PASS, f"model id {self.model}{said}", command)

    def _text(self, content: dict[str, Any], answer: httpx.Response, took: float, command: Command) -> Finding:
        self.served_text = str(content["choices"][0]["text"])
        marker = answer.headers.get(MARKER_HEADER)
        self.picked = marker is not None and marker.lower() != "false"
        self.upstream = answer.headers.get(UPSTREAM_HEADER, "")
        if not self.served_text.strip():
            fault = Fault("empty-text", "200, but no text in it", "The engine produced nothing for a plain prompt.")
            return _failed("completion", fault, command, answer.text)
        if not self.routed:
            return _finding("completion", Status.PASS, f"text after {took:.0f} ms (no endpoint picker here)", command)
        if self.picked:
            return _finding("completion", Status.PASS, f"text after {took:.0f} ms, endpoint picker marked it", command)
        return _finding(
            "completion",
            Status.WARN,
            f"text after {took:.0f} ms, but without the endpoint picker's mark ({MARKER_HEADER})",
            command,
            meaning="The pool fails open: requests are served although the picker is not asked, and nothing is routed.",
            remediation="Look at the endpoint picker's pod; if it runs, at the route's ext_proc override.",
        )

    async def _open(self) -> httpx.AsyncClient:
        import httpx

        if self._client is None:
            # Building the TLS context reads the system's certificates: not on the event loop.
            context = await background.run(ssl.create_default_context)
            limits = httpx.Timeout(None, connect=CONNECT_SECONDS)
            self._client = httpx.AsyncClient(verify=context, trust_env=self._trust_env, timeout=limits)
        return self._client

    def _command(self, path: str, body: dict[str, Any] | None) -> Command:
        if body is None:
            return Command(text=f"curl -sS {self.url}{path}")
        sent = json.dumps(body)
        return Command(text=f"curl -sS {self.url}{path} -H 'Content-Type: application/json' -d '{sent}'")


def _failed(name: str, fault: Fault, command: Command, raw: str = "") -> Finding:
    return _finding(
        name,
        Status.FAIL,
        fault.message,
        command,
        rule=fault.rule,
        meaning=fault.meaning,
        remediation=fault.remediation,
        raw=(raw or fault.raw)[:2000],
    )


def _finding(
    name: str,
    status: Status,
    message: str,
    command: Command,
    *,
    rule: str = "",
    meaning: str = "",
    remediation: str = "",
    raw: str = "",
) -> Finding:
    now = time.time()
    return Finding(
        rule=f"endpoint.{rule or name}",
        category="endpoint",
        name=name,
        status=status,
        message=message,
        meaning=meaning,
        remediation=remediation,
        commands=(command,),
        evidence=(Evidence(source=command.text.split(" -H ")[0], text=message, observed_at=now),),
        raw=raw,
        observed_at=now,
    )
