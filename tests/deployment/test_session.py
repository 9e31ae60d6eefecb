"""A session keeps its run: one at a time, found again by target and cloud, begun anew when the last one is done."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from rhaii_tui.catalog.target import Target
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.journal import last_run
from rhaii_tui.deployment.session import RunBusy, Session
from rhaii_tui.endpoints import google_cloud


async def test_an_unfinished_run_is_taken_up_again(target: Target, tmp_path: Path) -> None:
    first = await Session.open(target, google_cloud(), tmp_path)
    first.approve("test")
    first.record(e.IntentRecorded(at=time.time(), step="cluster", action="create", kind="Cluster", name="c"))
    first.record(e.StepStarted(at=time.time(), step="cluster"))
    await first.close()
    again = await Session.open(target, google_cloud(), tmp_path)
    assert again.state.run == first.state.run
    assert again.state.approved_at == first.state.approved_at
    assert [x.name for x in again.state.pending_intents] == ["c"]
    assert again.state.step("cluster").status == "waiting"
    await again.close()


@pytest.mark.parametrize("change", [{"zone": "us-central1-b"}, {"replicas": 2}, {"namespace": "other"}])
async def test_another_target_is_another_run(target: Target, tmp_path: Path, change: dict[str, object]) -> None:
    first = await Session.open(target, google_cloud(), tmp_path)
    await first.close()
    other = await Session.open(target.model_copy(update=change), google_cloud(), tmp_path)
    assert other.state.run != first.state.run
    await other.close()


async def test_a_finished_run_stays_finished(target: Target, tmp_path: Path) -> None:
    first = await Session.open(target, google_cloud(), tmp_path)
    first.record(e.RunStopped(at=time.time(), outcome="done"))
    await first.close()
    second = await Session.open(target, google_cloud(), tmp_path)
    assert second.state.run != first.state.run
    await second.close()
    found = last_run(tmp_path, "google", first.state.run)
    assert found is not None
    assert found.outcome == "done"


async def test_nobody_else_works_on_a_held_run(target: Target, tmp_path: Path) -> None:
    first = await Session.open(target, google_cloud(), tmp_path)
    with pytest.raises(RunBusy):
        await Session.open(target, google_cloud(), tmp_path)
    await first.close()
    await (await Session.open(target, google_cloud(), tmp_path)).close()


async def test_nothing_runs_before_approval(target: Target, tmp_path: Path) -> None:
    session = await Session.open(target, google_cloud(), tmp_path)
    with pytest.raises(RuntimeError, match="approved"):
        await session.run()
    session.approve("test")
    session.approve("test again")
    assert session.state.approved_at is not None
    await session.close()


async def test_listeners_see_what_is_on_disk_already(target: Target, tmp_path: Path) -> None:
    session = await Session.open(target, google_cloud(), tmp_path)
    seen: list[tuple[str, str | None]] = []

    def listen(event: e.Event, state: object) -> None:
        stored = last_run(tmp_path, "google")
        assert stored is not None
        seen.append((event.type, stored.model))

    forget = session.subscribe(listen)
    session.record(e.EndpointPublished(at=time.time(), url="http://x", model="m"))
    forget()
    session.record(e.EndpointPublished(at=time.time(), url="http://y", model="n"))
    assert seen == [("endpoint_published", "m")]
    await session.close()
