"""The accelerator pool: one node for each replica, in the target's zone."""

from __future__ import annotations

from collections.abc import AsyncIterator

from rhaii_tui.catalog.accelerators import accelerator_facts
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import RunContext, evidence, finished
from rhaii_tui.deployment.creation import Seen, Wanted, create
from rhaii_tui.deployment.failures import failure
from rhaii_tui.deployment.patience import patiently
from rhaii_tui.deployment.step import Probe
from rhaii_tui.google.bodies import RUN_LABEL
from rhaii_tui.google.errors import CloudError, Kind
from rhaii_tui.google.values import PoolInfo

LIMIT = 2400.0
"""Cloud seconds. GKE retries a stockout silently for about 35 minutes before it is told (wait budget: 40 min)."""
_WORKS = ("RUNNING", "RECONCILING")


class PoolStep:
    """Done when GKE says that the pool runs; whether its nodes have accelerators is the next step's question."""

    id = "pool"

    async def probe(self, run: RunContext) -> Probe:
        """There with the right machines; there with others (blocked); broken (blocked); or not there."""
        target = run.target
        info = await patiently(run, self.id, "google", lambda: _look(run))
        if info is None:
            return Probe("needed")
        wanted = accelerator_facts(target.accelerator).machine_type
        seen = evidence(f"node pool {target.pool}", f"{info.status}, {info.machine_type}")
        if info.machine_type != wanted:
            finding = failure(
                "pool.other-machines",
                target.pool,
                f"Node pool {target.pool} has {info.machine_type} machines, this shape needs {wanted}.",
                meaning="The pool was made for another shape; it is left as it is.",
                remediation="Choose another name with --pool, or delete that pool; then retry.",
                category="google",
            )
            return Probe("blocked", evidence=(seen,), finding=finding)
        if info.broken:
            finding = failure(
                "google.broken",
                target.pool,
                f"Node pool {target.pool} is in {info.status}.",
                meaning="A failed creation leaves the pool behind; it blocks the name and may be billed.",
                remediation=f"gcloud container node-pools delete {target.pool} --cluster {target.cluster} "
                f"--zone {target.zone} ; then retry.",
                raw=info.status_message or "; ".join(info.conditions),
                category="google",
            )
            return Probe("blocked", evidence=(seen,), finding=finding)
        if info.status in _WORKS:
            return Probe("already", info.status, (seen,))
        return Probe("needed", evidence=(seen,))

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        """Create it or follow its creation."""
        target = run.target

        async def seen() -> Seen | None:
            info = await _look(run)
            if info is None:
                return None
            return Seen(
                info.status,
                info.status in _WORKS,
                info.broken,
                info.status_message or "; ".join(info.conditions),
                uid=info.labels.get(RUN_LABEL, ""),
                run=info.labels.get(RUN_LABEL, ""),
                labelled=info.ours,
            )

        wanted = Wanted(
            step=self.id,
            kind="NodePool",
            name=f"{target.cluster}/{target.pool}",
            path=f"clusters/{target.cluster}/nodePools/{target.pool}",
            look=seen,
            send=lambda: run.gke.create_node_pool(target, {RUN_LABEL: run.state.run}),
            limit=LIMIT,
            errors=lambda: _group_errors(run),
        )
        async for event in create(run, wanted):
            yield event
        yield finished(self.id, "RUNNING", evidence(f"node pool {target.pool}", "RUNNING"))


async def _group_errors(run: RunContext) -> tuple[CloudError, ...]:
    info = await _look(run)
    found: list[CloudError] = []
    for url in info.instance_groups if info else ():
        found += await run.compute.group_errors(url)
    return tuple(found)


async def _look(run: RunContext) -> PoolInfo | None:
    target = run.target
    try:
        return await run.gke.get_node_pool(target.zone, target.cluster, target.pool)
    except CloudError as error:
        if error.kind is Kind.NOT_FOUND:
            return None
        raise
