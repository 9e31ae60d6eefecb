"""The way in: the controller's RouterReady, and what route and pool themselves say."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

from rhaii_tui.catalog.findings import Finding
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import RunContext, evidence, finished, progressed
from rhaii_tui.deployment.failures import failure
from rhaii_tui.deployment.observe import is_true, watch_until, words
from rhaii_tui.deployment.patience import patiently
from rhaii_tui.deployment.step import Probe
from rhaii_tui.serving.manifests import model_name

KIND = "LLMInferenceService"
LIMIT = 900.0
"""Cloud seconds: routes take less than a minute, the endpoint picker's own image and probes a few."""


class RoutesStep:
    """Done when the service has an address and RouterReady is True."""

    id = "routes"

    async def probe(self, run: RunContext) -> Probe:
        """Already, when the service says so."""
        target = run.target
        live = await patiently(
            run, self.id, "kubernetes", lambda: run.kube.read(KIND, target.namespace, target.service)
        )
        if live is not None and _url(live) and is_true(live, "RouterReady") and run.state.endpoint == _url(live):
            return Probe("already", _url(live), (evidence(f"{KIND} {target.service}", words(live, "RouterReady")),))
        return Probe("needed")

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        """Wait for RouterReady and the address."""
        target = run.target
        told = ""

        def judge(services: list[dict[str, Any]]) -> dict[str, Any] | None:
            nonlocal told
            for service in services:
                if is_true(service, "RouterReady") and _url(service):
                    return service
                if (note := words(service, "RouterReady")) != told:
                    told = note
                    run.record(progressed(self.id, note[:160]))
            return None

        service = await watch_until(
            run,
            KIND,
            target.namespace,
            judge,
            fields=f"metadata.name={target.service}",
            limit=LIMIT,
            late=lambda found: _late(run, found),
        )
        yield e.EndpointPublished(at=time.time(), url=_url(service), model=model_name(target.model))
        yield finished(self.id, _url(service), evidence(f"{KIND} {target.service}", words(service, "RouterReady")))


def _url(service: dict[str, Any]) -> str:
    status = service.get("status") or {}
    addresses = status.get("addresses") or []
    return str(status.get("url") or (addresses[0].get("url") if addresses else "") or "").rstrip("/")


def _late(run: RunContext, found: list[dict[str, Any]]) -> Finding:
    parts = ("GatewaysReady", "HTTPRoutesReady", "InferencePoolReady", "SchedulerWorkloadReady")
    states = [words(s, part) for s in found for part in parts]
    return failure(
        "routes.not-ready",
        run.target.service,
        f"The router is not ready after {LIMIT / 60:.0f} minutes.",
        meaning="Requests cannot reach the replicas through the gateway yet.",
        remediation=f"kubectl -n {run.target.namespace} get llmisvc,httproute,inferencepool,pods shows which part; "
        "then retry.",
        raw="\n".join(states),
        category="kubernetes",
    )
