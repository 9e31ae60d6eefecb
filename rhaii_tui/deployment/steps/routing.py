"""Whether requests pass the endpoint picker. Asked of the traffic itself; a filter is applied only if it says no."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from rhaii_tui.catalog.findings import Finding, Next, Status
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.applying import apply, full_name
from rhaii_tui.deployment.context import RunContext, finished, intends, progressed
from rhaii_tui.deployment.patience import LEAST, patiently
from rhaii_tui.deployment.step import Probe, StepStopped
from rhaii_tui.serving import manifests
from rhaii_tui.serving.gateway_path import GatewayPath
from rhaii_tui.serving.stack import route_name

SETTLE = 60.0
"""Cloud seconds for routes and filters to reach the proxy."""
_LEAST_SETTLE = 6.0


class RoutingStep:
    """Done when an answer bears the picker's mark, or when it is clear that none does: then with a warning, because
    the pool fails open and serves all the same. What routing is worth is the cache test's verdict, not this step's."""

    id = "routing"

    async def probe(self, run: RunContext) -> Probe:
        """One request."""
        async with _path(run) as path:
            answer = await path.completion()
        if answer.status is Status.PASS:
            return Probe("already", "the endpoint picker marks answers", answer.evidence)
        return Probe("needed", evidence=answer.evidence)

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        """Wait until traffic settles; without a mark then, apply the filter; without effect, remove it again."""
        answer = await _settled(run)
        if answer.status is Status.FAIL:
            raise StepStopped(answer.model_copy(update={"next_key": Next.RETRY}))
        if answer.status is not Status.PASS:
            yield progressed(self.id, "no answer bears the endpoint picker's mark; trying the body-forwarding filter")
            target = run.target
            name = route_name(target.service)
            route = await patiently(
                run, self.id, "kubernetes", lambda: run.kube.read("HTTPRoute", target.namespace, name)
            )
            if route is not None and manifests.pool_rules(route):
                document = manifests.body_forwarding(target, route)
                async for event in apply(run, self.id, document):
                    yield event
                answer = await _settled(run)
                if answer.status is not Status.PASS and run.owns("EnvoyFilter", full_name(document)):
                    async for event in _remove(run, document):
                        yield event
        if answer.status is Status.PASS:
            yield e.FindingCleared(at=time.time(), rule=answer.rule, name=answer.name)
            yield finished(self.id, "the endpoint picker marks answers", *answer.evidence)
        else:
            yield e.FindingRaised(at=time.time(), step=self.id, finding=answer)
            yield finished(self.id, "requests pass, but not through the endpoint picker", *answer.evidence)


def _path(run: RunContext) -> GatewayPath:
    return GatewayPath(run.state.endpoint, routed=True, trust_env=run.endpoints.trust_env)


async def _settled(run: RunContext) -> Finding:
    """The first good answer, else the last one when the time is used up; a failing one gets longer than a bare one."""
    begun = time.monotonic()
    patience = max(run.clock.wall(SETTLE), _LEAST_SETTLE)
    async with _path(run) as path:
        while True:
            answer = await path.completion()
            waited = time.monotonic() - begun
            limit = max(patience, LEAST) if answer.status is Status.FAIL else patience
            if answer.status is Status.PASS or waited > limit:
                return answer
            await run.clock.sleep(5, least=0.3)


async def _remove(run: RunContext, document: manifests.Document) -> AsyncIterator[e.Event]:
    meta, name = document["metadata"], full_name(document)
    uid = next((x.uid for x in run.state.ledger if (x.kind, x.name) == ("EnvoyFilter", name)), "")
    yield intends("routing", "delete", "EnvoyFilter", name)
    await patiently(
        run, "routing", "kubernetes", lambda: run.kube.delete("EnvoyFilter", meta["namespace"], meta["name"], uid=uid)
    )
    yield e.ResourceDeleted(at=time.time(), step="routing", kind="EnvoyFilter", name=name)
    yield progressed("routing", "the filter changed nothing and was removed")
