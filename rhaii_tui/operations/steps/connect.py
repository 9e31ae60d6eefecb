"""The connection to the cluster's API server; it asks for no more rights than the operation itself needs."""

from __future__ import annotations

from collections.abc import AsyncIterator

from rhaii_tui.deployment.context import RunContext, evidence, finished
from rhaii_tui.deployment.events import Event
from rhaii_tui.deployment.failures import failure
from rhaii_tui.deployment.patience import patiently
from rhaii_tui.deployment.step import Probe
from rhaii_tui.deployment.steps.cluster import look


class ConnectStep:
    """Looking is all there is to do: a later process has no connection yet and makes one without a word."""

    id = "connect"

    async def probe(self, run: RunContext) -> Probe:
        """Connected; or blocked, because the cluster is not there."""
        from rhaii_tui.kube.connect import Cluster

        info = await patiently(run, self.id, "google", lambda: look(run))
        if info is None or not info.endpoint:
            return Probe(
                "blocked",
                finding=failure(
                    "cluster.gone",
                    run.target.cluster,
                    f"Cluster {run.target.cluster} is not there any more.",
                    meaning="Somebody has deleted it since this was planned.",
                    remediation="rhaii-tui setup makes a new one.",
                    category="google",
                ),
            )
        cluster = await patiently(
            run, self.id, "kubernetes", lambda: Cluster.from_gke(info.endpoint, info.ca_pem, run.endpoints)
        )
        await run.adopt_connection(cluster)
        version = str((await patiently(run, self.id, "kubernetes", lambda: cluster.get("/version")))["gitVersion"])
        return Probe("already", f"Kubernetes {version}", (evidence("GET /version", version),))

    async def act(self, run: RunContext) -> AsyncIterator[Event]:
        """The look is all there is to do."""
        yield finished(self.id, "connected")
