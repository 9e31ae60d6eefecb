"""What is there already under the names we would use."""

from __future__ import annotations

from rhaii_tui.advisor.checks.look import Check, Look
from rhaii_tui.catalog.findings import Finding, Next, Status
from rhaii_tui.catalog.target import Target

_COMING = ("PROVISIONING", "RECONCILING")


async def _cluster(look: Look, check: Check) -> Finding:
    cluster = await look.cluster()
    name, zone = look.target.cluster, look.target.zone
    if cluster is None:
        return check.found(look, Status.PASS, f"The name {name} is free in {zone}.", text="404 not found")
    text = f"status {cluster.status}, {cluster.nodes} nodes, labels {dict(sorted(cluster.labels.items()))}"
    if not cluster.ours:
        return check.found(
            look,
            Status.FAIL,
            f"A cluster {name} exists and was not created by rhaii-tui.",
            text=text,
            meaning="It lacks the label managed-by=rhaii-tui; nothing in it is touched.",
            remediation="Choose another name with --cluster, or label it if it is yours to use.",
            next_key=Next.SETTINGS,
            commands=(
                *check.commands,
                f"gcloud container clusters update {name} --zone {zone} --project {look.target.project} "
                "--update-labels managed-by=rhaii-tui",
            ),
        )
    if cluster.status in ("ERROR", "DEGRADED", "STOPPING"):
        return check.found(
            look,
            Status.FAIL,
            f"The cluster {name} exists and is {cluster.status}.",
            text=text,
            meaning=" ".join(cluster.conditions) or cluster.status_message,
            remediation="Wait for it or delete it, then look again.",
        )
    pool = cluster.pool(look.target.pool)
    if pool is not None and pool.broken:
        return check.found(
            look,
            Status.FAIL,
            f"The node pool {pool.name} exists and is {pool.status}.",
            text=f"{text}; {pool.status_message}",
            meaning="A broken pool keeps its name taken. " + " ".join(pool.conditions),
            remediation="Delete the pool, then look again.",
            commands=(
                f"gcloud container node-pools delete {pool.name} --cluster {name} --zone {zone} "
                f"--project {look.target.project}",
            ),
        )
    if cluster.gateway_api:
        return check.found(
            look,
            Status.WARN,
            f"The cluster {name} exists with GKE's own Gateway API switched on.",
            text=text,
            meaning="The operators bring their own Gateway API; the two can get in each other's way.",
            remediation="Use a cluster of its own, or go on knowingly.",
        )
    state = "is being created" if cluster.status in _COMING else "exists"
    return check.found(look, Status.PASS, f"The cluster {name} {state}; it is used as it is.", text=text)


async def _busy(look: Look, check: Check) -> Finding:
    suffix = f"clusters/{look.target.cluster}"
    running = [
        o
        for o in await look.gke.list_operations(look.target.zone)
        if not o.done and (o.targets(suffix) or f"/{suffix}/" in o.target)
    ]
    if running:
        first = running[0]
        return check.found(
            look,
            Status.WARN,
            f"The cluster is busy with {first.type} ({first.name}).",
            text=f"{len(running)} running, {first.name} since {first.started}",
            meaning="GKE takes one operation per cluster at a time; the deployment waits for it.",
            remediation="Wait for it, or look again.",
            commands=(
                f"gcloud container operations wait {first.name} --zone {look.target.zone} "
                f"--project {look.target.project}",
            ),
        )
    return check.found(look, Status.PASS, "No operation is running on the cluster.", text="0 running")


def checks(target: Target) -> tuple[Check, ...]:
    """The cluster's name, and whether GKE is busy with it."""
    where = f"--zone {target.zone} --project {target.project}"
    return (
        Check(
            rule="preflight.cluster",
            category="existing",
            name=f"Cluster {target.cluster}",
            source=f"container clusters.get {target.zone}/{target.cluster}",
            run=_cluster,
            permission="container.clusters.get",
            commands=(f"gcloud container clusters describe {target.cluster} {where}",),
        ),
        Check(
            rule="preflight.cluster-busy",
            category="existing",
            name="Operations",
            source=f"container operations.list {target.zone}",
            run=_busy,
            permission="container.operations.list",
            commands=(f"gcloud container operations list {where} --filter=status=RUNNING",),
        ),
    )
