"""Which serving stack a cluster runs: found by what is there, never by what a version text says."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rhaii_tui.catalog.findings import Evidence, Finding, Next, Status
from rhaii_tui.kube.connect import Cluster
from rhaii_tui.kube.errors import ApiError
from rhaii_tui.serving.stack import EA1, EA2, Generation, Stack

Json = Mapping[str, Any]

SERVICE_CRD = "llminferenceservices.serving.kserve.io"
CONTROLLERS = (EA1.controller, EA2.controller)
NEW_FIELDS = ("scaling", "rolloutStrategy", "storageInitializer", "tracing", "kvCacheOffloading")
"""Fields of `spec` that EA1 does not have."""


@dataclass(frozen=True, slots=True)
class Profile:
    """`stack` None when there is none or it is not ours to use; `finding` says so when the run must stop."""

    generation: Generation
    stack: Stack | None
    evidence: tuple[Evidence, ...]
    finding: Finding | None = None

    @property
    def is_supported(self) -> bool:
        """Whether our manifests are made for it."""
        return self.stack is not None and self.finding is None


async def detect(cluster: Cluster) -> Profile:
    """Read CRD, controllers and gateways. What may not be read gives UNKNOWN. Raises Unreachable."""
    try:
        crd = await cluster.read("CustomResourceDefinition", None, SERVICE_CRD)
        controllers = [
            d for name in CONTROLLERS for d in await cluster.items("Deployment", fields=f"metadata.name={name}")
        ]
        gateways = await _gateways(cluster)
    except ApiError as e:
        if e.status not in (401, 403):
            raise
        evidence = (Evidence(source="Kubernetes API", text=str(e), observed_at=time.time()),)
        return Profile(Generation.UNKNOWN, None, evidence, _stop(Status.UNKNOWN, "cannot be read", str(e), evidence))
    return judge(crd, controllers, gateways)


async def _gateways(cluster: Cluster) -> list[dict[str, Any]]:
    try:
        return await cluster.items("Gateway")
    except ApiError as e:
        if e.is_not_found:
            return []
        raise


def judge(crd: Json | None, controllers: Sequence[Json], gateways: Sequence[Json]) -> Profile:
    """The profile of what was read. Pure but for the time stamps of the evidence."""
    evidence = tuple(_evidence(crd, controllers, gateways))
    places = {(c["metadata"]["namespace"], c["metadata"]["name"]) for c in controllers}
    if crd is None and not places:
        return Profile(Generation.NONE, None, evidence)
    if not places:  # a CRD without its controller: an installation that is under way or was cut short
        return Profile(Generation.NONE, None, evidence)
    if any(namespace == EA2.gateway_namespace for namespace, _ in places):
        return _stopped(Generation.EA2, "the EA2 generation (Helm chart), which this version does not drive", evidence)
    others = {namespace for namespace, _ in places if namespace != EA1.controller_namespace}
    if others:
        where = ", ".join(sorted(others))
        return _stopped(Generation.FOREIGN, f"a KServe controller of another origin in {where}", evidence)
    if crd is not None and "v1alpha1" not in _served(crd):
        served = ", ".join(_served(crd)) or "no version"
        return _stopped(Generation.NEWER, f"LLMInferenceService only as {served}, not v1alpha1", evidence)
    for gateway in gateways:
        meta, spec = gateway["metadata"], gateway.get("spec") or {}
        ours = (meta.get("namespace"), meta.get("name")) == (EA1.gateway_namespace, EA1.gateway)
        if ours and spec.get("gatewayClassName") != EA1.gateway_class:
            other = spec.get("gatewayClassName")
            return _stopped(Generation.FOREIGN, f"a Gateway {EA1.gateway} of class {other} instead of istio", evidence)
    generation = Generation.NEWER if crd is not None and _has_new_fields(crd) else Generation.EA1
    return Profile(generation, EA1, evidence)


def _stopped(generation: Generation, what: str, evidence: tuple[Evidence, ...]) -> Profile:
    return Profile(generation, None, evidence, _stop(Status.FAIL, f"is {what}", "", evidence))


def _stop(status: Status, what: str, raw: str, evidence: tuple[Evidence, ...]) -> Finding:
    return Finding(
        rule="stack.foreign" if status is Status.FAIL else "stack.unreadable",
        category="operators",
        name="serving stack",
        status=status,
        message=f"The cluster's serving stack {what}.",
        meaning="Our manifests and names are made for the rhaii-on-xks (EA1) stack; nothing was changed here.",
        remediation="Use another cluster, or remove that stack with the tool that installed it."
        if status is Status.FAIL
        else "Ask for roles/container.admin on the project, then retry.",
        next_key=Next.RETRY,
        evidence=evidence,
        raw=raw,
        observed_at=time.time(),
    )


def _evidence(crd: Json | None, controllers: Sequence[Json], gateways: Sequence[Json]) -> list[Evidence]:
    now = time.time()
    said = f"serves {', '.join(_served(crd))}" if crd is not None else "not there"
    found = [Evidence(source=f"CustomResourceDefinition/{SERVICE_CRD}", text=said, observed_at=now)]
    for c in controllers:
        source = f"Deployment/{c['metadata']['namespace']}/{c['metadata']['name']}"
        ready = int((c.get("status") or {}).get("readyReplicas") or 0)
        found.append(Evidence(source=source, text=f"{ready} ready", observed_at=now))
    for g in gateways:
        source = f"Gateway/{g['metadata'].get('namespace')}/{g['metadata'].get('name')}"
        text = f"class {(g.get('spec') or {}).get('gatewayClassName')}"
        found.append(Evidence(source=source, text=text, observed_at=now))
    return found


def _served(crd: Json) -> list[str]:
    return [str(v["name"]) for v in (crd.get("spec") or {}).get("versions") or [] if v.get("served")]


def _has_new_fields(crd: Json) -> bool:
    for version in (crd.get("spec") or {}).get("versions") or []:
        schema = ((version.get("schema") or {}).get("openAPIV3Schema") or {}).get("properties") or {}
        fields = (schema.get("spec") or {}).get("properties") or {}
        if any(name in fields for name in NEW_FIELDS):
            return True
    return False
