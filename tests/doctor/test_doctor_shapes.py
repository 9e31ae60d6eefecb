"""Every shape as setup leaves it: the doctor finds nothing at all, and every hop that the shape has is green."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from rhaii_tui.catalog.shapes import SHAPES, Shape
from rhaii_tui.deployment.session import Session
from rhaii_tui.doctor import Place, State, examine
from rhaii_tui.doctor.hops import Hop
from rhaii_tui.endpoints import Endpoints, practice_cloud
from rhaii_tui.settings import resolve

pytestmark = [pytest.mark.wire, pytest.mark.timeout(240)]


async def _deployed(shape: Shape, endpoints: Endpoints, home: Path) -> Place:
    """A run of its own, in a cluster of its own: all services of the practice cloud answer under one address."""
    flags = {"accelerator": shape.accelerator.value[:3], "topology": shape.topology.value}
    own = {"cluster": shape.id, "namespace": shape.id, "service": f"{shape.id}-svc"}
    session = await Session.open(resolve(flags | own, endpoints, {}, home).target(), endpoints, home)
    try:
        session.approve("test")
        state = await session.run()
        assert state.outcome == "done", [(s.spec.id, s.finding) for s in state.steps if s.finding]
    finally:
        await session.close()
    return Place.of(session.plan.target)


async def test_a_healthy_shape_has_no_finding(practice: Any, tmp_path: Path) -> None:
    endpoints = practice_cloud(practice.descriptor_path)
    places = await asyncio.gather(*(_deployed(s, endpoints, tmp_path / s.id) for s in SHAPES))
    for shape, place in zip(SHAPES, places, strict=True):
        found = await examine(place, endpoints)
        assert [(f.rule.id, f.hit.message) for f in found.findings] == [], shape.id
        assert found.healthy, (shape.id, found.unread)
        for link in found.links:
            unused = link.hop in (Hop.POOL, Hop.PICKER) and not shape.routed
            assert link.state is (State.UNUSED if unused else State.GREEN), (shape.id, link.hop, link.line)
