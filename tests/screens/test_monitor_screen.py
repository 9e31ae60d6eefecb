"""The monitor's screen by keyboard, at three sizes, with a small API server behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from served_cluster import NS, SVC, ServedCluster, engine_text, gpu_node, pod, service
from textual.pilot import Pilot
from textual.widgets import Static

from rhaii_tui.endpoints import Endpoints
from rhaii_tui.monitor.discovery import Wish
from screens.dialogs.choose import Choose
from screens.dialogs.reader import Reader
from screens.monitor import MonitorScreen
from screens.monitor_app import MonitorApp
from screens.troubleshoot import TroubleshootScreen
from screens.widgets.log_pane import LogPane
from screens.widgets.note_line import NoteLine

SIZES = [(80, 24), (120, 40), (200, 60)]


@asynccontextmanager
async def shown(folder: Path, size: tuple[int, int], fill: Callable[[ServedCluster], None]) -> AsyncIterator[
    tuple[MonitorApp, Pilot[int], ServedCluster]
]:  # fmt: skip
    served = ServedCluster(folder)
    fill(served)
    await served.start()
    (folder / "ca.pem").write_bytes(served.ca_pem)
    config = folder / "config"
    config.write_text(
        f"""
current-context: here
clusters: [{{name: here, cluster: {{server: "https://{served.address}", certificate-authority: {folder}/ca.pem}}}}]
users: [{{name: here, user: {{token: token}}}}]
contexts: [{{name: here, context: {{cluster: here, user: here}}}}]
"""
    )

    @asynccontextmanager
    async def connect() -> AsyncIterator[Endpoints]:
        yield served.endpoints()

    app = MonitorApp(connect, folder, lambda e: Wish(kubeconfig=config), interval=0.5)
    app.animation_level = "none"
    async with app.run_test(size=size) as pilot:
        yield app, pilot, served
    await served.stop()


def filled(served: ServedCluster) -> None:
    """Two replicas, one of them not ready."""
    served.put(service(2))
    for name, ready in (("chat-aaaaa", True), ("chat-bbbbb", False)):
        served.put(gpu_node(f"node-{name}"))
        served.put(pod(name, node=f"node-{name}", ready=ready, restarts=0 if ready else 3))
        served.metrics[name] = engine_text(running=7)


def text_of(app: MonitorApp) -> str:
    """The screen as text."""
    return "\n".join(strips.text for strips in app.screen._compositor.render_strips())


async def until(pilot: Pilot[int], wanted: Callable[[], object]) -> None:
    """Until the screen is as wanted."""
    async with asyncio.timeout(20):
        while not wanted():
            await pilot.pause(0.05)


def monitor_of(app: MonitorApp) -> MonitorScreen:
    """The monitor, below whatever dialog is open."""
    return next(s for s in app.screen_stack if isinstance(s, MonitorScreen))


@pytest.mark.parametrize("size", SIZES)
async def test_words_truth_figures_and_money_at_every_size(tmp_path: Path, size: tuple[int, int]) -> None:
    async with shown(tmp_path, size, filled) as (app, pilot, _):
        await until(pilot, lambda: "14 running" in text_of(app))
        said = text_of(app)
        for wanted in ("✗ not ready", "1/2 replicas", "A ✓ aaaaa", "B ✗ bbbbb", "Running", "25%", "/h", "idle"):
            assert wanted in said, said
        assert max(len(line) for line in said.splitlines()) <= size[0]
        await pilot.press("2")
        await until(pilot, lambda: "x not ready" in text_of(app))
        await until(pilot, lambda: any(c in text_of(app) for c in "▁▂▃▄▅▆▇█"))
        await pilot.press("m", "m")
        await until(pilot, lambda: "prefix hit ratio" in str(app.screen.query_one("#strip").border_title))
        await pilot.press("3")
        await until(pilot, lambda: "1 of 2 replicas ready" in text_of(app) or "nodes: 2 of 2 Ready" in text_of(app))


async def test_enter_tells_how_the_figures_were_come_by(tmp_path: Path) -> None:
    async with shown(tmp_path, (120, 40), filled) as (app, pilot, _):
        await until(pilot, lambda: "14 running" in text_of(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, Reader))
        page = app.screen.query_one(Static).render()
        assert "Ready condition is not True" in str(page)
        assert "blocks held by running requests" in str(page)


async def test_a_loss_is_said_and_nothing_becomes_zero(tmp_path: Path) -> None:
    async with shown(tmp_path, (120, 40), filled) as (app, pilot, served):
        await until(pilot, lambda: "14 running" in text_of(app))
        await served.stop()
        await until(pilot, lambda: "is live since" in text_of(app) and "figures of 0 of 2" in text_of(app))
        said = text_of(app)
        assert "? unknown" in said
        assert "was 1/2 replicas" in said
        assert "A ? aaaaa" in said
        assert "    7" in said
        await until(pilot, lambda: "✓" not in text_of(app).split("Log")[0])
        await served.start()
        await until(pilot, lambda: "14 running" in text_of(app) and "live since" not in text_of(app))


async def test_any_containers_log_can_be_chosen(tmp_path: Path) -> None:
    async with shown(tmp_path, (120, 40), filled) as (app, pilot, _):
        await until(pilot, lambda: "14 running" in text_of(app))
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, Choose))
        await pilot.press(*"bbbbb", "enter")
        await until(pilot, lambda: isinstance(app.screen, MonitorScreen))
        pane = app.screen.query_one(LogPane)
        await until(pilot, lambda: pane.stream == "chat-bbbbb/main")
        await pilot.press("b")
        await until(pilot, lambda: pane.stream == "chat-bbbbb/main (previous)")


async def test_nothing_there_is_said_with_what_to_do(tmp_path: Path) -> None:
    async with shown(tmp_path, (80, 24), lambda served: None) as (app, pilot, served):
        await until(pilot, lambda: "No LLMInferenceService exists" in text_of(app))
        assert "rhaii-tui setup" in text_of(app)
        await pilot.press("l")
        await until(pilot, lambda: "no replica whose log" in str(app.screen.query_one(NoteLine).render()))
        filled(served)
        await pilot.press("r")
        await until(pilot, lambda: "14 running" in text_of(app))
        assert f"{NS}/{SVC}" in monitor_of(app).found


def _two(served: ServedCluster) -> None:
    filled(served)
    other = service()
    other["metadata"] |= {"name": "other", "namespace": "team"}
    other["status"] = {}  # without an address nobody is asked
    served.put(other)


async def test_among_several_services_one_is_chosen_and_all_keys_mean_that_one(tmp_path: Path) -> None:
    async with shown(tmp_path, (80, 24), _two) as (app, pilot, _):
        await until(pilot, lambda: isinstance(app.screen, Choose))
        await pilot.press(*"other", "enter")
        await until(pilot, lambda: monitor_of(app).found == "team/other in here")
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, TroubleshootScreen) and app.screen.found is not None)
        assert "team/other, read at" in text_of(app)
        await pilot.press("s")
        await until(pilot, lambda: "found by a kubeconfig" in text_of(app))
        assert "--project" in text_of(app)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(app.screen, MonitorScreen))
