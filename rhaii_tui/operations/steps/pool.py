"""The node pool: grown by GKE's resize; made smaller by deleting exactly the machines that nothing needs."""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

from rhaii_tui.catalog.findings import Command, Finding, Status
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import RunContext, evidence, finished, intends, progressed
from rhaii_tui.deployment.failures import failure, finding_of
from rhaii_tui.deployment.google_operation import Request, running
from rhaii_tui.deployment.observe import watch_until
from rhaii_tui.deployment.patience import patiently
from rhaii_tui.deployment.step import Probe, StepStopped
from rhaii_tui.google.errors import CloudError, Kind
from rhaii_tui.google.operations import wait
from rhaii_tui.kube.nodes import in_pool
from rhaii_tui.kube.objects import name_of
from rhaii_tui.operations.change_of import change_of
from rhaii_tui.operations.google_change import change
from rhaii_tui.operations.placement import needs_its_node, occupied
from rhaii_tui.operations.pool_size import pool_nodes, pool_size
from rhaii_tui.operations.shortage import advice
from rhaii_tui.operations.steps.cordons import is_cordoned, set_schedulable
from rhaii_tui.operations.steps.evidence import counted

Obj = dict[str, Any]
GROW_LIMIT = 2400.0
SHRINK_LIMIT = 900.0
"""Cloud seconds. GKE retries a stockout silently for about 35 minutes; a machine is gone within one or two."""
ZONE_LABEL = "topology.kubernetes.io/zone"


class ResizeStep:
    """Done when the instance group has the size; up to any size, down only to nothing."""

    id = "pool"

    async def probe(self, run: RunContext) -> Probe:
        """Already, when size and machines agree with the plan."""
        wanted = change_of(run).nodes_after
        size = await pool_size(run, self.id)
        good = size.target >= wanted if wanted else size.target == 0 and not await pool_nodes(run, self.id)
        if good and size.stable and size.info.status in ("RUNNING", "RECONCILING"):
            return Probe("already", f"{size.target} nodes", size.evidence)
        return Probe("needed", evidence=size.evidence)

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        """Set the size and follow the operation; then wait until the machines have come or gone."""
        target, wanted = run.target, change_of(run).nodes_after
        if wanted == 0:
            await _refuse_others(run)
        zones = max(1, len((await pool_size(run, self.id)).info.locations))

        async def done() -> bool:
            size = await pool_size(run, self.id)
            return size.target >= wanted if wanted else size.target == 0

        request = Request(
            step=self.id,
            action="resize",
            kind="NodePool",
            name=f"{target.cluster}/{target.pool}",
            path=f"clusters/{target.cluster}/nodePools/{target.pool}",
            settled=done,
            # GKE counts per zone.
            send=lambda: run.gke.set_node_pool_size(target.zone, target.cluster, target.pool, -(-wanted // zones)),
            limit=GROW_LIMIT,
            errors=lambda: _group_errors(run),
            shortage=advice(run, change_of(run).nodes_before) if wanted else "",
        )
        try:
            async for event in change(run, request):
                yield event
        except CloudError as error:
            if wanted == 0:
                raise
            raise StepStopped(await self._not_grown(run, error)) from error
        if wanted == 0:
            await _until_nodes(run, 0)
        size = await pool_size(run, self.id)
        yield finished(self.id, f"{size.target} nodes", *size.evidence)

    async def _not_grown(self, run: RunContext, error: CloudError) -> Finding:
        """What is there all the same: the service was not touched yet."""
        size, plan = await pool_size(run, self.id), change_of(run)
        ready, nodes, read = await counted(run, self.id)
        there = f"{nodes} of {plan.nodes_after} nodes are there"
        if size.target > nodes:
            there += f"; the instance group asks for {size.target}, and what comes is billed"
        machines = max(nodes, size.target)
        run.record(
            e.CapacityObserved(at=time.time(), replicas=plan.replicas_before, replicas_ready=ready, nodes=machines)
        )
        before = plan.replicas_before
        serves = f"{ready} of its {before} replicas are ready" if before else "it is still stopped"
        undo = f"rhaii-tui scale {before}" if before else "rhaii-tui stop"
        back = f" {undo} gives back what came." if machines > plan.nodes_before else ""
        remedy = f"{error.remedy} Retry goes on from here."
        if error.kind is Kind.STOCKOUT:
            remedy = advice(run, machines)
        return finding_of(error, run.target.pool).model_copy(
            update={
                "meaning": f"The service was not touched: {serves}. {there}.",
                "remediation": f"{remedy}{back}",
                "evidence": (*size.evidence, *read),
            }
        )


class ReleaseStep:
    """Done when the pool has no more nodes than planned, and every node that is left had been left alone.

    A resize lets the group pick the machines, so the empty nodes are cordoned and then deleted by name, which is how
    the cluster autoscaler removes nodes. Nodes with replicas, and with anybody else's pods, are never candidates.
    """

    id = "pool"

    async def probe(self, run: RunContext) -> Probe:
        """Already, when there are no more nodes than planned."""
        wanted = change_of(run).nodes_after
        size, nodes = await pool_size(run, self.id), await pool_nodes(run, self.id)
        if size.target <= wanted and len(nodes) <= wanted:
            return Probe("already", f"{len(nodes)} nodes", size.evidence)
        return Probe("needed", evidence=size.evidence)

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        """Cordon what is empty, look again, delete what is still empty, wait until it is gone."""
        wanted = change_of(run).nodes_after
        await self._until_settled(run)
        size = await pool_size(run, self.id)
        surplus = size.target - wanted
        if surplus > 0:
            empty = (await self._empty(run))[:surplus]
            cordoned = [name_of(n) for n in empty if not is_cordoned(n)]
            for name in cordoned:
                yield intends(self.id, "cordon", "Node", name)
                await set_schedulable(run, self.id, name, False)
            still = {name_of(n) for n in await self._empty(run)}
            for name in cordoned:
                if name not in still:
                    yield intends(self.id, "uncordon", "Node", name)
                    await set_schedulable(run, self.id, name, True)
            going = [n for n in empty if name_of(n) in still]
            if going:
                names = ", ".join(name_of(n) for n in going)
                yield intends(self.id, "delete", "Instances", names)
                await self._delete(run, going, size.info.instance_groups)
                yield progressed(self.id, f"removing {names}", 0, len(going), "nodes")
            if len(going) < surplus:
                finding = _kept(run, surplus - len(going))
                yield e.FindingRaised(at=time.time(), step=self.id, finding=finding)
                wanted += surplus - len(going)
        left = await _until_nodes(run, wanted)
        size = await pool_size(run, self.id)
        yield finished(self.id, f"{left} nodes", *size.evidence, evidence("Nodes", f"{left} of the pool"))

    async def _until_settled(self, run: RunContext) -> None:
        """A resize that is still under way makes machines that nobody can name yet: see its end first, good or bad."""
        target = run.target
        path = f"clusters/{target.cluster}/nodePools/{target.pool}"
        while (begun := await running(run, self.id, path)) is not None:
            run.record(progressed(self.id, f"waiting for {begun.type} {begun.name}"))
            with contextlib.suppress(CloudError):
                await patiently(run, self.id, "google", lambda one=begun: wait(run.gke, one, run.clock), slow=None)  # type: ignore[misc]

    async def _empty(self, run: RunContext) -> list[Obj]:
        """Nodes of the pool that no pod needs; cordoned ones first, then those that are not ready."""
        nodes = await pool_nodes(run, self.id)
        pods = await patiently(run, self.id, "kubernetes", lambda: run.kube.items("Pod"))
        taken = occupied(pods)

        def order(node: Any) -> tuple[bool, bool, str]:
            conditions = (node.get("status") or {}).get("conditions") or []
            ready = any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)
            return not is_cordoned(node), ready, name_of(node)

        return sorted((n for n in nodes if name_of(n) not in taken), key=order)

    async def _delete(self, run: RunContext, nodes: list[Obj], groups: tuple[str, ...]) -> None:
        by_group: dict[str, list[str]] = defaultdict(list)
        for node in nodes:
            zone = (node["metadata"].get("labels") or {}).get(ZONE_LABEL, run.target.zone)
            group = next((g for g in groups if f"/zones/{zone}/" in g), groups[0])
            by_group[group].append(name_of(node))
        for group, names in by_group.items():
            try:
                await run.compute.delete_instances(group, names)
            except CloudError as error:
                if error.ambiguous:
                    continue  # whether they go is seen in a moment
                if error.kind is not Kind.PERMISSION:
                    raise
                raise StepStopped(_not_allowed(run, group, names, error)) from error


async def _refuse_others(run: RunContext) -> None:
    """Nothing but the service may be on nodes that all go: the plan counted nodes that carry none of its replicas, and
    others may share one with a replica or have come since. Raises StepStopped."""
    names = {name_of(n) for n in await pool_nodes(run, "pool")}
    pods = await patiently(run, "pool", "kubernetes", lambda: run.kube.items("Pod"))
    mine = (run.target.namespace, run.target.service)
    theirs = [
        f"{p['metadata']['namespace']}/{name_of(p)}"
        for p in pods
        if p["spec"].get("nodeName") in names
        and needs_its_node(p)
        and (p["metadata"]["namespace"], (p["metadata"].get("labels") or {}).get("app.kubernetes.io/name")) != mine
    ]
    if theirs:
        raise StepStopped(_shared(run, theirs))


async def _until_nodes(run: RunContext, most: int) -> int:
    told = -1

    def judge(nodes: list[Obj]) -> int | None:
        nonlocal told
        if len(nodes) != told:
            told = len(nodes)
            run.record(progressed("pool", f"{told} nodes left, {most} wanted"))
        return told if told <= most else None

    return await watch_until(
        run,
        "Node",
        None,
        judge,
        labels=in_pool(run.target.pool),
        limit=SHRINK_LIMIT,
        late=lambda found: _late(run, found),
    )


async def _group_errors(run: RunContext) -> tuple[CloudError, ...]:
    info = await run.gke.get_node_pool(run.target.zone, run.target.cluster, run.target.pool)
    found: list[CloudError] = []
    for url in info.instance_groups:
        found += await run.compute.group_errors(url)
    return tuple(found)


def _kept(run: RunContext, count: int) -> Finding:
    return failure(
        "pool.occupied",
        run.target.pool,
        f"{count} nodes that are not needed for the replicas carry other pods and stay.",
        meaning="They go on being billed.",
        remediation="See who is on them: kubectl get pods -A -o wide; "
        f"nodes: kubectl get nodes -l {in_pool(run.target.pool)}.",
        category="kubernetes",
        status=Status.WARN,
    )


def _shared(run: RunContext, theirs: list[str]) -> Finding:
    here = f"{run.target.namespace}/{run.target.service}"
    return failure(
        "pool.shared",
        run.target.pool,
        f"Other pods are on the pool's nodes: {', '.join(theirs[:5])}.",
        meaning=f"{here} is stopped. Its nodes are left as they are, because those pods would go with them; they are "
        "still billed.",
        remediation="Move them (kubectl drain) or delete them; then the same command gives the nodes back.",
        raw="\n".join(theirs),
        category="kubernetes",
    )


def _not_allowed(run: RunContext, group: str, names: list[str], error: CloudError) -> Finding:
    zone = group.split("/")[group.split("/").index("zones") + 1]
    line = (
        f"gcloud compute instance-groups managed delete-instances {group.rsplit('/', 1)[-1]} "
        f"--instances={','.join(names)} --zone {zone} --project {run.target.project}"
    )
    return failure(
        "pool.no-permission",
        run.target.pool,
        "The account may not delete machines of the pool's instance group.",
        meaning=f"{len(names)} empty, cordoned nodes are still there and still billed; growing again uncordons "
        "them. A plain resize is not used: it might remove nodes that serve.",
        remediation="Ask for compute.instanceGroupManagers.update (Compute Instance Admin), or have the line below run "
        "by somebody who has it; then retry.",
        raw=error.raw,
        category="google",
    ).model_copy(update={"commands": (Command(text=line),)})


def _late(run: RunContext, found: list[Obj]) -> Finding:
    return failure(
        "pool.slow",
        run.target.pool,
        f"{len(found)} nodes are still there after {SHRINK_LIMIT / 60:.0f} minutes.",
        meaning="They are billed until they are gone.",
        remediation="Retry goes on waiting. The instance group's page in the console says what holds them.",
        raw="\n".join(name_of(n) for n in found),
        category="google",
    )
