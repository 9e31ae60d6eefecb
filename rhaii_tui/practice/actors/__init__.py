"""The actors of a practice cluster: everything that acts on its objects, as the real controllers and kubelets do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster
    from rhaii_tui.practice.world import World


async def run_actors(world: World, cluster: KubeCluster) -> None:
    """Run every actor of a cluster until cancelled. They wait on the store's changes and on the virtual clock only."""
    from rhaii_tui.practice.actors.admission import pod_defaults, webhooks
    from rhaii_tui.practice.actors.autoscaler import Autoscaler
    from rhaii_tui.practice.actors.gateways import GatewayClasses, Gateways
    from rhaii_tui.practice.actors.kserve import LLMInferenceServices
    from rhaii_tui.practice.actors.kubelet import Kubelet
    from rhaii_tui.practice.actors.namespaces import Namespaces
    from rhaii_tui.practice.actors.nodes import Accelerators
    from rhaii_tui.practice.actors.operators import CertManager, MeshOperator
    from rhaii_tui.practice.actors.routes import HTTPRoutes, InferencePools
    from rhaii_tui.practice.actors.scheduler import Scheduler
    from rhaii_tui.practice.actors.services import Services
    from rhaii_tui.practice.actors.workloads import Deployments, ReplicaSets
    from rhaii_tui.practice.mischief.run import Mischief

    controllers = (
        Namespaces,
        Accelerators,
        Scheduler,
        Deployments,
        ReplicaSets,
        Services,
        CertManager,
        MeshOperator,
        GatewayClasses,
        Gateways,
        HTTPRoutes,
        InferencePools,
        LLMInferenceServices,
    )
    checks = (webhooks(cluster), pod_defaults)
    cluster.admission.extend(checks)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(Kubelet(world, cluster).run(), name=f"kubelets of {cluster.name}")
            group.create_task(Autoscaler(world, cluster).run(), name=f"autoscaler of {cluster.name}")
            group.create_task(Mischief(world, cluster).run(), name=f"mischief on {cluster.name}")
            for controller in controllers:
                group.create_task(controller(world, cluster).run(), name=f"{controller.__name__} of {cluster.name}")
    finally:
        for check in checks:
            cluster.admission.remove(check)
