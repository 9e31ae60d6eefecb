"""The connection to the cluster's API server, made from what GKE says; no kubeconfig of the user's is touched."""

from __future__ import annotations

from collections.abc import AsyncIterator

from rhaii_tui.deployment.context import RunContext, evidence, finished
from rhaii_tui.deployment.events import Event
from rhaii_tui.deployment.failures import failure
from rhaii_tui.deployment.patience import patiently
from rhaii_tui.deployment.step import Probe, StepStopped
from rhaii_tui.deployment.steps.cluster import look
from rhaii_tui.kube.permissions import may_create_cluster_roles


class ConnectStep:
    """Done when the API server is ready and lets us do what the operators need."""

    id = "connect"

    async def probe(self, run: RunContext) -> Probe:
        """A later process has no connection yet: it makes one without a word when the step was done before."""
        if run.state.step(self.id).status in ("done", "already"):
            return Probe("already", await self._connect(run))
        return Probe("needed")

    async def act(self, run: RunContext) -> AsyncIterator[Event]:
        """Connect, then ask the server what we may do."""
        version = await self._connect(run)
        yield finished(self.id, version, evidence("GET /version", version))

    async def _connect(self, run: RunContext) -> str:
        from rhaii_tui.kube.connect import Cluster

        info = await patiently(run, self.id, "google", lambda: look(run))
        if info is None or not info.endpoint:
            raise StepStopped(
                failure(
                    "cluster.no-endpoint",
                    run.target.cluster,
                    f"Cluster {run.target.cluster} has no address.",
                    meaning="It is gone, or it is still being made.",
                    remediation="Retry looks again and makes it anew where it is missing.",
                    category="google",
                )
            )
        cluster = await patiently(
            run, self.id, "kubernetes", lambda: Cluster.from_gke(info.endpoint, info.ca_pem, run.endpoints)
        )
        await run.adopt_connection(cluster)
        version = str((await patiently(run, self.id, "kubernetes", lambda: cluster.get("/version")))["gitVersion"])
        review = may_create_cluster_roles()
        answer = await patiently(run, self.id, "kubernetes", lambda: cluster.create(review))
        if not (answer.get("status") or {}).get("allowed"):
            raise StepStopped(
                failure(
                    "cluster.not-admin",
                    run.target.cluster,
                    "Your account may not create cluster roles in this cluster.",
                    meaning="The operators' installation would fail half-way; the role Editor is not enough.",
                    remediation="Ask for roles/container.admin on the project; then retry.",
                    raw=str((answer.get("status") or {}).get("reason") or ""),
                    category="identity",
                )
            )
        return f"Kubernetes {version}"
