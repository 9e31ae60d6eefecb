"""Network policies that protect the replicas and leave the endpoint picker its ways."""

from __future__ import annotations

from collections.abc import AsyncIterator

from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.applying import apply
from rhaii_tui.deployment.context import RunContext, evidence, finished
from rhaii_tui.deployment.patience import patiently
from rhaii_tui.deployment.step import Probe
from rhaii_tui.serving import manifests


class PoliciesStep:
    """Done when all policies of the shape are stored; that traffic still passes is the next step's proof."""

    id = "policies"

    async def probe(self, run: RunContext) -> Probe:
        """Already, when policies of these names are ours; their content is applied anew otherwise."""
        wanted = manifests.network_policies(run.target)
        live = await patiently(
            run, self.id, "kubernetes", lambda: run.kube.items("NetworkPolicy", run.target.namespace)
        )
        specs = {p["metadata"]["name"]: p.get("spec") for p in live}
        if all(specs.get(p["metadata"]["name"]) == p["spec"] for p in wanted):
            note = f"{len(wanted)} policies"
            return Probe("already", note, (evidence("NetworkPolicies", note),))
        return Probe("needed")

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        """Apply them."""
        wanted = manifests.network_policies(run.target)
        for policy in wanted:
            async for event in apply(run, self.id, policy):
                yield event
        note = f"{len(wanted)} policies"
        yield finished(self.id, note, evidence("NetworkPolicies", note))
