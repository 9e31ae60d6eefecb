"""The LLMInferenceService: checked strictly, applied, and taken up by its controller."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from rhaii_tui.catalog.findings import Finding
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.applying import apply, dry_run, full_name
from rhaii_tui.deployment.context import RunContext, evidence, finished
from rhaii_tui.deployment.failures import failure
from rhaii_tui.deployment.observe import watch_until, words
from rhaii_tui.deployment.patience import patiently
from rhaii_tui.deployment.step import Probe
from rhaii_tui.deployment.steps.secrets import hf_token_file
from rhaii_tui.kube.objects import uid
from rhaii_tui.serving import manifests
from rhaii_tui.serving.stack import deployment_name

KIND = "LLMInferenceService"
LIMIT = 180.0
"""Cloud seconds for the controller to create the Deployment."""


class ServiceStep:
    """Done when the controller has created the replicas' Deployment."""

    id = "service"

    async def probe(self, run: RunContext) -> Probe:
        """Another's service of the name blocks; ours with the same spec is already there."""
        target = run.target
        live = await patiently(
            run, self.id, "kubernetes", lambda: run.kube.read(KIND, target.namespace, target.service)
        )
        if live is None:
            return Probe("needed")
        labels = live["metadata"].get("labels") or {}
        wanted = _document(run)
        name = full_name(wanted)
        if labels.get("app.kubernetes.io/managed-by") != "rhaii-tui" and not run.owns(KIND, name, uid(live)):
            return Probe("blocked", finding=_foreign(name))
        would = await dry_run(run, self.id, wanted)
        deployment = await self._deployment(run)
        if would.get("spec") == live.get("spec") and deployment is not None:
            return Probe("already", "as the manifest says", (evidence(f"{KIND} {name}", words(live, "Ready")),))
        return Probe("needed")

    async def _deployment(self, run: RunContext) -> dict[str, Any] | None:
        target = run.target
        name = deployment_name(target.service)
        return await patiently(run, self.id, "kubernetes", lambda: run.kube.read("Deployment", target.namespace, name))

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        """Dry run, apply, and wait for the controller's first child."""
        target = run.target
        async for event in apply(run, self.id, _document(run)):
            yield event
        name = deployment_name(target.service)

        def judge(deployments: list[dict[str, Any]]) -> bool | None:
            return True if deployments else None

        await watch_until(
            run,
            "Deployment",
            target.namespace,
            judge,
            fields=f"metadata.name={name}",
            limit=LIMIT,
            late=lambda _: _ignored(run),
        )
        yield finished(self.id, f"Deployment {name} created", evidence(f"Deployment {name}", "exists"))


def _document(run: RunContext) -> dict[str, Any]:
    return manifests.service(run.target, hub_token=hf_token_file(run) is not None)


def _foreign(name: str) -> Finding:
    return failure(
        "service.foreign",
        name,
        f"There is an LLMInferenceService {name} that rhaii-tui did not make.",
        meaning="It lacks our label; it is left as it is.",
        remediation="Choose another name with --service or another namespace with --namespace.",
        category="kubernetes",
    )


def _ignored(run: RunContext) -> Finding:
    name = f"{run.target.namespace}/{run.target.service}"
    return failure(
        "service.ignored",
        name,
        f"The controller has created nothing for {name} after {LIMIT / 60:.0f} minutes.",
        meaning="Its controller is not working, or a preset or secret it needs is missing.",
        remediation=f"kubectl -n {run.target.namespace} describe llmisvc {run.target.service} says why; then retry.",
        category="kubernetes",
    )
