"""Whether what a teardown removes is there: that very thing, and not one of the same name that others have made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rhaii_tui.catalog.findings import Finding, Status
from rhaii_tui.deployment.birth import applied_by_us
from rhaii_tui.deployment.context import RunContext
from rhaii_tui.deployment.failures import failure
from rhaii_tui.deployment.patience import patiently
from rhaii_tui.deployment.plan import Change, Item
from rhaii_tui.deployment.step import StepStopped
from rhaii_tui.google.bodies import RUN_LABEL
from rhaii_tui.kube.objects import uid

if TYPE_CHECKING:
    from rhaii_tui.google.values import ClusterInfo

Obj = dict[str, Any]


def split(item: Item) -> tuple[str | None, str]:
    """Namespace (None for what has none) and name."""
    space, slash, name = item.name.rpartition("/")
    return (space, name) if slash else (None, name)


async def live(run: RunContext, step: str, item: Item) -> Obj | None:
    """The object that was ours, None when it is gone, whatever bears its name now.

    Raises StepStopped when a plan of an earlier version names one that nothing proves to be ours.
    """
    found = await _named(run, step, item)
    if found is None or (item.uid and uid(found) != item.uid):
        return None
    if not item.uid and not applied_by_us(found, since=0.0):
        raise StepStopped(unproven(item))
    return found


async def namesake(run: RunContext, step: str, item: Item) -> bool:
    """Whether another object bears the name."""
    found = await _named(run, step, item)
    return found is not None and bool(item.uid) and uid(found) != item.uid


async def _named(run: RunContext, step: str, item: Item) -> Obj | None:
    namespace, name = split(item)
    return await patiently(run, step, "kubernetes", lambda: run.kube.read(item.kind, namespace, name))


def known_to_google(item: Item, info: ClusterInfo | None) -> bool:
    """Whether GKE knows the very cluster, or the pool, that was ours."""
    if info is None:
        return False
    if item.kind == "Cluster":
        return item.uid in ("", info.id)
    pool = info.pool(item.name.partition("/")[2])
    return pool is not None and item.uid in ("", pool.labels.get(RUN_LABEL, ""))


def proven(item: Item, info: ClusterInfo) -> bool:
    """Whether more than the name says that it is ours."""
    pool = info.pool(item.name.partition("/")[2])
    return bool(item.uid) or (info.ours if item.kind == "Cluster" else pool is not None and pool.ours)


def deletes_cluster(plan: Change) -> bool:
    """Whether the cluster itself goes."""
    return any(x.kind == "Cluster" for x in plan.removes)


def over(info: ClusterInfo, plan: Change) -> bool:
    """Whether the cluster that the plan is about is going, or gone and another bears its name."""
    was = [x.uid for x in (*plan.removes, *plan.gone) if x.kind == "Cluster" and x.uid]
    return info.status == "STOPPING" or any(uid != info.id for uid in was)


def cluster_state(info: ClusterInfo | None, plan: Change) -> str:
    """What became of the cluster, in a word or two."""
    if info is None:
        return "gone"
    if info.status == "STOPPING":
        return info.status
    return "gone; another bears its name" if over(info, plan) else f"there, {info.status}"


def no_address(info: ClusterInfo) -> Finding:
    """The finding of a cluster that stays and cannot be looked into."""
    return failure(
        "teardown.unseen",
        info.name,
        f"Cluster {info.name} is {info.status} and has no address now.",
        meaning="What is in it may still be there; nothing of it is taken for gone unseen.",
        remediation="Retry looks again; its API server usually comes back within minutes.",
        status=Status.UNKNOWN,
    )


def unproven(item: Item) -> Finding:
    """The finding of a resource that bears a name of ours and nothing else."""
    if item.kind == "Cluster":
        line = f"gcloud container clusters delete {item.name}"
    elif item.kind == "NodePool":
        cluster, _, pool = item.name.partition("/")
        line = f"gcloud container node-pools delete {pool} --cluster {cluster}"
    else:
        space, name = split(item)
        line = f"kubectl delete {item.kind.lower()} {name}" + (f" -n {space}" if space else "")
    return failure(
        "teardown.unproven",
        item.name,
        f"{item.kind} {item.name} is not deleted: nothing proves that rhaii-tui made it.",
        meaning="The journal is an earlier version's, which kept names only; neither label nor field manager is ours.",
        remediation=f"If nobody needs it: {line} ; then retry.",
    )
