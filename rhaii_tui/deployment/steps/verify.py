"""The proof that it serves: health, models and a completion with text, through the gateway as a user would ask."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from rhaii_tui.catalog.findings import Evidence, Finding, Next, Status
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import RunContext, finished, progressed
from rhaii_tui.deployment.observe import is_true
from rhaii_tui.deployment.patience import patiently, wall_limit
from rhaii_tui.deployment.step import Probe, StepStopped
from rhaii_tui.serving.gateway_path import GatewayPath
from rhaii_tui.serving.stack import WORKLOAD_LABELS, role_of

LIMIT = 300.0
"""Cloud seconds for a gateway that has just been programmed to let the first request through."""


class VerifyStep:
    """Always asks: what was true before a retry proves nothing now."""

    id = "verify"

    async def probe(self, run: RunContext) -> Probe:
        """There is nothing to find but by asking."""
        return Probe("needed")

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        """Three questions, each repeated while the way in settles."""
        read: list[Evidence] = []
        deadline = time.monotonic() + wall_limit(run.clock, LIMIT)
        endpoint = run.state.endpoint
        async with GatewayPath(endpoint, routed=run.target.shape.routed, trust_env=run.endpoints.trust_env) as path:
            for number, question in enumerate((path.health, path.models, path.completion)):
                yield progressed(self.id, question.__name__, number, 3, "checks")
                while True:
                    answer: Finding = await question()
                    if answer.status in (Status.PASS, Status.WARN):
                        break
                    if time.monotonic() > deadline:
                        raise StepStopped(answer.model_copy(update={"next_key": Next.RETRY}))
                    await run.clock.sleep(5, least=0.3)
                read += answer.evidence
            model = path.model
        ready = await _ready(run)
        yield e.ServiceReady(
            at=time.time(), url=endpoint, model=model, replicas=run.target.replicas, replicas_ready=ready
        )
        yield finished(self.id, f"{model} answers at {endpoint}", *read)


async def _ready(run: RunContext) -> int:
    """Replicas whose Ready condition holds now; the number told with the result is read, not remembered."""
    labels = f"app.kubernetes.io/name={run.target.service},{WORKLOAD_LABELS}"
    pods = await patiently(
        run, "verify", "kubernetes", lambda: run.kube.items("Pod", run.target.namespace, labels=labels)
    )
    return sum(
        is_true(p, "Ready")
        for p in pods
        if role_of(p["metadata"].get("labels") or {}) == "replica" and "deletionTimestamp" not in p["metadata"]
    )
