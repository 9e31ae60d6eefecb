"""Foreign traffic: load that fills the engines, and clients whose prompts no cache can help."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from rhaii_tui.practice.actors.objects import Obj, is_true, key_of
from rhaii_tui.practice.mischief.acts import Act
from rhaii_tui.practice.traffic.pressure import Pressure

# Seconds between two updates of the counters, and between two prompts of the foreign client.
BEAT, PAUSE = 1.0, 0.25
# Few requests of great length hold nearly every block; vLLM preempts some to let others end.
LONG = Pressure(running=24, waiting=9, kv_share=0.985, wait=2.0, tokens=(2400.0, 380.0), preemptions=1.5)
# As many sequences as the batch takes, most of them short: blocks are left, seats are not.
MANY = Pressure(running=128, waiting=74, kv_share=0.46, wait=3.0, tokens=(5200.0, 1900.0))


class Load(Act):
    """Presses on every engine."""

    def __init__(self, *args: Any, pressure: Pressure) -> None:
        super().__init__(*args)
        self._pressure = pressure

    async def run(self) -> None:
        traffic = self.world.traffic
        if traffic is None:
            return
        traffic.press(self._pressure)
        while True:
            for server in traffic.servers():
                server.press(BEAT)
            await asyncio.sleep(BEAT)

    async def lift(self) -> None:
        if self.world.traffic is not None:
            self.world.traffic.press(None)


class Client(Act):
    """Sends prompts to every Ready service through the gateway, a few per second."""

    def __init__(self, *args: Any, prompt: Callable[[int], str]) -> None:
        super().__init__(*args)
        self._prompt = prompt

    async def run(self) -> None:
        traffic, number = self.world.traffic, 0
        if traffic is None:
            return
        async with asyncio.TaskGroup() as group:
            while True:
                for service in self.services():
                    if is_true(service, "Ready"):
                        number += 1
                        group.create_task(traffic.visit(*self._request(service, number)))
                await asyncio.sleep(PAUSE)

    def _request(self, service: Obj, number: int) -> tuple[str, bytes]:
        namespace, name = key_of(service)
        model = (service["spec"].get("model") or {}).get("name") or name
        body = {"model": model, "prompt": self._prompt(number), "max_tokens": 4, "temperature": 0}
        return f"/{namespace}/{name}/v1/completions", json.dumps(body).encode()

    async def lift(self) -> None:
        """The client goes away."""


def unshared(number: int) -> str:
    """About 300 tokens, different from the first word on."""
    return f"Ticket {number * 7919 % 100_003} of customer {number}: " + "please look at this invoice and answer. " * 28


def short(number: int) -> str:
    """A handful of tokens."""
    return f"What is {number} + 2?"
