"""Somebody else's work in somebody else's cluster: what the product must see and must never touch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rhaii_tui.practice.actors.objects import Obj

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster
    from rhaii_tui.practice.world import World

NAMESPACE, NAME = "batch-billing", "invoice-export"


async def foreign_workloads(world: World, cluster: KubeCluster) -> None:
    """Put a small running application of another team into a cluster, unless it is there."""
    if cluster.store.get("Namespace", None, NAMESPACE) is not None:
        return
    labels = {"app": NAME, "team": "billing"}
    meta = {"name": NAME, "namespace": NAMESPACE, "labels": labels}
    container: Obj = {
        "name": "export",
        "image": "europe-docker.pkg.dev/billing-tools/images/invoice-export:4.2.1",
        "ports": [{"containerPort": 8080}],
        "envFrom": [{"configMapRef": {"name": NAME}}],
        "resources": {"requests": {"cpu": "200m", "memory": "256Mi"}},
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10},
    }
    objects: tuple[Obj, ...] = (
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": {"team": "billing"}}},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": meta,
            "data": {"BUCKET": "gs://billing-exports", "HOUR": "3"},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": meta,
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": {"app": NAME}},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": meta,
            "spec": {"selector": {"app": NAME}, "ports": [{"port": 80, "targetPort": 8080, "protocol": "TCP"}]},
        },
    )
    for obj in objects:
        cluster.store.create(obj)
    await world.clock.sleep(0)
