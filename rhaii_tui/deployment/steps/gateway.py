"""The inference gateway with the CA it verifies replicas by; what setup-gateway.sh does, applied from our manifests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from rhaii_tui.catalog.findings import Finding
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.applying import apply
from rhaii_tui.deployment.context import RunContext, evidence, finished, progressed
from rhaii_tui.deployment.failures import failure
from rhaii_tui.deployment.observe import is_true, watch_until, words
from rhaii_tui.deployment.patience import patiently
from rhaii_tui.deployment.step import Probe, StepStopped
from rhaii_tui.deployment.steps.secrets import pull_secret_file
from rhaii_tui.serving import manifests
from rhaii_tui.serving.stack import EA1

LIMIT = 300.0
"""Cloud seconds (wait budget for the gateway: 5 min)."""


class GatewayStep:
    """Done when the Gateway is Programmed and has an address, and the CA bundle is there."""

    id = "gateway"

    async def probe(self, run: RunContext) -> Probe:
        """Already, when all of it is there."""
        gateway = await self._read(run, "Gateway", EA1.gateway)
        bundle = await self._read(run, "ConfigMap", EA1.ca_bundle)
        if gateway is not None and bundle is not None and _served(gateway):
            return Probe("already", f"address {_served(gateway)}", (evidence("Gateway", words(gateway, "Programmed")),))
        return Probe("needed")

    async def _read(self, run: RunContext, kind: str, name: str) -> dict[str, Any] | None:
        return await patiently(run, self.id, "kubernetes", lambda: run.kube.read(kind, EA1.gateway_namespace, name))

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        """CA bundle and pull secret first: a gateway without them serves nothing."""
        secret = await patiently(
            run, self.id, "kubernetes", lambda: run.kube.read("Secret", EA1.ca_secret_namespace, EA1.ca_secret)
        )
        if secret is None:
            raise StepStopped(_no_ca())
        documents = [manifests.ca_bundle(EA1, manifests.ca_certificate(secret))]
        documents += [d for d in [await self._pull_secret(run)] if d]
        documents += manifests.gateway(EA1)
        for document in documents:
            async for event in apply(run, self.id, document):
                yield event
        told = ""

        def judge(gateways: list[dict[str, Any]]) -> dict[str, Any] | None:
            nonlocal told
            for gateway in gateways:
                note = words(gateway, "Programmed" if is_true(gateway, "Accepted") else "Accepted")
                if note != told:
                    told = note
                    run.record(progressed(self.id, note))
                if _served(gateway):
                    return gateway
            return None

        gateway = await watch_until(
            run,
            "Gateway",
            EA1.gateway_namespace,
            judge,
            fields=f"metadata.name={EA1.gateway}",
            limit=LIMIT,
            late=_late,
        )
        yield finished(
            self.id, f"address {_served(gateway)}", evidence(f"Gateway {EA1.gateway}", words(gateway, "Programmed"))
        )

    async def _pull_secret(self, run: RunContext) -> dict[str, Any] | None:
        """The operators' own login for the proxy image, else the user's."""
        theirs = await patiently(
            run,
            self.id,
            "kubernetes",
            lambda: run.kube.read("Secret", EA1.operator_pull_secret_namespace, EA1.operator_pull_secret),
        )
        if theirs is not None:
            return manifests.copied_secret(theirs, EA1.gateway_namespace)
        path = pull_secret_file(run)
        if path is None:
            return None
        ours = manifests.pull_secret(run.target, path.read_bytes())
        ours["metadata"] |= {"name": EA1.operator_pull_secret, "namespace": EA1.gateway_namespace}
        return ours


def _served(gateway: dict[str, Any]) -> str:
    """The address of a Gateway that is Accepted and Programmed; empty otherwise."""
    if not (is_true(gateway, "Accepted") and is_true(gateway, "Programmed")):
        return ""
    addresses = (gateway.get("status") or {}).get("addresses") or []
    return str(addresses[0]["value"]) if addresses else ""


def _no_ca() -> Finding:
    return failure(
        "gateway.no-ca",
        EA1.gateway,
        f"Secret {EA1.ca_secret} is missing in {EA1.ca_secret_namespace}.",
        meaning="cert-manager has not issued the CA that the gateway verifies replicas by.",
        remediation=f"kubectl -n {EA1.ca_secret_namespace} describe certificate {EA1.ca_secret} says why; then retry.",
        category="kubernetes",
    )


def _late(found: list[dict[str, Any]]) -> Finding:
    state = "; ".join(words(g, "Programmed") for g in found) or "the Gateway object is gone"
    return failure(
        "gateway.not-programmed",
        EA1.gateway,
        f"The gateway has no address after {LIMIT / 60:.0f} minutes.",
        meaning="Usually the load balancer's quota, or a proxy image that cannot be pulled.",
        remediation=f"kubectl -n {EA1.gateway_namespace} get pods,services,events says which; then retry.",
        raw=state,
        category="kubernetes",
    )
