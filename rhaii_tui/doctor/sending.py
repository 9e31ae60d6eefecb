"""Sends one change to the cluster (or Google): strictly validated, as our field manager, secrets only in memory."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rhaii_tui.doctor import edits, rolling
from rhaii_tui.doctor.evidence import Snapshot
from rhaii_tui.doctor.place import Place
from rhaii_tui.doctor.rule import Change
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.kube.kinds import KINDS
from rhaii_tui.serving import manifests
from rhaii_tui.serving.stack import EA1, EA2, deployment_name
from rhaii_tui.settings import SettingsError, read_hf_token, read_pull_secret

if TYPE_CHECKING:
    from rhaii_tui.kube.connect import Cluster

Json = dict[str, Any]
REVISION = "deployment.kubernetes.io/revision"
ROLL_CLOUD_SECONDS, ROLL_LEAST = 20.0, 3.0
"""How long a changed service may take to become a changed Deployment, cloud seconds and at least wall seconds."""
TRIES = 5
"""How often a write is sent again that met a change of somebody else's, a status for one."""


class Refused(Exception):
    """The server, or a file of the user's, does not let the change happen. One sentence for a person."""

    @property
    def unclear(self) -> bool:
        """Whether the change may have happened all the same: the answer was lost on its way."""
        from rhaii_tui.kube.errors import ApiError, Unreachable

        cause = self.__cause__
        return isinstance(cause, Unreachable) or (isinstance(cause, ApiError) and cause.status >= 500)

    @property
    def conflict(self) -> bool:
        """Whether the object had changed meanwhile."""
        from rhaii_tui.kube.errors import ApiError

        return isinstance(self.__cause__, ApiError) and self.__cause__.is_conflict


class Sender:
    """The hands of a fix. Every method raises Refused. `busy`: who is changing the replicas' number just now, or ""."""

    def __init__(
        self, place: Place, endpoints: Endpoints, cluster: Cluster | None, busy: Callable[[], str] = lambda: ""
    ) -> None:
        self._place = place
        self._endpoints = endpoints
        self._cluster = cluster
        self._busy = busy

    @property
    def refusal_to_roll(self) -> str:
        """Why no replica may be taken away now; empty when it may."""
        return self._busy()

    def words(self, change: Change) -> str:
        """The change in a few words."""
        match change.verb:
            case "enable-api":
                return f"enable {', '.join(change.body['services'])}"
            case "copy-key":
                return f"{change.object}: add key {change.body['to']} with the value of {change.body['from']}"
            case "secret-from-file":
                return f"{change.object}: write from {Path(str(change.body['file'])).name}"
            case "retire":
                return f"{change.object}: outdated replicas make room for the new ones"
            case "restore":
                return f"{change.object}: ask again for the replica that an update was let through without"
            case "roll":
                n = int(change.body["replicas"])
                return f"{change.object}: spec.replicas {n} -> {n - 1}, the update finishes, {n - 1} -> {n}"
        return f"{change.verb} {change.object}"

    @property
    def _kube(self) -> Cluster:
        if self._cluster is None:
            raise Refused("There is no connection to the cluster.")
        return self._cluster

    async def read(self, change: Change) -> Json | None:
        """The live object, None when it is not there."""
        found: Json | None = await self._asked(self._kube.read(change.kind, change.namespace or None, change.name))
        return found

    async def send(self, change: Change, *, dry_run: bool = False) -> Json | None:
        """Send it; the object as the server has it then, None where there is none."""
        match change.verb:
            case "apply":
                document = await self._bundle(change) if set(change.body) == {"ca"} else dict(change.body)
                applied: Json = await self._asked(self._kube.apply(document, dry_run=dry_run, force=True))
                return applied
            case "patch":
                return await self._patch(change, dry_run=dry_run)
            case "create":
                created: Json = await self._asked(self._kube.create(change.body))
                return created
            case "delete":
                await self._asked(self._kube.delete(change.kind, change.namespace or None, change.name, uid=change.uid))
            case "retire":
                await self._retire(change)
            case "roll":
                await self._roll(change)
            case "restore":
                await self.restore(change)
            case "copy-key":
                await self._copy_key(change)
            case "secret-from-file":
                await self._secret(change, dry_run=dry_run)
            case "enable-api":
                await self._enable(change)
        return None

    async def _asked(self, asked: Any) -> Any:
        from rhaii_tui.kube.errors import ApiError, KubeError

        try:
            return await asked
        except ApiError as error:
            if error.is_conflict:
                raise Refused(f"The object changed meanwhile; look again. ({error.message[:300]})") from error
            if error.status == 403:
                raise Refused(f"This account may not do that: {error.message[:300]}") from error
            raise Refused(f"Kubernetes answered {error.status}: {error.message[:300]}") from error
        except KubeError as error:
            raise Refused(str(error)) from error

    async def _patch(self, change: Change, *, dry_run: bool = False) -> Json:
        from rhaii_tui.kube.connect import FIELD_MANAGER

        query = [("fieldManager", FIELD_MANAGER), ("fieldValidation", "Strict")]
        query += [("dryRun", "All")] if dry_run else []
        path = KINDS[change.kind].path(change.namespace or None, change.name)
        ctype = "application/merge-patch+json"
        response = await self._asked(self._kube.call("PATCH", path, query, dict(change.body), ctype=ctype))
        answer: Json = json.loads(await self._asked(response.read()))
        return answer

    async def _bundle(self, change: Change) -> Json:
        packaging = EA2 if change.namespace == EA2.gateway_namespace else EA1
        stack = replace(packaging, gateway_namespace=change.namespace, ca_bundle=change.name)
        secret = await self._asked(self._kube.read("Secret", stack.ca_secret_namespace, stack.ca_secret))
        if secret is None:
            raise Refused(f"Secret {stack.ca_secret_namespace}/{stack.ca_secret} with the CA is not there.")
        try:
            return manifests.ca_bundle(stack, manifests.ca_certificate(secret))
        except ValueError as error:
            raise Refused(f"{error}.") from error

    async def _retire(self, change: Change) -> None:
        """Wait until the Deployment has taken the new template, then delete what is outdated and has nobody ready.

        Outdated replicas that are ready on a full pool make room one by one.
        """
        clock = self._endpoints.clock
        deadline = time.monotonic() + max(clock.wall(ROLL_CLOUD_SECONDS), ROLL_LEAST)
        before: int | None = None
        while True:
            deployment = await self.read(change)
            if deployment is None:
                return
            meta, state = deployment["metadata"], deployment.get("status") or {}
            revision = str((meta.get("annotations") or {}).get(REVISION) or "")
            before = int(meta.get("generation") or 0) if before is None else before
            sets = await self._asked(self._kube.items("ReplicaSet", change.namespace))
            mine = [r for r in sets if _owned(r, meta.get("uid"))]
            outdated = [
                r for r in mine if _alive(r) and (r["metadata"].get("annotations") or {}).get(REVISION) != revision
            ]
            settled = int(state.get("observedGeneration") or 0) >= int(meta.get("generation") or 0)
            if settled and outdated:
                for one in outdated:
                    if not int((one.get("status") or {}).get("readyReplicas") or 0):
                        uid = str(one["metadata"].get("uid") or "")
                        name = one["metadata"]["name"]
                        await self._asked(self._kube.delete("ReplicaSet", change.namespace, name, uid=uid))
                if any(int((r.get("status") or {}).get("readyReplicas") or 0) for r in outdated):
                    await self._make_room(change, deployment)
                return
            if time.monotonic() > deadline:
                return
            await asyncio.sleep(0.2)

    async def _make_room(self, change: Change, deployment: Json) -> None:
        """Let an update pass that finds no accelerator for its first replica; one that finds some goes on by itself."""
        deadline = time.monotonic() + max(self._endpoints.clock.wall(ROLL_CLOUD_SECONDS), ROLL_LEAST)
        replicas = int((deployment.get("spec") or {}).get("replicas") or 0)
        while time.monotonic() < deadline:
            mine = await self._newest(deployment)
            if any(_unplaced(p) for p in mine):
                await self._roll(
                    Change("roll", edits.KIND, change.namespace, self._place.service, {"replicas": replicas})
                )
                return
            if any((p.get("spec") or {}).get("nodeName") for p in mine):
                return
            await asyncio.sleep(0.2)

    async def _newest(self, deployment: Json) -> list[Json]:
        """The pods of a Deployment's newest template."""
        meta = deployment["metadata"]
        revision = str((meta.get("annotations") or {}).get(REVISION) or "")
        sets = await self._asked(self._kube.items("ReplicaSet", meta["namespace"]))
        newest = {
            r["metadata"]["uid"]
            for r in sets
            if _owned(r, meta.get("uid")) and (r["metadata"].get("annotations") or {}).get(REVISION) == revision
        }
        pods = await self._asked(self._kube.items("Pod", meta["namespace"]))
        return [p for p in pods if any(_owned(p, uid) for uid in newest)]

    async def _roll(self, change: Change) -> None:
        """One replica fewer frees an accelerator for the update; when it has finished, all are asked for again."""
        if busy := self._busy():
            raise Refused(busy)
        replicas = int(change.body["replicas"])
        live = await self._service(change)
        if live is None or rolling.asked_for(live) != replicas:
            raise Refused(f"{change.object} does not ask for {replicas} replicas any more; look again.")
        await self._write(change, rolling.fewer)
        failure = ""
        try:
            failure = await rolling.Update(self._endpoints.clock, replicas, lambda: self._update(change)).finished()
        finally:  # whatever happened, nobody may be left with a replica fewer than was asked for
            await self.restore(change)
        if failure:
            raise Refused(failure)

    async def restore(self, change: Change) -> int:
        """Ask again for the replicas that an update was let through without; how many then, 0 when none was owed."""
        service = await self._service(change)
        back = rolling.owed(service)
        if service is not None and rolling.noted(service):
            await self._write(change, rolling.all_again)
        return back

    async def _service(self, change: Change) -> Json | None:
        found: Json | None = await self._asked(self._kube.read(edits.KIND, change.namespace, self._place.service))
        return found

    async def _update(self, change: Change) -> tuple[Json | None, Json | None, list[Json]]:
        name = deployment_name(self._place.service)
        deployment: Json | None = await self._asked(self._kube.read("Deployment", change.namespace, name))
        newest = await self._newest(deployment) if deployment is not None else []
        return await self._service(change), deployment, newest

    async def _write(self, change: Change, made: Callable[[Json], Json]) -> None:
        """Patch the service with what is made of it as it is, again when somebody wrote in between."""
        for left in reversed(range(TRIES)):
            service = await self._service(change)
            if service is None:
                return
            try:
                await self._patch(Change("patch", edits.KIND, change.namespace, self._place.service, made(service)))
            except Refused as refused:
                if not (left and refused.conflict):
                    raise
            else:
                return

    async def _copy_key(self, change: Change) -> None:
        secret = await self._asked(self._kube.read("Secret", change.namespace, change.name))
        value = ((secret or {}).get("data") or {}).get(change.body["from"])
        if not value:
            raise Refused(f"{change.object} has no value under {change.body['from']}.")
        body = {"data": {change.body["to"]: value}}
        await self._patch(Change("patch", "Secret", change.namespace, change.name, body))

    async def _secret(self, change: Change, *, dry_run: bool) -> None:
        """Write what the file holds now. The credential that was refused before is refused here: it mends nothing."""
        target = self._place.target or edits.target_of(Snapshot(place=self._place, at=time.time()))
        file = Path(str(change.body["file"]))
        try:
            if change.body["what"] == "pull":
                await asyncio.to_thread(read_pull_secret, file)
                document = manifests.pull_secret(target, await asyncio.to_thread(file.read_bytes))
            else:
                document = manifests.hub_secret(target, (await asyncio.to_thread(read_hf_token, file)).value)
        except SettingsError as error:
            raise Refused(f"{error.what}. {error.why} {error.next}") from error
        except (OSError, ValueError) as error:
            raise Refused(f"{file}: {error}") from error
        live = await self.read(change)
        if live is not None and (live.get("data") or {}) == document["data"]:
            raise Refused(f"{file} still holds the very credential that was refused. Put a valid one into it first.")
        await self._asked(self._kube.apply(document, dry_run=dry_run, force=True))

    async def _enable(self, change: Change) -> None:
        from rhaii_tui.google.errors import CloudError
        from rhaii_tui.google.rest import Rest

        base, project = self._endpoints.serviceusage, self._place.project
        try:
            await Rest(self._endpoints, project).ask(
                f"{base}/v1/projects/{project}/services:batchEnable", {"serviceIds": list(change.body["services"])}
            )
        except CloudError as error:
            raise Refused(f"{error.message} {error.remedy}") from error


def _owned(obj: Mapping[str, Any], uid: object) -> bool:
    return any(o.get("uid") == uid for o in obj["metadata"].get("ownerReferences") or [])


def _unplaced(pod: Mapping[str, Any]) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(c.get("type") == "PodScheduled" and c.get("reason") == "Unschedulable" for c in conditions)


def _alive(obj: Mapping[str, Any]) -> bool:
    return (
        int((obj.get("spec") or {}).get("replicas") or 0) > 0 or int((obj.get("status") or {}).get("replicas") or 0) > 0
    )
