"""The console's one run: health, warm-up, affinity, control, load, verdict. An async iterator of events."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from typing import Any

from rhaii_tui.cachetest.prompts import Sizes, prompt, sizes_for, text
from rhaii_tui.cachetest.records import (
    Concluded,
    ConsoleEvent,
    HealthChecked,
    LoadMeasured,
    Observations,
    PhaseStarted,
    Record,
    RequestDone,
    SharesMeasured,
    TestPlan,
)
from rhaii_tui.cachetest.replicas import Replicas
from rhaii_tui.cachetest.statistics import percentile
from rhaii_tui.cachetest.traffic import GeneratorDied, Traffic
from rhaii_tui.cachetest.verdict import conclude
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.kube.connect import Cluster
from rhaii_tui.serving.gateway_path import GatewayPath

CALIBRATION_CHARACTERS = 2000
ASSUMED_BLOCK = 16
"""Where no replica tells its cache block, prompts are sized for the GPU default; the verdict then says UNKNOWN."""


class Console:
    """Tests one service through the gateway at `url`; `cluster` (None: no access) is for the replicas' counters."""

    def __init__(self, cluster: Cluster | None, endpoints: Endpoints, namespace: str, service: str, url: str) -> None:
        self._replicas = Replicas(cluster, namespace, service)
        self._path = GatewayPath(url, routed=True, trust_env=endpoints.trust_env)
        self._run = secrets.token_hex(4)
        self._records: list[Record] = []
        self._next = 0

    @property
    def pods(self) -> tuple[str, ...]:
        """The ready replicas found, in the order of their letters on screens."""
        return self._replicas.pods

    async def run(self, plan: TestPlan) -> AsyncGenerator[ConsoleEvent]:
        """All phases in order; the last event is always Concluded."""
        try:
            async for event in self._run_phases(plan):
                yield event
        finally:
            await self._path.close()

    async def _run_phases(self, plan: TestPlan) -> AsyncGenerator[ConsoleEvent]:
        healthy, model, length = True, "", 2048
        async for check in self._health():
            healthy = healthy and (check.status != "FAIL" or check.name not in ("health", "models", "completion"))
            if check.name == "models" and check.status == "PASS":
                model = self._path.model
                length = self._path.max_model_len or length
            yield check
        if not healthy:
            yield Concluded(conclude(self._observed(0, False)))
            return
        try:
            async with Traffic(self._path.url, model) as traffic:
                async for event in self._test(plan, traffic, length):
                    yield event
        except GeneratorDied as fault:
            yield HealthChecked("load generator", "FAIL", str(fault))
            yield Concluded(conclude(self._observed(0, False)))

    async def _health(self) -> AsyncIterator[HealthChecked]:
        await self._replicas.discover()
        self._path.routed = self._replicas.routed
        for check in (self._path.health, self._path.models, self._path.completion):
            finding = await check()
            yield HealthChecked(finding.name, finding.status.value, finding.message)
        for name, status, said in self._replicas.summary():
            yield HealthChecked(name, status, said)

    async def _test(self, plan: TestPlan, traffic: Traffic, length: int) -> AsyncGenerator[ConsoleEvent]:
        block = self._replicas.block
        yield PhaseStarted("warm-up", 2 * max(1, self._replicas.count), note="discarded: connections, first kernels")
        sizes = sizes_for(block or ASSUMED_BLOCK, length, await self._calibrate(traffic))
        for family in range(2 * max(1, self._replicas.count)):
            await traffic.ask(self._request("warm-up", f"w{family}", 0, sizes))
        before = await self._replicas.read()
        decisions = await self._replicas.decisions()
        note = f"{plan.families} prefixes of {sizes.prefix_tokens} tokens, one request at a time"
        yield PhaseStarted("affinity", plan.families * plan.repeats, note=note)
        for repeat in range(plan.repeats):
            for family in range(plan.families):
                yield await self._one(traffic, self._request("affinity", f"f{family}", repeat, sizes))
        middle = await self._replicas.settle(before, plan.families * plan.repeats)
        warm = self._replicas.shares(before, middle)
        yield SharesMeasured("affinity", warm)
        yield PhaseStarted("control", plan.controls, note="as many tokens, nothing shared: must hit nothing")
        for family in range(plan.controls):
            yield await self._one(traffic, self._request("control", f"c{family}", 0, sizes))
        after = await self._replicas.settle(middle, plan.controls)
        control = self._replicas.shares(middle, after)
        yield SharesMeasured("control", control)
        decided = await self._replicas.decisions()
        tested = plan.families * plan.repeats + plan.controls
        grew = None if decisions is None or decided is None else max(0, decided - decisions)
        lag = traffic.lag_p99_ms  # the serial phases' alone: the load phase is meant to be busy
        load: LoadMeasured | None = None
        if plan.load_seconds > 0:
            async for event in self._load(plan, traffic, sizes):
                load = event if isinstance(event, LoadMeasured) else load
                yield event
            yield SharesMeasured("load", self._replicas.shares(after, await self._replicas.read()))
        observed = replace(
            self._observed(sizes.expected_hit(block) if block else 0, True),
            warm_shares=warm, control_shares=control, lag_p99_ms=lag, load=load, sent=tested,
            picker_decisions=grew, restarted=self._replicas.restarted(before, after),
        )  # fmt: skip
        yield Concluded(conclude(observed))

    async def _calibrate(self, traffic: Traffic) -> float:
        sample = text(self._run, CALIBRATION_CHARACTERS)
        request = {"id": 0, "phase": "warm-up", "family": "calibration", "repeat": 0, "prompt": sample, "max_tokens": 1}
        tokens = (await traffic.ask(request)).prompt_tokens
        return CALIBRATION_CHARACTERS / tokens if tokens else 4.0

    async def _one(self, traffic: Traffic, request: dict[str, Any]) -> RequestDone:
        before = self._replicas.latest
        record = await traffic.ask(request)
        if record.ok:
            pod, how = await self._replicas.attribute(before, record.upstream)
            record = replace(record, replica=pod, attribution=how)
        self._records.append(record)
        return RequestDone(record)

    async def _load(self, plan: TestPlan, traffic: Traffic, sizes: Sizes) -> AsyncGenerator[ConsoleEvent]:
        families = max(plan.families, 3 * self._replicas.count)
        prompts = [prompt(self._run, f"l{i}", 0, sizes) for i in range(families)]
        yield PhaseStarted("load", None, plan.load_seconds,
                           f"closed loop, {plan.load_concurrency} at once, {families} prefixes")  # fmt: skip
        begun, done = time.monotonic(), list[Record]()
        async for record in traffic.load("load", prompts, plan.load_seconds, plan.load_concurrency, plan.load_tokens):
            done.append(record)
            self._records.append(record)
            yield RequestDone(record)
        seconds = time.monotonic() - begun
        fine = [r for r in done if r.ok]
        ttft = [r.ttft_ms for r in fine if r.ttft_ms is not None]
        total = [r.total_ms for r in fine if r.total_ms is not None]
        tokens = sum(r.output_tokens or 0 for r in fine)
        yield LoadMeasured(plan.load_concurrency, seconds, len(fine) / seconds, tokens / seconds, percentile(ttft, 50),
                           percentile(ttft, 95), percentile(total, 50), len(done) - len(fine))  # fmt: skip

    def _request(self, phase: str, family: str, repeat: int, sizes: Sizes) -> dict[str, Any]:
        self._next += 1
        return {"id": self._next, "phase": phase, "family": family, "repeat": repeat, "max_tokens": 1,
                "prompt": prompt(self._run, family, repeat, sizes)}  # fmt: skip

    def _observed(self, expected_hit: int, healthy: bool) -> Observations:
        return Observations(
            replicas=self._replicas.count, routed=self._replicas.routed, records=tuple(self._records),
            expected_hit=expected_hit, block=self._replicas.block, counters_readable=self._replicas.readable,
            healthy=healthy, unread=self._replicas.unread,
        )  # fmt: skip
