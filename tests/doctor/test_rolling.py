"""An update that passes a full pool: what is owed, to whom it is left, and who may begin one."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from doctor_stage import Stage, target_of

from rhaii_tui.catalog.shapes import Accelerator, Shape, Topology
from rhaii_tui.clock import Clock
from rhaii_tui.deployment.session import Session
from rhaii_tui.deployment.unfinished import at_work
from rhaii_tui.doctor import edits, rolling
from rhaii_tui.doctor.diagnosis import judge
from rhaii_tui.doctor.fixing import Surgery
from rhaii_tui.doctor.notebook import Notebook
from rhaii_tui.doctor.objects import merged
from rhaii_tui.doctor.place import Place
from rhaii_tui.doctor.rule import Change, Fix
from rhaii_tui.endpoints import google_cloud

SCALE_OUT = Shape(Accelerator.GPU_T4, Topology.SCALE_OUT)
SINGLE = Shape(Accelerator.GPU_T4, Topology.SINGLE)


@pytest.fixture
def service() -> dict[str, Any]:
    return Stage(SCALE_OUT).service


def test_what_was_taken_away_is_owed_until_it_is_asked_for_again(service: dict[str, Any]) -> None:
    assert not rolling.owed(service)
    short = merged(service, rolling.fewer(service))
    assert (rolling.asked_for(short), rolling.owed(short)) == (2, 3)
    back = merged(short, rolling.all_again(short))
    assert (rolling.asked_for(back), rolling.owed(back), rolling.noted(back)) == (3, 0, False)


@pytest.mark.parametrize("others", [1, 3, 5])
def test_a_number_that_others_asked_for_meanwhile_stays(service: dict[str, Any], others: int) -> None:
    short = merged(service, rolling.fewer(service))
    short["spec"]["replicas"] = others
    back = merged(short, rolling.all_again(short))
    assert (rolling.asked_for(back), rolling.owed(back), rolling.noted(back)) == (others, 0, False)


@pytest.mark.parametrize(("others", "words"), [(5, "Somebody asked for 5 replicas"), (None, "was deleted")])
async def test_an_update_is_not_waited_for_once_others_have_their_hands_on_the_service(
    service: dict[str, Any], others: int | None, words: str
) -> None:
    seen = merged(service, rolling.fewer(service))
    looks = 0

    async def look() -> tuple[dict[str, Any] | None, dict[str, Any] | None, list[dict[str, Any]]]:
        nonlocal looks
        looks += 1
        now = copy.deepcopy(seen)
        if looks > 1:
            now["spec"]["replicas"] = others
        return (None if looks > 1 and others is None else now), None, []

    assert words in await rolling.Update(Clock(600), 3, look).finished()
    assert looks == 2


def test_a_single_replica_that_was_taken_away_is_no_service_stopped_on_purpose() -> None:
    stage = Stage(SINGLE)
    stage.service = merged(stage.service, rolling.fewer(stage.service))
    found = judge(stage.snapshot())
    assert not found.stopped
    assert found.cause is not None
    assert found.cause.rule.id == "service.replica-owed"


async def test_a_run_is_at_work_from_its_approval_to_its_end(tmp_path: Path) -> None:
    target, cloud = target_of(SCALE_OUT), google_cloud()
    names = (target.project, target.zone, target.cluster, target.namespace, target.service)

    def found() -> tuple[str, str]:
        return at_work(tmp_path, cloud.name, names), at_work(tmp_path, cloud.name, (*names[:4], "another"))

    session = await Session.open(target, cloud, tmp_path)
    assert found() == ("", "")
    session.approve("test")
    assert found() == ("setup", "")
    await session.close()
    assert found() == ("", "")


async def test_no_replica_is_taken_away_from_under_a_run(tmp_path: Path) -> None:
    target, cloud = target_of(SCALE_OUT), google_cloud()
    place, book = Place.of(target), Notebook(tmp_path, cloud.name, Place.of(target))
    surgery = Surgery(place, cloud, None, book, busy=lambda: "A scale is being worked on.")
    roll = Fix("roll", changes=(Change("roll", edits.KIND, place.namespace, place.service, {"replicas": 3}),))
    assert (await surgery.preview(roll)).refused == "A scale is being worked on."
    outcome = await surgery.apply("a.rule", roll)
    assert (outcome.ok, outcome.failure) == (False, "A scale is being worked on.")
    assert book.last_applied("a.rule") is None
