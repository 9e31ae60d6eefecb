"""The GKE cluster: ours by label, adopted when it is there, never another's."""

from __future__ import annotations

from collections.abc import AsyncIterator

from rhaii_tui.catalog.findings import Finding
from rhaii_tui.catalog.target import Target
from rhaii_tui.deployment.context import RunContext, evidence, finished
from rhaii_tui.deployment.creation import Seen, Wanted, create
from rhaii_tui.deployment.events import Event
from rhaii_tui.deployment.failures import failure
from rhaii_tui.deployment.patience import patiently
from rhaii_tui.deployment.step import Probe
from rhaii_tui.google.bodies import RUN_LABEL
from rhaii_tui.google.errors import CloudError, Kind
from rhaii_tui.google.values import ClusterInfo

WORKS = ("RUNNING", "RECONCILING")
"""RECONCILING is a running cluster that works on itself, such as during a pool's creation."""
LIMIT = 1800.0
"""Cloud seconds: usual are 5 to 8 minutes."""


async def look(run: RunContext) -> ClusterInfo | None:
    """The cluster of the target's name, None when there is none."""
    try:
        return await run.gke.get_cluster(run.target.zone, run.target.cluster)
    except CloudError as error:
        if error.kind is Kind.NOT_FOUND:
            return None
        raise


class ClusterStep:
    """Done when GKE says RUNNING."""

    id = "cluster"

    async def probe(self, run: RunContext) -> Probe:
        """Ours and running; ours and on its way; another's (blocked); or not there."""
        name = run.target.cluster
        info = await patiently(run, self.id, "google", lambda: look(run))
        if info is None:
            return Probe("needed")
        seen = evidence(f"cluster {name}", f"{info.status}, GKE {info.version}")
        if not (info.ours or run.owns("Cluster", name, info.id)):
            return Probe("blocked", evidence=(seen,), finding=_foreign(run.target))
        if info.status in WORKS:
            return Probe("already", f"{info.status}, GKE {info.version}", (seen,))
        return Probe("needed", evidence=(seen,))

    async def act(self, run: RunContext) -> AsyncIterator[Event]:
        """Create it or follow its creation."""
        target = run.target

        async def seen() -> Seen | None:
            info = await look(run)
            if info is None:
                return None
            broken = info.status in ("ERROR", "DEGRADED")
            return Seen(
                info.status,
                info.status in WORKS,
                broken,
                info.status_message or "; ".join(info.conditions),
                uid=info.id,
                run=info.labels.get(RUN_LABEL, ""),
                labelled=info.ours,
            )

        wanted = Wanted(
            step=self.id,
            kind="Cluster",
            name=target.cluster,
            path=f"clusters/{target.cluster}",
            look=seen,
            send=lambda: run.gke.create_cluster(target, {RUN_LABEL: run.state.run}),
            limit=LIMIT,
            foreign=_foreign(target),
        )
        async for event in create(run, wanted):
            yield event
        info = await patiently(run, self.id, "google", lambda: look(run))
        status = info.status if info else "RUNNING"
        yield finished(self.id, status, evidence(f"cluster {target.cluster}", status))


def _foreign(target: Target) -> Finding:
    return failure(
        "cluster.foreign",
        target.cluster,
        f"There is a cluster {target.cluster} in {target.zone} that rhaii-tui did not make.",
        meaning="It lacks the label managed-by=rhaii-tui; nothing in it is touched.",
        remediation="Choose another name with --cluster. If it is yours to use, label it: gcloud container clusters "
        f"update {target.cluster} --zone {target.zone} --update-labels managed-by=rhaii-tui",
        category="google",
    )
