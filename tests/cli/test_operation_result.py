"""What an operation's end is worth: the exit code, by what was seen and what could not be."""

from __future__ import annotations

import pytest

from rhaii_tui.catalog.bill import Bill
from rhaii_tui.catalog.findings import Status
from rhaii_tui.catalog.shapes import Accelerator, Topology
from rhaii_tui.catalog.target import Target
from rhaii_tui.cli.operation import exit_code, result
from rhaii_tui.cli.output import Exit
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.failures import failure
from rhaii_tui.deployment.plan import Change, Plan
from rhaii_tui.deployment.reduce import replay

TARGET = Target(
    accelerator=Accelerator.GPU_T4, topology=Topology.SINGLE, project="a-project", zone="us-central1-a",
    cluster="a-cluster",
    pool="a-pool", namespace="inference", service="a-service", replicas=1, model="m", image="i",
)  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "outcome", "code"),
    [
        ("", "done", Exit.OK),
        ("", "failed", Exit.FAILED),
        ("stop.group-unread", "done", Exit.UNKNOWN),
        ("stop.group-unread", "failed", Exit.FAILED),
        ("pool.occupied", "done", Exit.OK),
    ],
)
def test_nothing_that_was_not_seen_is_not_green(rule: str, outcome: str, code: Exit) -> None:
    bill = Bill(region=TARGET.region, provisioning="on-demand", components=())
    change = Change(replicas_before=1, replicas_after=0, nodes_before=1, nodes_after=0, ours=True)
    plan = Plan(kind="stop", target=TARGET, steps=(), bill=bill, bill_before=bill, change=change)
    events: list[e.Event] = [e.RunStarted(at=1.0, run="r", cloud="google", rate=1.0, plan=plan)]
    if rule:
        finding = failure(rule, "pool", "It could not be read.", status=Status.UNKNOWN)
        events.append(e.FindingRaised(at=2.0, step="zero", finding=finding))
    events.append(e.RunStopped.model_validate({"at": 3.0, "outcome": outcome, "bill": bill}))
    state = replay(events)
    assert exit_code(state) is code
    assert (result(state)["ok"], result(state)["exit_code"]) == (code is Exit.OK, code)
