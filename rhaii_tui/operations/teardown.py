"""Plans the end: everything that the ledger knows of a cluster, in order; nothing that it does not know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rhaii_tui.catalog.bill import Bill
from rhaii_tui.catalog.durations import usual
from rhaii_tui.catalog.findings import Command
from rhaii_tui.catalog.target import Target
from rhaii_tui.deployment.plan import Change, Effect, Item, Plan, StepSpec
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.kube.nodes import POOL_LABEL
from rhaii_tui.operations import memory
from rhaii_tui.operations.discovery import KIND, Wish
from rhaii_tui.operations.ownership import NOT_INSIDE, holdings, lifeless, looking_into
from rhaii_tui.operations.placement import needs_its_node
from rhaii_tui.operations.planning import bill_for
from rhaii_tui.operations.pool_size import group_target
from rhaii_tui.operations.trouble import Trouble

if TYPE_CHECKING:
    from rhaii_tui.google.values import ClusterInfo

Obj = dict[str, Any]
SYSTEM_NAMESPACES = (
    "kube-", "gke-", "gmp-", "opendatahub", "istio-", "cert-manager", "openshift-lws-operator",
    "cert-manager-operator", "lws-", "redhat-ods-",
)  # fmt: skip
"""Where GKE and the operators live: their workloads are nobody's work that a teardown could destroy."""
WORKLOADS = ("Deployment", "StatefulSet", "CronJob")
"""What may stand for somebody's work although no pod of it runs now."""


async def plan_teardown(endpoints: Endpoints, home: Path, wish: Wish) -> Plan:
    """What would be removed and what stays. Raises Trouble when the ledger knows nothing, CloudError."""
    from rhaii_tui.google.gke import Gke

    target = _known(endpoints, home, wish)
    clusters = await Gke(endpoints, wish.project).list_clusters()
    if target is None:
        names = ", ".join(f"{c.name} ({c.location})" for c in clusters) or "none"
        raise Trouble(
            "There is nothing to tear down",
            f"No ledger on this machine has anything of {wish.cluster or 'this project'} that still stands. "
            f"Clusters in {wish.project}, all left as they are: {names}.",
            "Teardown removes only what rhaii-tui setup created from this machine. What others made goes by hand: "
            f"kubectl delete llmisvc, or gcloud container clusters delete NAME --zone ZONE --project {wish.project}; "
            "to pay for no accelerators until then: rhaii-tui stop.",
        )
    entries = memory.ledger(home, endpoints.name, memory.place(target))
    here = next((c for c in clusters if (c.name, c.location) == (target.cluster, target.zone)), None)
    held = await holdings(entries, here, endpoints, target)
    owned = {(x.kind, x.name) for x in held.ours}
    others = await others_inside(here, endpoints, owned) if here is not None else Others()
    inside = others.items
    cluster_ours = ("Cluster", target.cluster) in owned
    keep = not cluster_ours or bool(inside)
    leaves = [Item(kind="Cluster", name=f"{c.name} ({c.location})", why="not in the ledger") for c in clusters
              if c is not here]  # fmt: skip
    leaves += inside
    if here is not None and keep:
        why = held.why("Cluster", target.cluster) if not cluster_ours else "others work in it"
        leaves.append(Item(kind="Cluster", name=f"{here.name} ({here.location})", why=why))
        leaves += [
            Item(kind="NodePool", name=name, why=held.why("NodePool", name))
            for name in (f"{here.name}/{p.name}" for p in here.pools)
            if ("NodePool", name) not in owned
        ]
        named = {(x.kind, x.name) for x in leaves}
        leaves += [x for x in held.leaves if x.kind not in NOT_INSIDE and (x.kind, x.name) not in named]
    kept = {"Cluster", "Stack"} if keep else {"Stack"}
    if keep and inside:
        kept.add("Gateway")
    stays = [x for x in held.ours if x.kind in kept or others.need(x.kind, x.name)]
    removes = [x for x in held.ours if x not in stays]
    why = "shared with what stays in the cluster"
    leaves += [Item(kind=x.kind, name=x.name, why=why) for x in stays if keep and x.kind != "Cluster"]
    nodes = await _accelerator_nodes(here, target, endpoints)
    pool_goes = any((x.kind, x.name) == ("NodePool", f"{target.cluster}/{target.pool}") for x in removes)
    left = nodes if keep and not pool_goes else 0
    change = Change(
        replicas_before=target.replicas if here is not None else 0,
        replicas_after=0,
        nodes_before=nodes,
        nodes_after=left,
        ours=True,
        removes=tuple(removes),
        leaves=tuple(leaves),
        gone=held.gone,
    )
    nothing = Bill(region=target.region, provisioning=target.provisioning, components=())
    after = bill_for(target, left) if keep and here is not None and (cluster_ours or left) else nothing
    return Plan(
        kind="teardown",
        target=target,
        steps=_steps(target, removes, keep),
        bill=after,
        bill_before=bill_for(target, nodes) if here is not None else nothing,
        change=change,
    )


def _known(endpoints: Endpoints, home: Path, wish: Wish) -> Target | None:
    """The newest target of a cluster that the ledger still has something of."""
    for target in memory.known_targets(home, endpoints.name):
        fits = (
            target.project == wish.project and wish.cluster in ("", target.cluster) and wish.zone in ("", target.zone)
        )
        if fits and memory.ledger(home, endpoints.name, memory.place(target)):
            return target
    return None


async def _accelerator_nodes(info: ClusterInfo | None, target: Target, endpoints: Endpoints) -> int:
    """By the instance groups; where they may not be read, as many as the pool began with."""
    pool = info.pool(target.pool) if info is not None else None
    if pool is None:
        return 0
    wanted = await group_target(endpoints, target.project, pool)
    return pool.initial_nodes if wanted is None else wanted


@dataclass(frozen=True, slots=True)
class Others:
    """Work of others in the cluster, the namespaces it is in, and the node pools it runs on."""

    items: tuple[Item, ...] = ()
    namespaces: frozenset[str] = frozenset()
    pools: frozenset[str] = frozenset()

    def need(self, kind: str, name: str) -> bool:
        """Whether removing one of our resources could take something from them."""
        if kind == "NodePool":
            return name in self.pools
        if kind == "Namespace":
            return name in self.namespaces
        return kind not in (KIND, "Cluster") and name.partition("/")[0] in self.namespaces


async def others_inside(info: ClusterInfo, endpoints: Endpoints, owned: set[tuple[str, str]]) -> Others:
    """What works in a cluster and is neither `owned` (kind and name) nor a system's. Raises Trouble when that cannot
    be seen."""
    if lifeless(info):
        return Others()
    async with looking_into(info, endpoints) as cluster:
        workloads = [(kind, obj) for kind in WORKLOADS for obj in await cluster.items(kind)]
        pods, nodes = await cluster.items("Pod"), await cluster.items("Node")
        services = await _served_kind(cluster)
    ours = {name for kind, name in owned if kind == KIND}
    theirs = [p for p in pods if _is_theirs(p, ours)]
    found = [(KIND, _full(s)) for s in services]
    found += [(kind, _full(w)) for kind, w in workloads if not w["metadata"].get("ownerReferences") and _is_work(w)]
    found += [_work_of(p) for p in theirs]
    foreign = tuple(
        Item(kind=kind, name=name, why="not in the ledger")
        for kind, name in dict.fromkeys(found)
        if (kind, name) not in owned
    )
    spaces = frozenset(item.name.partition("/")[0] for item in foreign)
    homes = {p["spec"].get("nodeName") for p in theirs if needs_its_node(p)}
    pools = frozenset(
        f"{info.name}/{(n['metadata'].get('labels') or {}).get(POOL_LABEL)}"
        for n in nodes
        if n["metadata"]["name"] in homes
    )
    return Others(foreign, spaces, pools)


async def _served_kind(cluster: Any) -> list[Obj]:
    """All services; none where KServe is not installed."""
    from rhaii_tui.kube.errors import ApiError

    try:
        return list(await cluster.items(KIND))
    except ApiError as error:
        if error.is_not_found:
            return []
        raise


def _is_work(obj: Obj) -> bool:
    return not obj["metadata"]["namespace"].startswith(SYSTEM_NAMESPACES)


def _is_theirs(pod: Obj, ours: set[str]) -> bool:
    """A pod outside the system that has not ended and belongs to no service of ours."""
    meta = pod["metadata"]
    ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    service = f"{meta['namespace']}/{(meta.get('labels') or {}).get('app.kubernetes.io/name')}"
    return _is_work(pod) and not ended and service not in ours


def _work_of(pod: Obj) -> tuple[str, str]:
    """Kind and name of what made a pod; the pod itself when nothing did."""
    owner = next(iter(pod["metadata"].get("ownerReferences") or []), None)
    if owner is None:
        return "Pod", _full(pod)
    kind, name = str(owner["kind"]), str(owner["name"])
    if kind == "ReplicaSet":  # a Deployment's are named after it and a hash
        kind, name = "Deployment", name.rpartition("-")[0] or name
    return kind, f"{pod['metadata']['namespace']}/{name}"


def _full(obj: Obj) -> str:
    return f"{obj['metadata']['namespace']}/{obj['metadata']['name']}"


def _deletion(item: Item) -> str:
    space, slash, name = item.name.rpartition("/")
    return f"kubectl delete {item.kind.lower()} {name}" + (f" -n {space}" if slash else "")


def _steps(target: Target, removes: list[Item], keep: bool) -> tuple[StepSpec, ...]:
    """Services before the gateway, the gateway before the cluster: so that Google takes its load balancer back."""
    kinds = {item.kind for item in removes}
    where = f"--project {target.project} --zone {target.zone}"
    road: list[tuple[str, str, str, str, Effect, tuple[str, ...]]] = [
        ("connect", "Connect to the cluster", "credentials", "API server ready, or the cluster gone", Effect.OBSERVE,
         (f"gcloud container clusters get-credentials {target.cluster} {where}",)),
    ]  # fmt: skip
    if KIND in kinds:
        lines = tuple(f"kubectl delete llmisvc {x.name.partition('/')[2]} -n {x.name.partition('/')[0]}"
                      for x in removes if x.kind == KIND)  # fmt: skip
        road.append(("services", "Services", "drain", "finalizers done, no replica left", Effect.DESTROY, lines))
    if "Gateway" in kinds:
        lines = tuple(f"kubectl delete gateway {x.name.partition('/')[2]} -n {x.name.partition('/')[0]}"
                      for x in removes if x.kind == "Gateway")  # fmt: skip
        road.append(("gateway", "Gateway and load balancer", "load-balancer", "no LoadBalancer Service is left",
                     Effect.DESTROY, lines))  # fmt: skip
    if keep and (rest := [x for x in removes if x.kind not in (KIND, "Gateway", "Cluster", "NodePool")]):
        lines = tuple(_deletion(x) for x in rest)
        road.append(("objects", "Objects in the cluster", "namespace", "each is gone", Effect.DESTROY, lines))
    if keep and "NodePool" in kinds:
        line = f"gcloud container node-pools delete {target.pool} --cluster {target.cluster} {where}"
        road.append(("nodepool", "Node pool", "delete-pool", "GKE knows no such pool", Effect.DESTROY, (line,)))
    if not keep:
        line = f"gcloud container clusters delete {target.cluster} {where}"
        road.append(("cluster", "Cluster", "delete-cluster", "GKE knows no such cluster", Effect.DESTROY, (line,)))
    road.append(("proof", "Verified gone", "verify", "nothing of the ledger answers", Effect.OBSERVE, ()))
    steps: list[StepSpec] = []
    for id, title, takes, waits_for, effect, lines in road:
        time = usual(takes, target.accelerator)
        steps.append(
            StepSpec(
                id=id,
                title=title,
                after=(steps[-1].id,) if steps else (),
                effect=effect,
                usual_seconds=time.seconds,
                usual_source=time.source,
                waits_for=waits_for,
                commands=tuple(Command(text=line) for line in lines),
            )
        )
    return tuple(steps)
