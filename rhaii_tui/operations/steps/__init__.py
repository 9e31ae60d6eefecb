"""The steps of operations, by the id the plan uses. Where the road has the same step, it is the road's."""

from __future__ import annotations

from rhaii_tui.deployment.plan import Plan
from rhaii_tui.deployment.step import Step


def steps_for(plan: Plan) -> dict[str, Step]:
    """A fresh object for each step of the plan. Imports nothing of Google or Kubernetes by itself."""
    if plan.kind == "teardown":
        from rhaii_tui.operations.steps.teardown import teardown_steps

        return teardown_steps(plan)
    from rhaii_tui.deployment.steps.accelerators import AcceleratorsStep
    from rhaii_tui.deployment.steps.replicas import ReplicasStep
    from rhaii_tui.deployment.steps.routes import RoutesStep
    from rhaii_tui.deployment.steps.verify import VerifyStep
    from rhaii_tui.operations.steps.autoscaler import AutoscalerStep
    from rhaii_tui.operations.steps.connect import ConnectStep
    from rhaii_tui.operations.steps.cordons import UncordonStep
    from rhaii_tui.operations.steps.evidence import CountStep, MembersStep, ZeroStep
    from rhaii_tui.operations.steps.limits import LimitsStep
    from rhaii_tui.operations.steps.pool import ReleaseStep, ResizeStep
    from rhaii_tui.operations.steps.service import ReplicasWantedStep, StartStep, StopStep
    from rhaii_tui.operations.steps.workloads import DrainedStep, GoneStep

    steps: tuple[Step, ...] = (
        ConnectStep(),
        LimitsStep(),
        _pool_step(plan, ResizeStep(), ReleaseStep()),
        UncordonStep(),
        AcceleratorsStep(),
        ReplicasWantedStep(),
        DrainedStep(),
        StopStep(),
        GoneStep(),
        AutoscalerStep(on=plan.kind == "wake"),
        StartStep(),
        ReplicasStep(),
        RoutesStep(),
        MembersStep(),
        VerifyStep(),
        CountStep(),
        ZeroStep(),
    )
    wanted = {spec.id for spec in plan.steps}
    return {step.id: step for step in steps if step.id in wanted}


def _pool_step(plan: Plan, resize: Step, release: Step) -> Step:
    """To nothing or upwards in one go; downwards otherwise machine by machine."""
    change = plan.change
    down = change is not None and change.nodes_before > change.nodes_after > 0
    return release if down else resize
