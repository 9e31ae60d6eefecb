"""The steps of the road, one file each, found by the id the plan uses."""

from __future__ import annotations

from rhaii_tui.deployment.step import Step


def all_steps() -> dict[str, Step]:
    """A fresh object per step and run, by id. Imports the steps, and with them nothing of Google or Kubernetes."""
    from rhaii_tui.deployment.steps.accelerators import AcceleratorsStep
    from rhaii_tui.deployment.steps.apis import ApisStep
    from rhaii_tui.deployment.steps.cluster import ClusterStep
    from rhaii_tui.deployment.steps.connect import ConnectStep
    from rhaii_tui.deployment.steps.gateway import GatewayStep
    from rhaii_tui.deployment.steps.namespace import NamespaceStep
    from rhaii_tui.deployment.steps.operators import OperatorsStep
    from rhaii_tui.deployment.steps.policies import PoliciesStep
    from rhaii_tui.deployment.steps.pool import PoolStep
    from rhaii_tui.deployment.steps.replicas import ReplicasStep
    from rhaii_tui.deployment.steps.routes import RoutesStep
    from rhaii_tui.deployment.steps.routing import RoutingStep
    from rhaii_tui.deployment.steps.secrets import SecretsStep
    from rhaii_tui.deployment.steps.service import ServiceStep
    from rhaii_tui.deployment.steps.verify import VerifyStep

    steps: tuple[Step, ...] = (
        ApisStep(),
        ClusterStep(),
        ConnectStep(),
        PoolStep(),
        AcceleratorsStep(),
        OperatorsStep(),
        GatewayStep(),
        NamespaceStep(),
        SecretsStep(),
        ServiceStep(),
        ReplicasStep(),
        RoutesStep(),
        RoutingStep(),
        PoliciesStep(),
        VerifyStep(),
    )
    return {step.id: step for step in steps}
