"""The screens of the road by keyboard, at three sizes, without a cloud behind them."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripted_run import PODS, deployed, make_app, painted, settled, text_of
from textual.widgets import Static

from rhaii_tui.catalog.shapes import SHAPES, Accelerator, Topology
from screens.console_state import ConsoleState
from screens.dialogs.confirm import Confirm
from screens.road_screen import RoadScreen
from screens.widgets.note_line import NoteLine
from screens.widgets.shape_table import ShapeTable

SIZES = [(80, 24), (120, 40), (200, 60)]


@pytest.mark.parametrize("size", SIZES)
async def test_decide_shows_six_shapes_and_their_keys(tmp_path: Path, size: tuple[int, int]) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        shown = "\n".join(text_of(app))
        assert shown.count("scale-out") >= 2
        for wanted in ("cost per day", "$48.31", "$865.44", "measured", "claimed", "quota needed", "unknown"):
            assert wanted in shown
        for wanted in ("us-central1-a", "on-demand", "Qwen/Qwen2.5-3B", "rhaii-inference", "practice-project"):
            assert wanted in shown
        assert "g Go on: check" in shown
        assert "Quit" in text_of(app)[-1]
        assert max(len(line) for line in text_of(app)) <= size[0]


async def test_a_changed_answer_changes_the_table_at_once(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        table = app.screen.query_one(ShapeTable)
        assert SHAPES[table.chosen].topology is Topology.SCALE_OUT
        before = table.options[2].bill.usd_per_day
        await pilot.press("plus")
        assert table.options[2].replicas == 4
        assert (table.options[2].bill.usd_per_day or 0) > (before or 0)
        await pilot.press("b")
        assert table.options[2].provisioning == "spot"
        await pilot.press("down")
        assert app.answers.shape.accelerator is Accelerator.TPU_V6E
        await pilot.press("z", *"south1-a", "enter")
        await pilot.pause()
        assert table.options[3].region == "us-south1"
        assert app.settings is not None
        assert app.settings.target().zone == "us-south1-a"
        await pilot.press("up")
        assert app.settings.target().zone == "us-central1-a"


async def test_a_refused_answer_says_why(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("left", "plus")
        await pilot.pause()
        assert "always runs one replica" in str(app.screen.query_one(NoteLine).render())
        await pilot.press("n", "ctrl+u", *"Bad_Name", "enter")
        await pilot.pause()
        assert "lower-case" in str(app.screen.query_one("#ask-wrong", Static).render())
        await pilot.press("escape")
        await pilot.pause()
        assert app.answers.given.get("namespace") is None


@pytest.mark.parametrize("size", SIZES)
async def test_plan_shows_graph_bill_and_commands(tmp_path: Path, size: tuple[int, int]) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await app.push_screen("plan")
        await pilot.pause()
        await pilot.pause()
        shown = "\n".join(text_of(app))
        for wanted in ("Google APIs", "GKE cluster", "Verify", "◆", "$2.01/h", "SPENDS", "Go on: approve", "Expected"):
            assert wanted in shown
        await pilot.press("down", "enter")
        await pilot.pause()
        assert "gcloud container clusters create" in "\n".join(text_of(app))
        await pilot.press("y", "escape", "Y")
        assert app.clipboard.startswith("#!/bin/sh")


async def test_approval_asks_once_and_enter_alone_does_not_spend(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await app.push_screen("plan")
        await pilot.pause()
        await pilot.press("a")
        await pilot.pause()
        assert isinstance(app.screen, Confirm)
        assert "$2.01/h" in "\n".join(text_of(app))
        await pilot.press("enter")
        await settled(pilot)
        assert app.journey.session is None


@pytest.mark.parametrize("size", SIZES)
async def test_deploy_shows_steps_replicas_and_conditions(tmp_path: Path, size: tuple[int, int]) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=size) as pilot:
        script = await deployed(app, pilot)
        script.until_replicas()
        script.replicas_starting()
        shown = "\n".join(await painted(app, pilot))
        for wanted in ("GKE cluster", "6m15s", "6m28s", "Verify", "60x here", "Waits for", "$1.99/h running"):
            assert wanted in shown
        await pilot.press("2")
        shown = "\n".join(await painted(app, pilot))
        assert all(pod[-5:] in shown for pod in PODS)
        assert "CUDA graph 21/35" in shown
        await pilot.press("3")
        shown = "\n".join(await painted(app, pilot))
        assert "WorkloadsReady" in shown
        assert "FailedScheduling x3" in shown
        await pilot.press("4")
        shown = "\n".join(await painted(app, pilot))
        assert "Capturing graph 39" in shown
        assert "following" in shown


async def test_a_failure_offers_the_next_key_everywhere(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        script = await deployed(app, pilot)
        await pilot.press("r")
        assert "Nothing has stopped" in str(app.screen.query_one(NoteLine).render())
        script.quota_failure()
        shown = "\n".join(await painted(app, pilot))
        assert "Failed" in shown
        assert "GPUS_ALL_REGIONS is 0" in shown
        assert "r retries" in shown
        assert "(1 to read)" in shown
        await pilot.press("3", "enter")
        await pilot.pause()
        shown = "\n".join(text_of(app))
        assert "What to do" in shown
        assert "Raw text" in shown


@pytest.mark.parametrize("size", SIZES)
async def test_done_tells_the_call_the_cost_and_the_way_out(tmp_path: Path, size: tuple[int, int]) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=size) as pilot:
        script = await deployed(app, pilot)
        script.until_replicas()
        script.replicas_starting()
        script.ready()
        await painted(app, pilot)
        await app.push_screen("done")
        shown = "\n".join(await painted(app, pilot))
        for wanted in ("Ready after", "curl -s", "Running now", "node-pools delete", "were not tested"):
            assert wanted in shown
        await pilot.press("Y")
        assert "node-pools delete gpu-pool" in app.clipboard


async def test_quitting_while_something_costs_asks_and_stays_by_default(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        script = await deployed(app, pilot)
        script.until_replicas()
        await painted(app, pilot)
        await pilot.press("q")
        await pilot.pause()
        shown = "\n".join(text_of(app))
        assert "goes on costing" in shown
        assert "$1.99/h" in shown
        await pilot.press("enter")
        await pilot.pause()
        assert app.is_running
        assert isinstance(app.screen, RoadScreen)


async def test_back_keeps_the_answers(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("right")
        chosen = app.answers.shape
        await app.push_screen("plan")
        await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
        assert app.answers.shape == chosen
        assert app.screen.query_one(ShapeTable).chosen == SHAPES.index(chosen)


async def test_help_lists_every_key_with_its_meaning(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("question_mark")
        await pilot.pause()
        shown = "\n".join(text_of(app))
        for wanted in ("Another zone for this accelerator", "Resume", "Palette", "UNKNOWN"):
            assert wanted in shown


async def test_the_palette_offers_what_is_possible_now(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await deployed(app, pilot)
        titles = [c.title for c in app.get_system_commands(app.screen)]
        assert not any(t.startswith(("Retry", "Test")) for t in titles)
        assert any(t.startswith("Help") for t in titles)


async def test_both_themes_and_no_colour_render(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        for name in ("rhaii-light", "rhaii-dark", "ansi-dark", "ansi-light"):
            app.theme = name
            await pilot.pause()
            assert "▸scale-out" in "\n".join(text_of(app))


async def test_the_console_waits_with_words_instead_of_empty_boxes(tmp_path: Path) -> None:
    from screens import console_pages as pages

    state = ConsoleState()
    for content in (
        pages.health(state, 80),
        pages.matrix(state, 4, False),
        pages.replicas(state, 50),
        pages.throughput(state),
        pages.verdict(None),
    ):
        assert content.plain.strip()


async def test_escape_on_the_first_screen_does_not_leave(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert app.is_running
        assert "q leaves" in str(app.screen.query_one(NoteLine).render())


async def test_an_unfinished_run_is_offered_first(tmp_path: Path) -> None:
    first = make_app(tmp_path)
    async with first.run_test(size=(80, 24)) as pilot:
        script = await deployed(first, pilot)
        script.quota_failure()
    second = make_app(tmp_path)
    async with second.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        shown = "\n".join(text_of(second))
        assert "An unfinished run" in shown
        assert "stopped at T4 GPU node pool" in shown
        await pilot.press("escape")
        await pilot.pause()
        assert second.screen.query_one(ShapeTable)
