"""Plans and their parts as values: orders, bills, notes, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhaii_tui.catalog.shapes import Accelerator, Topology
from rhaii_tui.catalog.target import Target
from rhaii_tui.deployment.journal import RunBusy
from rhaii_tui.deployment.plan import Effect, Item, StepSpec
from rhaii_tui.deployment.session import Session
from rhaii_tui.endpoints import google_cloud
from rhaii_tui.google.values import PoolInfo
from rhaii_tui.operations.discovery import Deployment, topology
from rhaii_tui.operations.owned_fields import owned
from rhaii_tui.operations.placement import occupied
from rhaii_tui.operations.planning import scale_plan, stop_plan, wake_plan
from rhaii_tui.operations.running import open_operation
from rhaii_tui.operations.trouble import Trouble


def deployment(accelerator: Accelerator = Accelerator.GPU_T4, replicas: int = 3, **changes: Any) -> Deployment:
    """Three replicas on three nodes unless said otherwise."""
    tpu = accelerator is Accelerator.TPU_V6E
    machine = "ct6e-standard-4t" if tpu else "n1-standard-4"
    target = Target(
        accelerator=accelerator,
        topology=Topology.SCALE_OUT,
        project="test-project",
        zone="europe-west4-a" if tpu else "us-central1-a",
        cluster="a-cluster",
        pool="a-pool",
        namespace="inference",
        service="a-service",
        replicas=replicas,
        model="Qwen/Qwen2.5-3B-Instruct",
        image="vllm",
    )
    scaling = changes.pop("scaling", {})
    pool = PoolInfo(
        name="a-pool", status="RUNNING", status_message="", machine_type=machine, accelerator="",
        accelerators_per_node=0, initial_nodes=replicas, locations=(target.zone,), version="", provisioning="on-demand",
        autoscaled=bool(scaling), most_nodes=0, instance_groups=(), labels={}, conditions=(), scaling=scaling,
    )  # fmt: skip
    found = Deployment(target, pool, replicas, replicas, 0, "http://gateway/inference/a-service", False, True)
    return replace(found, **changes)


def order(plan: Any) -> list[str]:
    return [step.id for step in plan.steps]


def test_up_is_nodes_before_replicas_and_down_is_replicas_before_nodes() -> None:
    up, down = order(scale_plan(deployment(), 5)), order(scale_plan(deployment(), 2))
    assert up.index("pool") < up.index("accelerators") < up.index("service") < up.index("replicas") < up.index("verify")
    assert down.index("service") < down.index("drained") < down.index("pool") < down.index("verify")


@given(st.integers(1, 16), st.integers(1, 16), st.integers(0, 3), st.sampled_from(Accelerator))
def test_every_step_follows_what_it_depends_on_and_the_bill_follows_the_nodes(
    has: int, wants: int, others: int, accelerator: Accelerator
) -> None:
    found = deployment(accelerator, has, nodes=has + others, others=others)
    for plan in (scale_plan(found, wants), stop_plan(found), wake_plan(found, wants, {"max_node_count": 4})):
        seen: set[str] = set()
        for step in plan.steps:
            assert set(step.after) <= seen
            seen.add(step.id)
        assert plan.change is not None
        assert plan.bill_before is not None
        assert plan.bill.usd_per_hour is not None
        assert plan.bill_before.usd_per_hour is not None
        more = plan.change.nodes_after - plan.change.nodes_before
        assert (plan.bill.usd_per_hour > plan.bill_before.usd_per_hour) == (more > 0)
        assert plan.change.nodes_after >= plan.change.replicas_after + others


def test_nodes_that_an_operation_left_behind_are_given_back_by_the_same_number() -> None:
    left = deployment(nodes=6, others=1)
    plan = scale_plan(left, 3)
    assert order(plan)[:2] == ["connect", "pool"]
    assert plan.change is not None
    assert (plan.change.nodes_before, plan.change.nodes_after) == (6, 4)
    assert "2 nodes carry nothing" in "".join(plan.change.notes)
    assert "pool" not in order(scale_plan(deployment(nodes=4, others=1), 3))
    assert "pool" not in order(scale_plan(deployment(nodes=5, scaling={"max_node_count": 8}), 3))
    up = scale_plan(left, 4).change
    assert up is not None
    assert up.nodes_after == 6


def test_cordoned_nodes_are_given_back_before_they_are_counted_on_or_are_no_room() -> None:
    ours = replace(deployment(replicas=2, nodes=5), ours_cordoned=("n-3", "n-4", "n-5"))
    asleep = replace(ours, stopped=True)
    for plan in (scale_plan(ours, 5), scale_plan(ours, 6), wake_plan(asleep, 5, {}), wake_plan(asleep, 5, {"min": 1})):
        first, then = "uncordon", "accelerators" if "accelerators" in order(plan) else "service"
        assert first in next(s for s in plan.steps if s.id == then).after
        assert "kubectl uncordon n-3 n-4 n-5" in {c.text for s in plan.steps for c in s.commands}
    assert "uncordon" not in [*order(scale_plan(ours, 1)), *order(scale_plan(ours, 2)), *order(stop_plan(ours))]
    theirs = replace(deployment(nodes=5), cordoned=("n-4", "n-5"))
    change = scale_plan(theirs, 4).change
    assert change is not None
    assert (change.nodes_after, change.uncordons) == (6, ())
    assert "n-4, n-5: cordoned" in "".join(change.notes)


def test_a_wake_after_a_stop_by_number_brings_back_what_is_remembered() -> None:
    stopped = replace(deployment(stopped=True, nodes=0), replicas=0, before=4)
    plan = wake_plan(stopped, None, {})
    assert plan.target.replicas == 4


@pytest.mark.parametrize("replicas", [0, -1, 17, 1000])
def test_impossible_numbers_are_usage_errors(replicas: int) -> None:
    with pytest.raises(Trouble) as trouble:
        scale_plan(deployment(), replicas)
    assert trouble.value.usage


def test_a_pool_over_several_zones_is_not_grown_but_given_back() -> None:
    found = deployment()
    found = replace(found, pool=replace(found.pool, locations=("us-central1-a", "us-central1-b")))
    for grow in (lambda: scale_plan(found, 4), lambda: wake_plan(replace(found, stopped=True, nodes=0), 3, {})):
        with pytest.raises(Trouble, match="several zones"):
            grow()
    assert "pool" in order(scale_plan(found, 2))
    assert "pool" in order(stop_plan(found))
    assert "pool" not in order(scale_plan(replace(found, nodes=4), 4)), "nodes that are there already are used"


def test_a_tpu_is_given_back_with_a_warning_and_an_autoscaler_is_switched_off() -> None:
    stop = stop_plan(deployment(Accelerator.TPU_V6E, scaling={"max_node_count": 4}))
    assert stop.change is not None
    assert any("stockout" in note for note in stop.change.notes)
    assert order(stop) == ["connect", "stop", "gone", "autoscaler", "pool", "zero"]
    assert "autoscaler" not in order(stop_plan(deployment()))
    assert stop.change.scaling == {"max_node_count": 4}


def test_a_wake_brings_back_what_there_was() -> None:
    wake = wake_plan(deployment(stopped=True, nodes=0), None, {})
    assert wake.change is not None
    assert (wake.change.replicas_before, wake.change.replicas_after, wake.change.nodes_after) == (0, 3, 3)


@pytest.mark.parametrize(
    ("spec", "replicas", "expected"),
    [
        ({"router": {"route": {}}}, 3, Topology.SINGLE),
        ({"router": {"scheduler": {}}}, 1, Topology.BASELINE),
        ({"router": {"scheduler": {}}}, 2, Topology.SCALE_OUT),
    ],
)
def test_a_manifest_tells_its_topology(spec: dict[str, Any], replicas: int, expected: Topology) -> None:
    assert topology(spec, replicas) is expected


def test_daemons_and_finished_pods_do_not_hold_a_node() -> None:
    def pod(node: str, **more: Any) -> dict[str, Any]:
        meta = {"name": "p", **more.pop("metadata", {})}
        return {"metadata": meta, "spec": {"nodeName": node}, "status": {"phase": more.get("phase", "Running")}}

    daemon = {"ownerReferences": [{"kind": "DaemonSet", "name": "plugin"}]}
    mirror = {"annotations": {"kubernetes.io/config.mirror": "x"}}
    pods = [pod("a", metadata=daemon), pod("b", metadata=mirror), pod("c", phase="Succeeded"), pod("d")]
    assert occupied(pods) == {"d"}


def test_only_the_managers_own_fields_are_taken_over() -> None:
    fields = {
        "f:metadata": {"f:labels": {".": {}, "f:ours": {}}},
        "f:spec": {
            "f:replicas": {},
            "f:containers": {'k:{"name":"main"}': {".": {}, "f:name": {}, "f:args": {}}},
            "f:groups": {'v:"a"': {}},
        },
    }
    live = {
        "metadata": {
            "labels": {"ours": "1", "theirs": "2"},
            "managedFields": [
                {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": {"f:theirs": {}}}},
                {"manager": "rhaii-tui", "operation": "Apply", "fieldsV1": fields},
            ],
        },
        "spec": {
            "replicas": 3,
            "theirs": True,
            "containers": [{"name": "main", "args": ["a"], "image": "theirs"}, {"name": "sidecar"}],
            "groups": ["a", "b"],
        },
    }
    assert owned(live, "rhaii-tui") == {
        "metadata": {"labels": {"ours": "1"}},
        "spec": {"replicas": 3, "containers": [{"name": "main", "args": ["a"]}], "groups": ["a"]},
    }
    assert owned(live, "nobody") == {}


async def test_an_interrupted_operation_is_taken_up_with_its_own_plan(tmp_path: Path) -> None:
    first = await open_operation(scale_plan(deployment(), 5), google_cloud(), tmp_path)
    first.approve("test")
    await first.close()
    now = replace(deployment(), nodes=5)  # what the interrupted run has done meanwhile
    again = await open_operation(scale_plan(now, 5), google_cloud(), tmp_path)
    assert again.state.run == first.state.run
    assert "pool" in order(again.plan)
    await again.close()
    theirs = await open_operation(scale_plan(deployment(replicas=7), 5), google_cloud(), tmp_path)
    assert theirs.state.run != first.state.run, "somebody else has scaled it meanwhile: the old plan no longer fits"
    await theirs.close()
    other = await open_operation(scale_plan(now, 2), google_cloud(), tmp_path)
    assert other.state.run != first.state.run
    await other.close()


async def test_a_setup_is_not_taken_up_again_after_a_teardown(tmp_path: Path) -> None:
    target = deployment().target
    setup = await Session.open(target, google_cloud(), tmp_path)
    setup.approve("test")
    await setup.close()
    gone = stop_plan(deployment()).model_copy(update={"kind": "teardown", "steps": ()})
    end = await open_operation(gone, google_cloud(), tmp_path)
    await end.close()
    declined = await Session.open(target, google_cloud(), tmp_path)
    assert declined.state.run == setup.state.run, "a teardown that was not approved has ended nothing"
    await declined.close()
    end = await open_operation(gone, google_cloud(), tmp_path)
    end.approve("test")
    await end.close()
    anew = await Session.open(target, google_cloud(), tmp_path)
    assert anew.state.run not in (setup.state.run, end.state.run)
    assert anew.state.approved_at is None
    await anew.close()


async def test_a_run_under_way_keeps_everybody_else_from_its_deployment(tmp_path: Path) -> None:
    first = await open_operation(scale_plan(deployment(), 5), google_cloud(), tmp_path)
    elsewhere = replace(deployment(), target=deployment().target.model_copy(update={"service": "another"}))
    theirs = await open_operation(scale_plan(elsewhere, 5), google_cloud(), tmp_path)
    end = stop_plan(deployment()).model_copy(update={"kind": "teardown", "steps": ()})
    for folder in (theirs.folder, first.folder):  # the newer one first, then the older
        with pytest.raises(RunBusy) as busy:
            await open_operation(end, google_cloud(), tmp_path)
        assert busy.value.folder == folder
        await (theirs if folder == theirs.folder else first).close()
    going = await open_operation(end, google_cloud(), tmp_path)
    going.approve("test")
    with pytest.raises(RunBusy):
        await Session.open(deployment().target, google_cloud(), tmp_path)
    await going.close()


async def test_an_old_plan_does_not_outlive_another_pool_or_work_of_others(tmp_path: Path) -> None:
    first = await open_operation(scale_plan(deployment(), 5), google_cloud(), tmp_path)
    first.approve("test")
    await first.close()
    moved = deployment()
    moved = replace(moved, target=moved.target.model_copy(update={"pool": "another"}))
    other = await open_operation(scale_plan(moved, 5), google_cloud(), tmp_path)
    assert (other.state.run != first.state.run, other.plan.target.pool) == (True, "another")
    await other.close()

    last = StepSpec(
        id="cluster", title="", effect=Effect.DESTROY, usual_seconds=1, usual_source="", waits_for=""
    )  # fmt: skip
    whole = stop_plan(deployment()).model_copy(update={"kind": "teardown", "steps": (last,)})
    begun = await open_operation(whole, google_cloud(), tmp_path)
    begun.approve("test")
    await begun.close()
    assert whole.change is not None
    kept = Item(kind="Cluster", name="a-cluster (us-central1-a)", why="others work in it")
    careful = whole.model_copy(update={"steps": (), "change": whole.change.model_copy(update={"leaves": (kept,)})})
    now = await open_operation(careful, google_cloud(), tmp_path)
    assert (now.state.run != begun.state.run, now.state.approved_at) == (True, None)
    await now.close()
