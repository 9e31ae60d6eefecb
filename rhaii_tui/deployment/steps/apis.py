"""The Google APIs that the road needs, switched on."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import RunContext, evidence, finished, intends, progressed
from rhaii_tui.deployment.failures import failure
from rhaii_tui.deployment.patience import patiently, wall_limit
from rhaii_tui.deployment.step import Probe, StepStopped
from rhaii_tui.google.errors import CloudError, Kind
from rhaii_tui.google.projects import service_states

SERVICES = ("container.googleapis.com", "compute.googleapis.com")
LIMIT = 600.0
"""Cloud seconds: switching an API on takes 1 to 3 minutes."""


class ApisStep:
    """Done when both are ENABLED."""

    id = "apis"

    async def probe(self, run: RunContext) -> Probe:
        """Their states; without the permission to list them, whether GKE answers at all."""
        try:
            off = await _off(run, self.id)
        except CloudError as error:
            if error.kind is not Kind.PERMISSION:
                raise
            await patiently(run, self.id, "google", lambda: run.gke.server_config(run.target.zone))
            return Probe("already", "GKE answers", (evidence("serverConfig", "GKE answers in this project"),))
        if off:
            return Probe("needed", evidence=(evidence("services", f"off: {', '.join(off)}"),))
        return Probe("already", "enabled", (evidence("services", f"{', '.join(SERVICES)} ENABLED"),))

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        """Switch on what is off; harmless to repeat."""
        off = await _off(run, self.id)
        for service in off:
            yield intends(self.id, "enable", "Service", service)
        url = f"{run.endpoints.serviceusage}/v1/projects/{run.target.project}/services:batchEnable"
        await patiently(run, self.id, "google", lambda: run.rest.ask(url, {"serviceIds": off}))
        deadline = time.monotonic() + wall_limit(run.clock, LIMIT)
        while left := await _off(run, self.id):
            if time.monotonic() > deadline:
                raise StepStopped(
                    failure(
                        "apis.off",
                        "apis",
                        f"{left[0]} is still off after {LIMIT / 60:.0f} minutes.",
                        meaning="Usually billing is not linked to the project.",
                        remediation=f"gcloud services enable {' '.join(left)} says why; then retry.",
                        category="google",
                    )
                )
            yield progressed(self.id, f"waiting for {left[0]}")
            await run.clock.sleep(10, least=0.2)
        yield finished(self.id, "enabled", evidence("services", f"{', '.join(SERVICES)} ENABLED"))


async def _off(run: RunContext, step: str) -> list[str]:
    states = await patiently(
        run,
        step,
        "google",
        lambda: service_states(run.rest, run.endpoints.serviceusage, run.target.project, SERVICES),
    )
    return [s for s in SERVICES if states.get(s) != "ENABLED"]
