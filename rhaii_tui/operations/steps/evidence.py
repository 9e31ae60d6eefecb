"""What an operation ends with: the endpoint picker's count, the cluster's count, and nothing, counted twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from rhaii_tui.catalog.findings import Evidence, Finding, Status
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import RunContext, evidence, finished, progressed
from rhaii_tui.deployment.failures import failure
from rhaii_tui.deployment.observe import is_true
from rhaii_tui.deployment.patience import patiently, wall_limit
from rhaii_tui.deployment.step import Probe, StepStopped
from rhaii_tui.kube.objects import name_of
from rhaii_tui.operations.change_of import change_of
from rhaii_tui.operations.placement import replica_labels, replicas_in
from rhaii_tui.operations.pool_size import PoolSize, pool_nodes, pool_size
from rhaii_tui.serving import metrics
from rhaii_tui.serving.stack import role_of

MEMBERS_LIMIT = 120.0
BETWEEN_LOOKS = 60.0
"""Cloud seconds: for the picker to notice a pod; between two looks at nothing, long enough for an autoscaler's scan."""
METRICS_PORT = 9090


class MembersStep:
    """Done when the endpoint picker counts the wanted replicas as ready. What cannot be read is said, and not held
    against the service: the answered request that follows proves the way in."""

    id = "members"

    async def probe(self, run: RunContext) -> Probe:
        """There is nothing to find but by asking."""
        return Probe("needed")

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        """Ask until it counts right, or its time is used up."""
        wanted = change_of(run).replicas_after
        deadline = time.monotonic() + wall_limit(run.clock, MEMBERS_LIMIT)
        while True:
            count, text = await self._count(run)
            if count == wanted or (count is None and time.monotonic() > deadline - wall_limit(run.clock, 60.0) / 2):
                break
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(0.25)
        read = evidence("endpoint picker's metrics", text)
        if count == wanted:
            yield finished(self.id, f"{count} pods are in the endpoint picker's pool", read)
            return
        finding = _uncounted(run, count, wanted, read)
        yield e.FindingRaised(at=time.time(), step=self.id, finding=finding)
        yield finished(self.id, finding.message, read)

    async def _count(self, run: RunContext) -> tuple[int | None, str]:
        from rhaii_tui.kube.errors import KubeError

        space = run.target.namespace
        labels = replica_labels(run.target.service)
        pods = await patiently(run, self.id, "kubernetes", lambda: run.kube.items("Pod", space, labels=labels))
        pickers = [p for p in pods if role_of(p["metadata"].get("labels") or {}) == "scheduler" and is_true(p, "Ready")]
        if not pickers:
            return None, "no endpoint picker is ready"
        path = f"/api/v1/namespaces/{space}/pods/{name_of(pickers[0])}:{METRICS_PORT}/proxy/metrics"
        try:
            ready = metrics.picker(await run.kube.text(path, timeout=10.0)).values.get("ready_pods")
        except KubeError as error:
            return None, str(error)
        return (None, "no count of ready pods in its metrics") if ready is None else (int(ready), f"{ready:g} ready")


class CountStep:
    """Reads what is there now, for the result."""

    id = "count"

    async def probe(self, run: RunContext) -> Probe:
        """There is nothing to find but by counting."""
        return Probe("needed")

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        """Count replicas and nodes."""
        wanted = change_of(run).replicas_after
        ready, nodes, read = await counted(run, self.id)
        yield e.CapacityObserved(at=time.time(), replicas=wanted, replicas_ready=ready, nodes=nodes)
        if ready < wanted:
            raise StepStopped(_fewer(run, ready, wanted))
        yield finished(self.id, f"{ready} replicas ready on {nodes} nodes", *read)


class ZeroStep:
    """Done when two looks, a cloud minute apart, have found nothing: neither replicas nor nodes nor a group that
    would make some."""

    id = "zero"

    async def probe(self, run: RunContext) -> Probe:
        """What was nothing a while ago proves nothing now."""
        return Probe("needed")

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        """Look, wait, look."""
        left = change_of(run).nodes_after
        read: list[Evidence] = []
        for look in (1, 2):
            if look == 2:
                await run.clock.sleep(BETWEEN_LOOKS)
            ready, nodes, found = await counted(run, self.id)
            size = await pool_size(run, self.id)
            read += [*found, *size.evidence]
            if ready or nodes > left or size.target > left:
                raise StepStopped(_came_back(run, ready, nodes, size.target, tuple(read)))
            if not size.known:
                finding = _half_known(run, size)
                yield e.FindingRaised(at=time.time(), step=self.id, finding=finding)
            yield progressed(self.id, f"nothing at look {look}", look, 2, "looks")
        yield e.CapacityObserved(at=time.time(), replicas=0, replicas_ready=0, nodes=nodes)
        yield finished(self.id, f"0 replicas, {nodes} nodes, seen twice", *read)


async def counted(run: RunContext, step: str) -> tuple[int, int, tuple[Evidence, ...]]:
    """Ready replicas and nodes of the pool, and how they were read."""
    target = run.target
    labels = replica_labels(target.service)
    pods = replicas_in(
        await patiently(run, step, "kubernetes", lambda: run.kube.items("Pod", target.namespace, labels=labels))
    )
    ready = sum(is_true(p, "Ready") and "deletionTimestamp" not in p["metadata"] for p in pods)
    nodes = await pool_nodes(run, step)
    read = (evidence("pods", f"{ready} of {len(pods)} ready"), evidence("Nodes", f"{len(nodes)} in {target.pool}"))
    return ready, len(nodes), read


def _uncounted(run: RunContext, count: int | None, wanted: int, read: Evidence) -> Finding:
    seen = "It is not known how many" if count is None else f"{count} of {wanted}"
    return failure(
        "members.uncounted",
        run.target.service,
        f"{seen} replicas are in the endpoint picker's pool.",
        meaning="Requests are served; whether all replicas get their share is not proven.",
        remediation="rhaii-tui cache-test shows where requests go. Reading the count takes `get` on pods/proxy.",
        category="routing",
        status=Status.UNKNOWN if count is None else Status.WARN,
        evidence=(read,),
    )


def _fewer(run: RunContext, ready: int, wanted: int) -> Finding:
    return failure(
        "replicas.fewer",
        run.target.service,
        f"{ready} of {wanted} replicas are ready now.",
        meaning="One that was ready a moment ago is not any more.",
        remediation="Retry watches until they are.",
        category="replica",
    )


def _came_back(run: RunContext, ready: int, nodes: int, target: int, read: tuple[Evidence, ...]) -> Finding:
    return failure(
        "stop.came-back",
        run.target.pool,
        f"{nodes} nodes, an instance group of size {target} and {ready} ready replicas are there.",
        meaning="Something makes nodes again: an autoscaler, or a pod that wants one. They are billed.",
        remediation="See what is pending: kubectl get pods -A --field-selector=status.phase=Pending; then retry.",
        category="google",
        evidence=read,
    )


def _half_known(run: RunContext, size: PoolSize) -> Finding:
    forbidden = bool(size.info.instance_groups)
    return failure(
        "stop.group-unread",
        run.target.pool,
        "The pool's instance group could not be read.",
        meaning="No node is there; whether the group would make one is not known.",
        remediation="Ask for compute.instanceGroupManagers.get (Compute Viewer)."
        if forbidden
        else f"GKE names no group of this pool. gcloud compute instance-groups managed list --zones {run.target.zone} "
        "shows whether one of its name still wants machines.",
        category="google",
        status=Status.UNKNOWN,
    )
