"""Where a service's replicas live: its accelerator, its node pool, and who else is on the pool's nodes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rhaii_tui.catalog.accelerators import AcceleratorFacts, accelerator_facts
from rhaii_tui.catalog.shapes import Accelerator
from rhaii_tui.google.values import PoolInfo
from rhaii_tui.kube.nodes import POOL_LABEL
from rhaii_tui.operations.trouble import Trouble
from rhaii_tui.serving.stack import WORKLOAD_LABELS, role_of

Obj = dict[str, Any]
MIRROR = "kubernetes.io/config.mirror"


def replica_labels(service: str) -> str:
    """Selects the replicas and the endpoint picker of a service."""
    return f"app.kubernetes.io/name={service},{WORKLOAD_LABELS}"


def replicas_in(pods: Iterable[Obj]) -> list[Obj]:
    """The replicas among a service's pods, those on their way out included."""
    return [p for p in pods if role_of(p["metadata"].get("labels") or {}) == "replica"]


def accelerator_of(service: Obj, nodes: Iterable[Obj], pools: tuple[PoolInfo, ...]) -> AcceleratorFacts:
    """By what the replicas ask for, else by the nodes they are on, else by the only kind that `pools` have.

    The last is for a stopped service that leaves its resources to a preset. Raises Trouble for what is not known.
    """
    asked, nodes = _asked(service), list(nodes)
    for accelerator in Accelerator:
        facts = accelerator_facts(accelerator)
        if facts.resource in asked or any(_labelled(n, facts) for n in nodes):
            return facts
    every = [accelerator_facts(a) for a in Accelerator]
    there = [facts for facts in every if any(_carries(p, facts) for p in pools)]
    if len(there) == 1:
        return there[0]
    name = service["metadata"]["name"]
    raise Trouble(
        f"The accelerator of {name} is not known",
        "Its replicas ask neither for nvidia.com/gpu nor for google.com/tpu.",
        "Operations know T4 GPUs and TPU v6e; say which node pool with --pool.",
    )


def pool_of(service: Obj, nodes: Iterable[Obj], pools: tuple[PoolInfo, ...], facts: AcceleratorFacts) -> PoolInfo:
    """The node pool of the service: where its replicas are, else the one they would be put on.

    `nodes` are those its replicas run on. Raises Trouble when there is none, or more than one.
    """
    names = {str((n["metadata"].get("labels") or {}).get(POOL_LABEL) or "") for n in nodes} - {""}
    found = [p for p in pools if p.name in names] or [p for p in pools if _suits(p, service, facts)]
    name = service["metadata"]["name"]
    if len(found) == 1:
        return found[0]
    if not found:
        raise Trouble(
            f"No node pool for {name}",
            f"No pool of the cluster has {facts.machine_type} machines with {facts.resource}.",
            "Create one, or say which with --pool.",
        )
    raise Trouble(
        f"{name} could be on several node pools",
        f"They are {', '.join(p.name for p in found)}.",
        "Say which with --pool.",
        usage=True,
    )


def refuse_shared_nodes(name: str, replicas: Iterable[Obj]) -> None:
    """Raise Trouble when a node carries several of the replicas: plans give each replica a node of its own."""
    homes = [str(p["spec"]["nodeName"]) for p in replicas if p["spec"].get("nodeName") and needs_its_node(p)]
    shared = sorted({home for home in homes if homes.count(home) > 1})
    if shared:
        raise Trouble(
            f"{name} has several replicas on one node",
            f"{shared[0]} carries {homes.count(shared[0])}; operations know one replica per node.",
            "Scale it with kubectl and gcloud; monitor and doctor work for it.",
        )


def needs_its_node(pod: Obj) -> bool:
    """Whether removing the pod's node would interrupt it: daemons and finished pods do not count."""
    meta = pod["metadata"]
    owners = meta.get("ownerReferences") or []
    if any(o.get("kind") == "DaemonSet" for o in owners) or MIRROR in (meta.get("annotations") or {}):
        return False
    return (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")


def occupied(pods: Iterable[Obj]) -> set[str]:
    """Names of the nodes that carry a pod which needs them."""
    return {str(p["spec"]["nodeName"]) for p in pods if p["spec"].get("nodeName") and needs_its_node(p)}


def template(service: Obj) -> Obj:
    """The pod template of the service's own manifest; empty when it leaves everything to its preset."""
    return dict((service.get("spec") or {}).get("template") or {})


def main_container(service: Obj) -> Obj:
    """The engine's container as the manifest has it."""
    found = template(service).get("containers") or [{}]
    return dict(next((c for c in found if c.get("name") == "main"), found[0]))


def _asked(service: Obj) -> set[str]:
    resources = main_container(service).get("resources") or {}
    return {*(resources.get("limits") or {}), *(resources.get("requests") or {})}


def _labelled(node: Obj, facts: AcceleratorFacts) -> bool:
    labels = node["metadata"].get("labels") or {}
    return bool(facts.node_labels) and facts.node_labels.items() <= labels.items()


def _suits(pool: PoolInfo, service: Obj, facts: AcceleratorFacts) -> bool:
    wanted = (template(service).get("nodeSelector") or {}).get(POOL_LABEL)
    if wanted:
        return pool.name == str(wanted)
    return _carries(pool, facts)


def _carries(pool: PoolInfo, facts: AcceleratorFacts) -> bool:
    if facts.gke_accelerator:
        return pool.accelerator == facts.gke_accelerator
    return pool.machine_type == facts.machine_type
