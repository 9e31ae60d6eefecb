"""The workload's namespace: without a sidecar label, because the engine already speaks TLS itself."""

from __future__ import annotations

from collections.abc import AsyncIterator

from rhaii_tui.deployment.applying import put
from rhaii_tui.deployment.context import RunContext, evidence, finished
from rhaii_tui.deployment.events import Event
from rhaii_tui.deployment.failures import failure
from rhaii_tui.deployment.observe import watch_until
from rhaii_tui.deployment.patience import patiently
from rhaii_tui.deployment.step import Probe
from rhaii_tui.serving import manifests


class NamespaceStep:
    """Done when the namespace is Active."""

    id = "namespace"

    async def probe(self, run: RunContext) -> Probe:
        """Active is enough, whoever made it; one that is going away is waited for."""
        name = run.target.namespace
        found = await patiently(run, self.id, "kubernetes", lambda: run.kube.read("Namespace", None, name))
        if found is None:
            return Probe("needed")
        phase = str((found.get("status") or {}).get("phase") or "Active")
        seen = evidence(f"Namespace {name}", f"phase {phase}")
        if phase != "Active":
            return Probe("needed", evidence=(seen,))
        labels = found["metadata"].get("labels") or {}
        if labels.get("istio-injection") == "enabled":
            return Probe(
                "blocked",
                evidence=(seen,),
                finding=failure(
                    "namespace.injection",
                    name,
                    f"Namespace {name} has the label istio-injection: enabled.",
                    meaning="Every pod gets a sidecar; it doubles TLS and stops the endpoint picker.",
                    remediation=f"kubectl label namespace {name} istio-injection- ; then retry.",
                    category="kubernetes",
                ),
            )
        return Probe("already", f"{name} is Active", (seen,))

    async def act(self, run: RunContext) -> AsyncIterator[Event]:
        """Wait for a namespace that is going away, then apply ours."""
        name = run.target.namespace

        def gone(objects: list[dict[str, object]]) -> bool | None:
            return True if all("deletionTimestamp" not in o["metadata"] for o in objects) else None  # type: ignore[operator]

        await watch_until(
            run,
            "Namespace",
            None,
            gone,
            fields=f"metadata.name={name}",
            limit=300,
            late=lambda _: failure(
                "namespace.terminating",
                name,
                f"Namespace {name} has been terminating for five minutes.",
                meaning="A finalizer of something in it is not served any more.",
                remediation=f"kubectl get namespace {name} -o yaml names it; remove it, then retry.",
                category="kubernetes",
            ),
        )
        async for event in put(run, self.id, manifests.namespace(run.target)):
            yield event
        yield finished(self.id, f"{name} is Active", evidence(f"Namespace {name}", "created"))
