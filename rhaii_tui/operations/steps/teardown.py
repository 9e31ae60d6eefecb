"""Steps of a teardown. Each goes by the ledger alone, finds out what is still there, and sees it gone."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from rhaii_tui.catalog.findings import Finding, Status
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import RunContext, evidence, finished, intends, progressed
from rhaii_tui.deployment.failures import failure
from rhaii_tui.deployment.google_operation import Request
from rhaii_tui.deployment.observe import watch_until
from rhaii_tui.deployment.patience import patiently, wall_limit
from rhaii_tui.deployment.plan import Item, Plan
from rhaii_tui.deployment.step import Probe, Step, StepStopped
from rhaii_tui.deployment.steps.cluster import look
from rhaii_tui.kube.objects import uid
from rhaii_tui.operations.change_of import change_of
from rhaii_tui.operations.discovery import KIND
from rhaii_tui.operations.google_change import change
from rhaii_tui.operations.ownership import NOT_INSIDE, lifeless
from rhaii_tui.operations.placement import replica_labels
from rhaii_tui.operations.steps.presence import (
    cluster_state,
    deletes_cluster,
    known_to_google,
    live,
    namesake,
    no_address,
    over,
    proven,
    split,
    unproven,
)
from rhaii_tui.operations.teardown import others_inside
from rhaii_tui.operations.trouble import Trouble

if TYPE_CHECKING:
    from rhaii_tui.google.values import ClusterInfo

Obj = dict[str, Any]
LIMIT = 600.0
GOOGLE_LIMIT = 1800.0
"""Cloud seconds: a finalizer, a namespace; a deletion by GKE, usually 4 to 7 minutes."""
_ELSEWHERE = (KIND, "Gateway", "Cluster", "NodePool")
_GATEWAY_LABEL = "gateway.networking.k8s.io/gateway-name"


def teardown_steps(plan: Plan) -> dict[str, Step]:
    """Those of the plan, by id."""
    removes = plan.change.removes if plan.change else ()
    steps: tuple[Step, ...] = (
        ReachStep(),
        ObjectsStep("services", tuple(x for x in removes if x.kind == KIND)),
        ObjectsStep("gateway", tuple(x for x in removes if x.kind == "Gateway")),
        ObjectsStep("objects", _rest(removes)),
        GoogleStep("nodepool", tuple(x for x in removes if x.kind == "NodePool")),
        GoogleStep("cluster", tuple(x for x in removes if x.kind == "Cluster")),
        ProofStep(),
    )
    wanted = {spec.id for spec in plan.steps}
    return {step.id: step for step in steps if step.id in wanted}


def _rest(removes: tuple[Item, ...]) -> tuple[Item, ...]:
    """What has no step of its own, namespaces last."""
    found = [x for x in removes if x.kind not in _ELSEWHERE]
    return tuple(sorted(found, key=lambda x: x.kind == "Namespace"))


class ReachStep:
    """Connected, or nothing to connect to: a cluster that is gone or going has taken its objects with it, and one that
    never came to an API server is deleted as it is. A cluster that only has no address now is neither."""

    id = "connect"

    async def probe(self, run: RunContext) -> Probe:
        """Look at GKE, then connect."""
        from rhaii_tui.kube.connect import Cluster

        info = await patiently(run, self.id, "google", lambda: look(run))
        state = cluster_state(info, change_of(run))
        seen = evidence(f"cluster {run.target.cluster}", state)
        if info is None or over(info, change_of(run)) or (lifeless(info) and deletes_cluster(change_of(run))):
            await run.adopt_connection(None)
            return Probe("already", state, (seen,))
        if not info.endpoint:
            return Probe("unknown", evidence=(seen,), finding=no_address(info))
        cluster = await patiently(
            run, self.id, "kubernetes", lambda: Cluster.from_gke(info.endpoint, info.ca_pem, run.endpoints)
        )
        await run.adopt_connection(cluster)
        await patiently(run, self.id, "kubernetes", lambda: cluster.get("/version"))
        return Probe("already", "connected", (evidence(f"cluster {run.target.cluster}", info.status),))

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        """The look is all there is to do."""
        yield finished(self.id, "connected")


class ObjectsStep:
    """Deletes Kubernetes objects in order and waits for each kind to be gone, finalizers and children included."""

    def __init__(self, id: str, items: tuple[Item, ...]) -> None:
        self.id = id
        self._items = items

    async def probe(self, run: RunContext) -> Probe:
        """Already, when none of them is there."""
        if not run.connected:
            return Probe("already", "gone with the cluster")
        left = [x for x in self._items if await live(run, self.id, x) is not None]
        if not left and not await self._children(run):
            return Probe("already", "none is there")
        return Probe("needed", evidence=tuple(evidence(x.kind, x.name) for x in left))

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        """One after the other; the waiting is done by watching."""
        for item in self._items:
            found = await live(run, self.id, item)
            if found is not None:
                yield intends(self.id, "delete", item.kind, item.name)
                await _delete(run, self.id, item, uid(found))
                yield progressed(self.id, f"{item.kind} {item.name} is going")
                await _until_gone(run, item, uid(found))
            yield e.ResourceDeleted(at=time.time(), step=self.id, kind=item.kind, name=item.name)
        deadline = time.monotonic() + wall_limit(run.clock, LIMIT)
        while left := await self._children(run):
            if time.monotonic() > deadline:
                raise StepStopped(_stuck(left))
            await run.clock.sleep(5, least=0.1)
        yield finished(self.id, f"{len(self._items)} removed", evidence("Kubernetes API", "none of them is there"))

    async def _children(self, run: RunContext) -> list[str]:
        """What must follow: a service's pods; the gateway's Service, by which Google takes the load balancer back."""
        left: list[str] = []
        for item in self._items:
            namespace, name = split(item)
            if item.kind == KIND:
                labels, kind = replica_labels(name), "Pod"
            elif item.kind == "Gateway":
                labels, kind = f"{_GATEWAY_LABEL}={name}", "Service"
            else:
                continue
            if await namesake(run, self.id, item):
                continue
            found = await patiently(
                run,
                self.id,
                "kubernetes",
                lambda kind=kind, namespace=namespace, labels=labels: run.kube.items(  # type: ignore[misc]
                    kind, namespace, labels=labels
                ),
            )
            left += [f"{kind} {namespace}/{o['metadata']['name']}" for o in found]
        return left


class GoogleStep:
    """Deletes a cluster or its pool and waits until GKE knows it no more."""

    def __init__(self, id: str, items: tuple[Item, ...]) -> None:
        self.id = id
        self._items = items

    async def probe(self, run: RunContext) -> Probe:
        """Already, when GKE knows none of them."""
        there = [x for x in self._items if await self._there(run, x)]
        return Probe("needed" if there else "already", "" if there else "GKE knows none")

    async def _there(self, run: RunContext, item: Item) -> bool:
        return known_to_google(item, await patiently(run, self.id, "google", lambda: look(run)))

    async def _refuse_others(self, run: RunContext) -> None:
        """Look once more who works there: the plan may be older than their work. Raises StepStopped."""
        info = await patiently(run, self.id, "google", lambda: look(run))
        if info is None:
            return
        # Our services are gone by now: one that bears the name of ours is somebody else's.
        owned = {(x.kind, x.name) for x in change_of(run).removes if x.kind != KIND}
        try:
            others = await others_inside(info, run.endpoints, owned)
        except Trouble as trouble:
            raise StepStopped(_unseen(info.name, trouble)) from trouble
        for item in self._items:
            if (item.kind == "Cluster" and others.items) or others.need(item.kind, item.name):
                raise StepStopped(_others_came(item, others.items))
            if known_to_google(item, info) and not proven(item, info):
                raise StepStopped(unproven(item))

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        """Ask, follow, see it gone."""
        target = run.target
        await self._refuse_others(run)
        for item in self._items:
            pool = item.name.partition("/")[2]

            async def gone(item: Item = item) -> bool:
                return not await self._there(run, item)

            def send(item: Item = item, pool: str = pool) -> Any:
                if item.kind == "Cluster":
                    return run.gke.delete_cluster(target.zone, target.cluster)
                return run.gke.delete_node_pool(target.zone, target.cluster, pool)

            request = Request(
                step=self.id,
                action="delete",
                kind=item.kind,
                name=item.name,
                path=f"clusters/{target.cluster}" + (f"/nodePools/{pool}" if pool else ""),
                settled=gone,
                send=send,
                limit=GOOGLE_LIMIT,
            )
            async for event in change(run, request):
                yield event
            deadline = time.monotonic() + wall_limit(run.clock, LIMIT)
            while not await gone():
                if time.monotonic() > deadline:
                    raise StepStopped(_stuck([f"{item.kind} {item.name}"]))
                await run.clock.sleep(5, least=0.1)
            yield e.ResourceDeleted(at=time.time(), step=self.id, kind=item.kind, name=item.name)
        yield finished(self.id, "GKE knows it no more", evidence("container API", "NOT_FOUND"))


class ProofStep:
    """Looks for everything once more; what went with the cluster leaves the ledger here."""

    id = "proof"

    async def probe(self, run: RunContext) -> Probe:
        """There is nothing to find but by looking."""
        return Probe("needed")

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        """Ask GKE, and the cluster where it stays."""
        plan = change_of(run)
        info = await patiently(run, self.id, "google", lambda: look(run))
        left: list[str] = []
        for item in plan.removes:
            if await self._there(run, item, info):
                left.append(f"{item.kind} {item.name}")
        if left:
            raise StepStopped(_stuck(left))
        for item in (*plan.removes, *plan.gone):
            yield e.ResourceDeleted(at=time.time(), step=self.id, kind=item.kind, name=item.name)
        if info is None or over(info, plan):
            yield e.ResourceDeleted(at=time.time(), step=self.id, kind="Stack", name="operators")
        state = cluster_state(info, plan)
        yield e.CapacityObserved(at=time.time(), replicas=0, replicas_ready=0, nodes=plan.nodes_after)
        yield finished(self.id, f"{len(plan.removes)} resources gone", evidence(f"cluster {run.target.cluster}", state))

    async def _there(self, run: RunContext, item: Item, info: ClusterInfo | None) -> bool:
        """Whether what was ours answers. Raises StepStopped when nobody can say."""
        if item.kind in NOT_INSIDE:
            return known_to_google(item, info)
        if info is None or over(info, change_of(run)):
            return False
        if not run.connected:
            raise StepStopped(no_address(info))
        return await live(run, self.id, item) is not None


async def _delete(run: RunContext, step: str, item: Item, uid: str) -> None:
    """Ask for the deletion of that very object; a namesake that has taken its place meanwhile stays."""
    from rhaii_tui.kube.errors import ApiError

    namespace, name = split(item)
    try:
        await patiently(run, step, "kubernetes", lambda: run.kube.delete(item.kind, namespace, name, uid=uid))
    except ApiError as error:
        if not error.is_conflict:
            raise


async def _until_gone(run: RunContext, item: Item, uid_: str) -> None:
    namespace, name = split(item)

    def judge(found: list[Obj]) -> bool | None:
        return None if any(uid(o) == uid_ for o in found) else True

    await watch_until(
        run,
        item.kind,
        namespace,
        judge,
        fields=f"metadata.name={name}",
        limit=LIMIT,
        late=lambda _: _stuck([f"{item.kind} {item.name}"]),
    )


def _others_came(item: Item, others: tuple[Item, ...]) -> Finding:
    names = [f"{x.kind} {x.name}" for x in others]
    return failure(
        "teardown.others",
        item.name,
        f"{item.kind} {item.name} is not deleted: {', '.join(names[:5])} would go with it.",
        meaning="That work of others began after this teardown was planned. What is left of ours may be billed.",
        remediation="Move it, or delete it by hand if nobody needs it; then retry.",
        raw="\n".join(names),
    )


def _unseen(cluster: str, trouble: Trouble) -> Finding:
    return failure(
        "teardown.unseen", cluster, f"{trouble.what}.", meaning=trouble.next, remediation="Retry looks again.",
        raw=trouble.why, status=Status.UNKNOWN,
    )  # fmt: skip


def _stuck(left: list[str]) -> Finding:
    return failure(
        "teardown.stuck",
        left[0],
        f"{', '.join(left[:5])} {'is' if len(left) == 1 else 'are'} still there.",
        meaning="A finalizer that nobody serves any more, or Google is slow; what is there may be billed.",
        remediation="kubectl get KIND NAME -o yaml names finalizers; retry goes on from here.",
        raw="\n".join(left),
    )
