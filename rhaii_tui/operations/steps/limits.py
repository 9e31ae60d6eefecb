"""Zone and quotas, before anything is asked for."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from rhaii_tui.catalog.findings import Evidence, Finding, Next, Status
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import RunContext, finished
from rhaii_tui.deployment.step import Probe, StepStopped
from rhaii_tui.operations.change_of import change_of
from rhaii_tui.operations.pool_size import pool_size
from rhaii_tui.operations.shortage import advice


class LimitsStep:
    """Stops at the first check that failed; what is unknown or only doubtful is told, and the operation goes on."""

    id = "limits"

    async def probe(self, run: RunContext) -> Probe:
        """Not needed when the pool has its size."""
        size = await pool_size(run, self.id)
        wanted = change_of(run).nodes_after
        if size.known and size.target >= wanted:
            return Probe("already", f"{size.target} of {wanted} nodes are there", size.evidence)
        return Probe("needed", evidence=size.evidence)

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        """All checks side by side."""
        from rhaii_tui.advisor.preflight import growth

        plan, size = change_of(run), await pool_size(run, self.id)
        # Where the instance group may not be read, nodes are not counted either before there is a connection.
        more = plan.nodes_after - (size.target if size.known else plan.nodes_before)
        failed: list[Finding] = []
        read: list[Evidence] = []
        async for finding in growth(run.target, run.endpoints, more):
            read += finding.evidence
            if finding.status is Status.FAIL:
                failed.append(finding)
            elif finding.status is not Status.PASS:
                yield e.FindingRaised(at=time.time(), step=self.id, finding=finding)
        if failed:
            first = failed[0].model_copy(update={"next_key": Next.RETRY})
            if failed[0].next_key is Next.ZONE:  # where it runs cannot be changed any more
                first = first.model_copy(update={"remediation": advice(run, plan.nodes_after - more)})
            raise StepStopped(first)
        yield finished(self.id, f"{more} more nodes fit", *read)
