"""What a first user trips over: one key that goes on, refusals that say why, rows that stay on one line, Ctrl-C."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from scripted_run import deployed, make_app, painted, settled, text_of
from textual.content import Content

from rhaii_tui.advisor.options import options
from rhaii_tui.catalog.findings import Finding, Status
from rhaii_tui.deployment.plan import Change
from rhaii_tui.deployment.running_cost import usd_per_hour_now
from rhaii_tui.deployment.state import RunState
from screens import decide_pages, deploy_rows, operation_pages, quit_page
from screens.app import RhaiiApp
from screens.dialogs.confirm import Confirm
from screens.preflight import PreflightScreen
from screens.stall_watch import StallWatch
from screens.theme.figures import count, hang
from screens.widgets.row_list import RowList
from screens.widgets.shape_table import provenance


@pytest.mark.parametrize("name", ["decide", "plan", "deploy", "done"])
async def test_the_same_key_goes_on_and_stands_first(tmp_path: Path, name: str) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        script = await deployed(app, pilot)
        script.until_replicas()
        script.replicas_starting()
        script.ready()
        await painted(app, pilot)
        if name == "decide":
            while len(app.screen_stack) > 2:
                app.pop_screen()
        elif name != "deploy":
            await app.push_screen(name)
        shown = await painted(app, pilot)
        assert shown[-1].lstrip().startswith("g Go on: ")


async def test_ctrl_c_asks_while_something_costs_and_leaves_when_pressed_again(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        script = await deployed(app, pilot)
        script.until_replicas()
        await painted(app, pilot)
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert isinstance(app.screen, Confirm)
        assert "goes on costing" in "\n".join(text_of(app))
        await pilot.press("ctrl+c")
        await pilot.pause()
    assert app.return_value == 1


async def test_ctrl_c_leaves_at_once_before_anything_began(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+c")
        await pilot.pause()
    assert app.return_value == 0


async def test_a_failure_has_its_whole_message_and_the_cursor(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        script = await deployed(app, pilot)
        script.quota_failure()
        shown = "\n".join(await painted(app, pilot))
        state = app.run_state
        failed = next(i for i, s in enumerate(state.steps) if s.status == "failed")
        finding = state.steps[failed].finding
        assert finding is not None
        assert finding.message.split()[-1] in shown
        assert app.screen.query_one("#step-rows", RowList).at == failed
        assert shown.rstrip().splitlines()[-1].lstrip().startswith("r Retry")


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (117, 40), (120, 30), (120, 36), (200, 60)])
async def test_no_row_of_the_deployment_wraps(tmp_path: Path, size: tuple[int, int]) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=size) as pilot:
        script = await deployed(app, pilot)
        script.until_replicas()
        script.replicas_starting()
        await painted(app, pilot)
        rows = app.screen.query_one("#step-rows", RowList)
        assert len(rows._lines) == len(app.run_state.steps)
        shown = "\n".join(text_of(app))
        assert all(step.spec.title in shown for step in app.run_state.steps)


async def test_rows_longer_than_the_list_are_cut(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await app.push_screen("plan")
        await pilot.pause()
        listing = app.screen.query_one(RowList)
        listing.show([Content("x" * 300)] * 40)
        await pilot.pause()
        assert len(listing._lines) == 40


def test_a_cause_that_three_replicas_share_is_one_row() -> None:
    same = [
        Finding(rule="pull-secret", category="image", name=f"pod-{n}", status=Status.FAIL, message="refused")
        for n in range(3)
    ]
    state = replace(RunState(), findings=tuple(same))
    rows = deploy_rows.status(state, 70)
    assert len(rows) == 1
    assert "3 of them" in rows[0].line.plain
    assert deploy_rows.to_read(state) == 1


def test_throughput_is_never_shown_without_its_requests_in_flight() -> None:
    for option in options():
        if option.throughput and option.throughput[0].concurrency is not None:
            for width in (10, 16, 25):
                shown = provenance(option.throughput, width)
                assert f"c={option.throughput[0].concurrency}" in shown
                assert len(shown) <= width
    hints = [line.plain for line in decide_pages.hint(options()[2], options())]
    assert any("compare only at the same c" in line for line in hints)
    assert max(len(line) for line in hints) <= 78


async def test_a_step_far_over_its_usual_time_is_asked_about(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        script = await deployed(app, pilot)
        script.until_replicas()
        await painted(app, pilot)
        state, watch = app.run_state, StallWatch(app.journey)
        running = next(s for s in state.steps if s.status == "running")
        assert running.started_at is not None
        assert watch.stalled(state, running.started_at + 1 / state.rate) == ""
        late = running.started_at + max(3 * running.spec.usual_seconds / state.rate, 6)
        assert watch.stalled(state, late) in {s.spec.id for s in state.steps if s.status == "running"}
        assert watch.stalled(replace(state, outcome="failed"), late) == ""


def test_numbers_agree_with_their_nouns() -> None:
    assert (count(1, "replica"), count(3, "replica")) == ("1 replica", "3 replicas")
    assert hang("one two three four five", 20, 2).splitlines() == ["  one two three four", "  five"]


async def test_a_stop_says_what_is_saved_and_quitting_afterwards_names_no_accelerator(tmp_path: Path) -> None:
    app: RhaiiApp = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        script = await deployed(app, pilot)
        script.until_replicas()
        await painted(app, pilot)
        plan = app.run_state.plan
        assert plan is not None
        less = plan.bill.model_copy(update={"components": plan.bill.components[-1:]})
        change = Change(replicas_before=3, replicas_after=0, nodes_before=3, nodes_after=0)
        stop = plan.model_copy(update={"kind": "stop", "bill": less, "bill_before": plan.bill, "change": change})
        table = operation_pages.change(stop).plain
        assert "-3" in table
        assert "-$" in table
        state = replace(app.run_state, plan=stop, outcome="done", nodes=0)
        assert usd_per_hour_now(state) == less.usd_per_hour
        assert usd_per_hour_now(replace(state, outcome=None, steps=())) == plan.bill.usd_per_hour
        asked = quit_page.quit_page(state, False)
        assert "Accelerators" not in asked._body.plain
        assert "0 nodes" in operation_pages.outcome(state)


async def test_a_zone_that_is_not_listed_may_be_typed_and_nonsense_says_why(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("z", *"nowhere", "enter")
        await pilot.pause()
        assert "a zone looks like" in "\n".join(text_of(app))
        await pilot.press("ctrl+u", *"asia-east1-z")
        await pilot.pause()
        assert "Enter takes asia-east1-z as typed" in "\n".join(text_of(app))
        await pilot.press("enter")
        await pilot.pause()
        assert app.settings is not None
        assert app.settings.get("zone") == "asia-east1-z"


async def test_going_on_before_the_cloud_is_there_happens_when_it_comes(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        endpoints, app.journey.endpoints = app.journey.endpoints, None
        await pilot.press("g")
        await pilot.pause()
        assert "begins by itself" in "\n".join(text_of(app))
        assert endpoints is not None
        app.cloud_words = ""
        app.journey.endpoints = endpoints
        app.connected(endpoints)
        await pilot.pause()
        assert isinstance(app.screen, PreflightScreen)
