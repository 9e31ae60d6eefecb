"""The two secrets of the workload: the registry login, and the model hub's token under both keys that are read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from rhaii_tui.catalog.findings import Finding
from rhaii_tui.deployment.applying import put
from rhaii_tui.deployment.context import RunContext, evidence, finished
from rhaii_tui.deployment.events import Event
from rhaii_tui.deployment.failures import failure
from rhaii_tui.deployment.patience import patiently
from rhaii_tui.deployment.step import Probe
from rhaii_tui.serving import manifests
from rhaii_tui.settings import SettingsError, read_hf_token, read_pull_secret


class SecretsStep:
    """Done when the cluster holds what the files hold. Values are compared, sent and forgotten; never recorded."""

    id = "secrets"

    async def probe(self, run: RunContext) -> Probe:
        """Already, when both secrets equal the files; blocked, when a file is missing or unusable."""
        try:
            wanted = _wanted(run)
        except SettingsError as error:
            return Probe("blocked", finding=_unusable(error))
        same = [await self._is_there(run, obj) for obj in wanted]
        names = ", ".join(str(o["metadata"]["name"]) for o in wanted)
        if all(same):
            return Probe("already", f"{names} are as in the files", (evidence("Secrets", f"{names} match"),))
        return Probe("needed")

    async def _is_there(self, run: RunContext, wanted: dict[str, Any]) -> bool:
        meta = wanted["metadata"]
        found = await patiently(
            run, self.id, "kubernetes", lambda: run.kube.read("Secret", meta["namespace"], meta["name"])
        )
        if found is None or found.get("type") != wanted["type"]:
            return False
        data = found.get("data") or {}
        return all(data.get(key) == value for key, value in wanted["data"].items())

    async def act(self, run: RunContext) -> AsyncIterator[Event]:
        """Apply both; a secret of the same name that others manage is a conflict and is told as one."""
        for obj in _wanted(run):
            async for event in put(run, self.id, obj):
                yield event
        yield finished(self.id, "stored", evidence("Secrets", f"stored in {run.target.namespace}"))


def pull_secret_file(run: RunContext) -> Path | None:
    """The registry login's file: the target's, else the one the cloud brings along."""
    return run.target.pull_secret_file or run.endpoints.pull_secret_file


def hf_token_file(run: RunContext) -> Path | None:
    """The model hub token's file; None is fine for a model that anybody may download."""
    return run.target.hf_token_file or run.endpoints.hf_token_file


def _wanted(run: RunContext) -> list[dict[str, Any]]:
    login, token = pull_secret_file(run), hf_token_file(run)
    if login is None:
        raise SettingsError(
            "No pull secret is set",
            "The engine's images lie on registry.redhat.io, which asks for a login.",
            "Give --pull-secret-file; a registry service account at access.redhat.com/terms-based-registry has one.",
        )
    read_pull_secret(login)
    objects = [manifests.pull_secret(run.target, login.read_bytes())]
    if token is not None:
        objects.append(manifests.hub_secret(run.target, read_hf_token(token).value))
    return objects


def _unusable(error: SettingsError) -> Finding:
    return failure(
        "secrets.unusable",
        "secrets",
        f"{error.what}.",
        meaning=error.why,
        remediation=f"{error.next} Then retry.",
        category="settings",
    )
