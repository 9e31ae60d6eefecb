"""Targets and plans for the engine's own tests."""

from __future__ import annotations

import pytest

from rhaii_tui.catalog.bill import Bill
from rhaii_tui.catalog.shapes import Accelerator, Topology
from rhaii_tui.catalog.target import Target
from rhaii_tui.deployment.plan import Plan, StepSpec


@pytest.fixture
def target() -> Target:
    """GPU scale-out."""
    return Target(
        accelerator=Accelerator.GPU_T4,
        topology=Topology.SCALE_OUT,
        project="test-project",
        zone="us-central1-a",
        cluster="rhaii-cluster",
        pool="gpu-t4",
        namespace="rhaii-inference",
        service="qwen-3b-gpu-svc",
        replicas=3,
        model="Qwen/Qwen2.5-3B-Instruct",
        image="registry.redhat.io/rhaiis/vllm-cuda-rhel9:3.2.5",
    )


@pytest.fixture
def diamond(target: Target) -> Plan:
    """a -> (b, c) -> d."""
    steps = (
        StepSpec(id="a", title="A", usual_seconds=1),
        StepSpec(id="b", title="B", after=("a",), usual_seconds=1),
        StepSpec(id="c", title="C", after=("a",), usual_seconds=1),
        StepSpec(id="d", title="D", after=("b", "c"), usual_seconds=1),
    )
    return Plan(target=target, steps=steps, bill=Bill(region="us-central1", provisioning="on-demand", components=()))
