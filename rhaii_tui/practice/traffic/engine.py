"""The engine of one simulated vLLM server: admission, prefill first come first served, decode, prefix cache."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from hashlib import blake2b
from time import monotonic

from rhaii_tui.practice.traffic.engine_args import EngineArgs
from rhaii_tui.practice.traffic.engine_metrics import EngineMetrics
from rhaii_tui.practice.traffic.exchange import ConnectionLost
from rhaii_tui.practice.traffic.openai import Completion
from rhaii_tui.practice.traffic.prefix_cache import BlockCache, chain, token_blocks
from rhaii_tui.practice.traffic.pressure import Pressure
from rhaii_tui.practice.traffic.timing import Jitter, Timing

# Output tokens per wake-up of a request that is not streamed: nobody can see them one by one.
_STRIDE = 8


class Generation:
    """One request in the engine. Times are on the monotonic scale; `reason` is set with the last token."""

    def __init__(self, completion: Completion, timing: Timing) -> None:
        self.completion = completion
        self.timing = timing
        self.cached = 0
        self.generated = 0
        self.reason: str | None = None
        self.arrived = monotonic()
        self.scheduled = self.first = self.last = self.arrived

    @property
    def length(self) -> int:
        """Output tokens it will have: the model's own end, unless cut short or told to go on."""
        asked = self.completion
        if asked.ignore_eos:
            return asked.max_tokens
        digest = blake2b("".join(asked.tokens[-64:]).encode("utf-8", "surrogatepass"), digest_size=2).digest()
        return min(asked.max_tokens, max(asked.min_tokens, 24 + int.from_bytes(digest) % 104))


class Engine:
    """Schedules generations on one accelerator and keeps their blocks."""

    def __init__(self, args: EngineArgs, metrics: EngineMetrics, rng: random.Random) -> None:
        self.args = args
        self.cache = BlockCache(args.blocks)
        self.running = 0
        self.waiting = 0
        self.pressure: Pressure | None = None
        self._metrics = metrics
        self._jitter = Jitter(rng)
        self._blocks_in_use = 0
        self._seats = asyncio.Semaphore(args.max_num_seqs)
        self._prefill = asyncio.Lock()
        self._stopped = False

    @property
    def kv_usage(self) -> float:
        """The share of KV blocks that running requests hold, 0..1; cached but idle blocks count as free."""
        foreign = self.pressure.kv_share if self.pressure else 0.0
        return min(1.0, foreign + self._blocks_in_use / self.args.blocks)

    @property
    def sequences(self) -> int:
        """Requests that run, foreign ones too."""
        return self.running + (self.pressure.running if self.pressure else 0)

    @property
    def queued(self) -> int:
        """Requests that wait, foreign ones too."""
        return self.waiting + (self.pressure.waiting if self.pressure else 0)

    def stop(self) -> None:
        """The process ended: generations in flight raise ConnectionLost at their next token."""
        self._stopped = True

    async def run(self, generation: Generation) -> AsyncGenerator[Generation, None]:
        """Yield the generation whenever it has grown: token by token if streamed. Raises ConnectionLost."""
        self.waiting += 1
        held = 0
        try:
            if self.pressure:
                await self._pass(self.pressure.wait * self._jitter.factor())
            async with self._seats:
                async with self._prefill:
                    crowded = self.waiting > 2
                    self.waiting -= 1
                    self.running += 1
                    held = -(-len(generation.completion.tokens) // self.args.block)
                    self._blocks_in_use += held
                    noise = await self._prefilled(generation, crowded)
                async for grown in self._decoded(generation, noise):
                    yield grown
        finally:
            if held:
                self.running -= 1
                self._blocks_in_use -= held
            else:
                self.waiting -= 1
            self._count(generation)

    async def _prefilled(self, generation: Generation, crowded: bool) -> float:
        """Compute what the cache does not hold. Returns this request's noise factor."""
        generation.scheduled = monotonic()
        tokens = generation.completion.tokens
        generation.cached = self._look_up(generation.completion)
        noise = self._jitter.factor()
        await self._pass(generation.timing.prefill(len(tokens) - generation.cached, crowded=crowded) * noise)
        self._metrics.processed(len(tokens), 0)
        self._metrics.iteration.observe(len(tokens) - generation.cached)
        return noise

    def _look_up(self, completion: Completion) -> int:
        """Cached prompt tokens, whole blocks; the last token is always computed. The blocks become recent."""
        if not self.args.prefix_caching:
            return 0
        block, count = self.args.block, len(completion.tokens)
        hashes = chain(token_blocks(completion.tokens, block), f"{self.args.model}\0{completion.salt}")
        hit = block * self.cache.match(hashes[: (count - 1) // block])
        self.cache.insert(hashes)
        self._metrics.looked_up(count, hit)
        return hit

    async def _decoded(self, generation: Generation, noise: float) -> AsyncGenerator[Generation, None]:
        timing, metrics, length = generation.timing, self._metrics, generation.length
        await self._pass(
            self._jitter.spike(timing.net + timing.prefill(len(generation.completion.tokens), crowded=False))
        )
        stride = 1 if generation.completion.stream else _STRIDE
        generation.first = generation.last = due = monotonic()
        metrics.ttft.observe(generation.first - generation.arrived)
        new = 1
        while True:
            generation.generated += new
            metrics.processed(0, new)
            if generation.generated >= length:
                generation.reason = "length" if length == generation.completion.max_tokens else "stop"
                yield generation
                return
            yield generation
            new = min(stride, length - generation.generated)
            step = timing.step(self.sequences) * noise
            due += step * new
            await self._pass(due - monotonic())
            generation.last = monotonic()
            for _ in range(new):
                metrics.itl.observe(step)
                metrics.iteration.observe(self.running)

    async def _pass(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))
        if self._stopped:
            raise ConnectionLost

    def _count(self, generation: Generation) -> None:
        metrics, asked = self._metrics, generation.completion
        metrics.finished(generation.reason or "abort")
        end = generation.last if generation.reason else monotonic()
        metrics.e2e.observe(end - generation.arrived)
        metrics.queue.observe(generation.scheduled - generation.arrived)
        metrics.prefill.observe(generation.first - generation.scheduled)
        metrics.decode.observe(max(0.0, end - generation.first))
        metrics.inference.observe(max(0.0, end - generation.scheduled))
        metrics.prompt_size.observe(len(asked.tokens))
        metrics.computed.observe(len(asked.tokens) - generation.cached)
        metrics.output_size.observe(generation.generated)
        metrics.max_generation.observe(generation.generated)
        metrics.params_n.observe(1)
        metrics.params_max.observe(asked.max_tokens)
        if generation.generated > 1:
            metrics.tpot.observe((end - generation.first) / (generation.generated - 1))
