"""Another size by keyboard alone: each stage is held against the cloud itself, and its bill against the screen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from scripted_run import text_of
from textual.pilot import Pilot
from wire import Commands, Wire

from rhaii_tui.catalog.shapes import Accelerator, Shape, Topology
from rhaii_tui.endpoints import Endpoints, practice_cloud
from screens.answers import Answers
from screens.app import RhaiiApp
from screens.dialogs.confirm import Confirm
from screens.progress import ProgressScreen
from screens.scale import ScaleScreen

pytestmark = pytest.mark.wire

CLUSTER, POOL, ZONE = "rhaii-gpu-cluster", "gpu-pool", "us-central1-a"
NAMESPACE, SERVICE = "rhaii-inference", "qwen-3b-gpu-svc"


class Stage:
    """An application at a terminal of 80 by 24, and the cloud behind it."""

    def __init__(self, app: RhaiiApp, pilot: Pilot[int], wire: Wire) -> None:
        self.app = app
        self.pilot = pilot
        self.wire = wire

    @property
    def text(self) -> str:
        return "\n".join(text_of(self.app))

    @property
    def flat(self) -> str:
        """What the dialog says, without its lines and its wrapping; the whole text while there is none."""
        lines = [line.split("│")[1] for line in self.text.splitlines() if line.count("│") == 2]
        return " ".join(" ".join(lines or [self.text]).split())

    async def until(self, true: Callable[[], Any], seconds: float = 60.0) -> None:
        """Let the application go on until something holds."""
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, f"it did not come about in time:\n{self.text}"
            await self.pilot.pause()
            await asyncio.sleep(0.02)

    async def sized(self, *keys: str, replicas: int, before: str, after: str, done: str) -> None:
        """From wherever the run is shown: choose a size, read its bill, agree, follow it to its end, go back."""
        self.app.action_scale()
        await self.pilot.pause()
        screen = self.app.screen
        assert isinstance(screen, ScaleScreen)
        await self.until(lambda: screen.found is not None and not screen.looking)
        await self.pilot.press(*keys)
        await self.until(lambda: screen.plan is not None)
        await self.pilot.pause()
        assert screen.wanted == replicas
        assert f"{before:>12}{after:>12}" in self.text
        await self.pilot.press("g")
        await self.pilot.pause()
        assert type(self.app.screen) is Confirm
        assert f"It costs {before}/h now and {after}/h" in self.flat
        await self.pilot.press("y")
        await self.until(lambda: isinstance(self.app.screen, ProgressScreen))
        assert screen.chosen is None, "the next size is chosen from what runs then"
        assert "is under way; it ends first" in screen.refusal("go_on"), "agreeing again would cut it off"
        await self.ended(done, replicas, after)
        await self.pilot.press("g")

    async def ended(self, done: str, replicas: int, costs: str) -> None:
        """The operation under way has come to its end, by the screen and by the cloud."""
        await self.until(lambda: f"✓ {done}" in self.text)
        assert f"{replicas} nodes, {costs}/h" in self.text
        assert self.app.operation_state.requests_lost == 0
        assert await asyncio.to_thread(self.there) == (replicas, replicas, replicas, replicas)

    def there(self) -> tuple[int, int, int, int]:
        """Ready replicas, all replicas, nodes, and the size that the pool's instance group wants."""
        pods = len(self.wire.replicas(CLUSTER, NAMESPACE, SERVICE))
        nodes, size = len(self.wire.nodes(CLUSTER, POOL)), self.wire.pool_size(ZONE, CLUSTER, POOL)
        return self.wire.ready(CLUSTER, NAMESPACE, SERVICE), pods, nodes, size


@asynccontextmanager
async def stage(practice: Any) -> AsyncIterator[Stage]:
    """The application at work on a practice cloud that outlives it."""

    @asynccontextmanager
    async def connect() -> AsyncIterator[Endpoints]:
        yield practice_cloud(practice.descriptor_path)

    app = RhaiiApp(connect, Path(practice.environ["RHAII_TUI_HOME"]), practice=True)
    app.animation_level = "none"
    async with app.run_test(size=(80, 24)) as pilot:
        found = Stage(app, pilot, Wire(practice))
        try:
            await found.until(lambda: app.journey.endpoints is not None)
            yield found
        finally:
            await app.journey.close()


async def test_down_to_none_and_back_then_what_another_process_left(practice_factory: Any) -> None:
    practice = practice_factory()
    async with stage(practice) as seen:
        app = seen.app
        app.answer(Answers(shape=Shape(Accelerator.GPU_T4, Topology.SCALE_OUT), given={"replicas": "5"}))
        await app.journey.open(app.journey.target())
        app.journey.approve("test")
        await app.push_screen("deploy")
        await seen.until(lambda: app.run_state.outcome == "done")
        await seen.sized("minus", "minus", "minus", replicas=2, before="$3.09", after="$1.47", done="Scaled")
        assert app.operation_state.requests_sent > 0
        await seen.sized("0", replicas=0, before="$1.47", after="$0.39", done="At zero")
        await _asked_at_quit(seen, "No accelerator is part of that", "GKE cluster fee $0.10/h")
        await seen.sized("plus", replicas=3, before="$0.39", after="$2.01", done="Awake")
        await _asked_at_quit(seen, "Accelerators are part of that", "$2.01/h")
        # What this program shows is done: another one need not wait until it has left.
        await asyncio.to_thread(Commands(practice).killed, "scale", "4", "--yes", at=_growing)
    async with stage(practice) as seen:
        await seen.until(lambda: isinstance(seen.app.screen, Confirm))
        await seen.until(lambda: "An unfinished run" in seen.flat)
        assert f"Scale {NAMESPACE}/{SERVICE} in {ZONE}, 4 replicas wanted" in seen.flat
        await seen.pilot.press("n")
        await _asked_at_quit(seen, "Accelerators are part of that", "$2.55/h")
        await seen.pilot.press("u")
        await seen.until(lambda: isinstance(seen.app.screen, Confirm))
        await seen.pilot.press("enter")
        await seen.until(lambda: isinstance(seen.app.screen, ProgressScreen))
        await seen.ended("Scaled", 4, "$2.55")


def _growing(event: dict[str, Any]) -> bool:
    return (event.get("type"), event.get("step")) == ("operation_started", "pool")


async def _asked_at_quit(seen: Stage, *said: str) -> None:
    """Every way out asks first, and says what goes on costing."""
    for key in ("q", "ctrl+q", "ctrl+c"):
        await seen.pilot.press(key)
        await seen.pilot.pause()
        assert isinstance(seen.app.screen, Confirm)
        for text in said:
            assert text in seen.flat
        await seen.pilot.press("n")
        await seen.pilot.pause()
