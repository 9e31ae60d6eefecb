"""The plan of every shape: a graph in order, side by side where it can be, with exact commands and no secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from rhaii_tui.catalog.shapes import SHAPES, Accelerator, Shape, Topology
from rhaii_tui.catalog.target import Target
from rhaii_tui.deployment.planning import build_plan
from rhaii_tui.deployment.steps import all_steps
from rhaii_tui.endpoints import google_cloud


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.id)
def test_every_shape_has_a_plan_in_order(target: Target, shape: Shape) -> None:
    wanted = target.model_copy(
        update={"accelerator": shape.accelerator, "topology": shape.topology, "replicas": shape.replicas}
    )
    plan = build_plan(wanted, google_cloud())
    seen: set[str] = set()
    for step in plan.steps:
        assert set(step.after) <= seen, f"{step.id} comes before what it waits for"
        seen.add(step.id)
        assert step.usual_seconds > 0
        assert step.usual_source
        assert step.commands
        assert step.waits_for
    assert seen <= set(all_steps())
    assert ("routing" in seen) is shape.routed
    assert plan.bill.components
    assert plan.expected_seconds < sum(s.usual_seconds for s in plan.steps)


def test_operators_and_pool_are_prepared_side_by_side(target: Target) -> None:
    plan = build_plan(target, google_cloud())
    steps = {s.id: s for s in plan.steps}

    def before(id: str) -> set[str]:
        return {id}.union(*(before(a) for a in steps[id].after)) if steps[id].after else {id}

    assert "pool" not in before("gateway") | before("secrets")
    assert not {"operators", "gateway", "namespace"} & before("accelerators")
    assert {"accelerators", "gateway", "secrets"} <= before("service")


def test_commands_name_secrets_by_file_only(target: Target, tmp_path: Path) -> None:
    secret = tmp_path / "pull.json"
    secret.write_text('{"auths": {"registry.redhat.io": {"auth": "dmVyeTpzZWNyZXQ="}}}')
    plan = build_plan(target.model_copy(update={"pull_secret_file": secret}), google_cloud())
    text = plan.model_dump_json()
    assert str(secret) in text
    assert "dmVyeTpzZWNyZXQ=" not in text


def test_a_tpu_pool_is_asked_for_without_topology(target: Target) -> None:
    tpu = target.model_copy(update={"accelerator": Accelerator.TPU_V6E, "topology": Topology.SINGLE, "replicas": 1})
    plan = build_plan(tpu, google_cloud())
    pool = next(s for s in plan.steps if s.id == "pool")
    assert "ct6e-standard-4t" in pool.commands[0].text
    assert "--tpu-topology" not in pool.commands[0].text
