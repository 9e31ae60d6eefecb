"""The HTTP surface of one simulated vLLM server: OpenAI endpoints, health, metrics, and what it logs."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from http import HTTPStatus

from rhaii_tui.practice.traffic import openai
from rhaii_tui.practice.traffic.engine import Engine, Generation
from rhaii_tui.practice.traffic.engine_args import EngineArgs
from rhaii_tui.practice.traffic.engine_metrics import EngineMetrics
from rhaii_tui.practice.traffic.exchange import JSON, Answer, Call
from rhaii_tui.practice.traffic.metrics_text import CONTENT_TYPE
from rhaii_tui.practice.traffic.openai_response import Writer
from rhaii_tui.practice.traffic.timing import Timing

# As the workload logs it at its start (RHAIIS 3.2.5).
VERSION = "0.11.2+rhai5"
# vLLM prints its statistics at this interval, and only while there is traffic.
_STATS_SECONDS = 10.0
_METHODS = {
    "/health": "GET",
    "/ping": "GET",
    "/version": "GET",
    "/metrics": "GET",
    "/v1/models": "GET",
    openai.COMPLETIONS: "POST",
    openai.CHAT: "POST",
}


class VllmServer:
    """`log` takes one line for the pod's log; `timing` holds for requests that do not come by the gateway."""

    def __init__(self, args: EngineArgs, timing: Timing, rng: random.Random, log: Callable[[str], None]) -> None:
        self.args = args
        self.metrics = EngineMetrics(args)
        self.engine = Engine(args, self.metrics, rng)
        self._timing = timing
        self._log = log
        self._stats: asyncio.TimerHandle | None = None
        self._printed = (0.0, 0.0)

    def stop(self) -> None:
        """The process ended."""
        self.engine.stop()
        if self._stats:
            self._stats.cancel()

    def press(self, seconds: float) -> None:
        """Let the counters and the log show what foreign load did in the last seconds."""
        pressure = self.engine.pressure
        if pressure is None:
            return
        prompt, output = (int(rate * seconds) for rate in pressure.tokens)
        self.metrics.foreign(pressure, prompt, output, seconds)
        self._arm_stats()

    async def answer(self, call: Call, timing: Timing | None = None) -> Answer:
        """Serve one request; `timing` overrides the server's own. Raises ConnectionLost if the process ends."""
        path = call.path.partition("?")[0]
        method = _METHODS.get(path)
        if method is None:
            answer = _refusal(404, "Not Found")
        elif method != call.method:
            answer = _refusal(405, "Method Not Allowed")
        elif method == "POST":
            answer = await self._complete(call, path, timing or self._timing)
        else:
            answer = self._read(path)
        if method is not None:
            self.metrics.answered(path, call.method, answer.status)
        request = f"{call.method} {path} HTTP/1.1"
        self._log(f'(APIServer pid=1) INFO:     10.8.0.2:0 - "{request}" {answer.status} {_phrase(answer.status)}')
        return answer

    def _read(self, path: str) -> Answer:
        if path == "/metrics":
            engine = self.engine
            text = self.metrics.text(engine.sequences, engine.queued, engine.kv_usage)
            return Answer(200, text.encode(), {"content-type": CONTENT_TYPE})
        if path == "/version":
            return _json({"version": VERSION})
        if path == "/v1/models":
            return _json({"object": "list", "data": [self._model()]})
        return Answer(200)

    def _model(self) -> dict[str, object]:
        return {
            "id": self.args.model,
            "object": "model",
            "created": int(time.time()),
            "owned_by": "vllm",
            "root": "/mnt/models",
            "parent": None,
            "max_model_len": self.args.max_model_len,
        }

    async def _complete(self, call: Call, path: str, timing: Timing) -> Answer:
        try:
            completion = openai.parse(path, call.body, self.args)
        except openai.RequestError as error:
            return error.answer()
        self._arm_stats()
        generation = Generation(completion, timing)
        writer = Writer.of(completion, call.request_id, self.args)
        if completion.stream:
            stream = self._stream(generation, writer)
            return Answer(200, stream, {"content-type": "text/event-stream; charset=utf-8"})
        async with aclosing(self.engine.run(generation)) as steps:
            async for _ in steps:
                pass
        return Answer(200, writer.body(generation), {"content-type": JSON})

    async def _stream(self, generation: Generation, writer: Writer) -> AsyncGenerator[bytes, None]:
        async with aclosing(self.engine.run(generation)) as steps:
            async for grown in steps:
                if generation.completion.chat and grown.generated == 1:
                    yield writer.opening(grown)
                yield writer.part(grown)
        yield writer.closing(generation)

    def _arm_stats(self) -> None:
        if self._stats is None:
            self._stats = asyncio.get_running_loop().call_later(_STATS_SECONDS, self._print_stats)

    def _print_stats(self) -> None:
        """The line of vLLM's periodic log; printed until an interval without traffic."""
        prompt, generated = self.metrics.totals()
        before, self._printed = self._printed, (prompt, generated)
        self._stats = None
        if (prompt, generated) != before or self.engine.sequences:
            self._arm_stats()
        self._log(
            f"(APIServer pid=1) INFO {datetime.now(UTC):%m-%d %H:%M:%S} [loggers.py:123] Engine 000: "
            f"Avg prompt throughput: {(prompt - before[0]) / _STATS_SECONDS:.1f} tokens/s, "
            f"Avg generation throughput: {(generated - before[1]) / _STATS_SECONDS:.1f} tokens/s, "
            f"Running: {self.engine.sequences} reqs, Waiting: {self.engine.queued} reqs, "
            f"GPU KV cache usage: {self.engine.kv_usage:.1%}, "
            f"Prefix cache hit rate: {self.metrics.hit_ratio():.1%}"
        )


def _json(value: object) -> Answer:
    return Answer(200, json.dumps(value).encode(), {"content-type": JSON})


def _refusal(status: int, detail: str) -> Answer:
    return Answer(status, json.dumps({"detail": detail}).encode(), {"content-type": JSON})


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase
