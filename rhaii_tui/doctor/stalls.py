"""A setup step that stalls opens its finding by itself: the doctor looks at what the step waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rhaii_tui.catalog.findings import Finding, Status
from rhaii_tui.catalog.target import Target
from rhaii_tui.deployment.plan import StepSpec
from rhaii_tui.doctor.diagnosis import BAD, Diagnosis
from rhaii_tui.doctor.examination import examine
from rhaii_tui.doctor.hops import Hop
from rhaii_tui.doctor.place import Place
from rhaii_tui.doctor.records import finding_of
from rhaii_tui.endpoints import Endpoints

if TYPE_CHECKING:
    from rhaii_tui.kube.connect import Cluster

STALLED = 2.0
"""A step has stalled when it has taken this many times its usual duration."""
CONCERNS: dict[str, tuple[Hop, ...]] = {
    "apis": (Hop.ACCESS,),
    "cluster": (Hop.ACCESS, Hop.NODE),
    "connect": (Hop.ACCESS,),
    "operators": (Hop.ACCESS, Hop.CONTROLLERS),
    "pool": (Hop.ACCESS, Hop.NODE),
    "accelerators": (Hop.NODE, Hop.ACCELERATOR),
    "gateway": (Hop.CONTROLLERS, Hop.GATEWAY),
    "namespace": (Hop.ACCESS,),
    "secrets": (Hop.ACCESS,),
    "service": (Hop.ACCESS, Hop.CONTROLLERS),
    "replicas": (
        Hop.CONTROLLERS,
        Hop.POLICY,
        Hop.SERVICE,
        Hop.SCHEDULING,
        Hop.NODE,
        Hop.ACCELERATOR,
        Hop.IMAGE,
        Hop.DOWNLOAD,
        Hop.ENGINE,
        Hop.COMPILE,
        Hop.PROBES,
    ),
    "routes": (Hop.CONTROLLERS, Hop.GATEWAY, Hop.ROUTE, Hop.POOL, Hop.PICKER, Hop.POLICY),
    "routing": (Hop.ROUTE, Hop.POOL, Hop.PICKER, Hop.POLICY),
    "verify": tuple(Hop),
}
"""Hops a step of setup waits for; a step that is not here is asked about every hop."""


def stalled(step: StepSpec, cloud_seconds: float) -> bool:
    """Whether a step has taken so long that somebody should look."""
    return cloud_seconds > STALLED * max(step.usual_seconds, 60.0)


def concerning(step: str, diagnosis: Diagnosis) -> tuple[Finding, ...]:
    """What a diagnosis says about a step's hops, the cause first."""
    hops = CONCERNS.get(step, tuple(Hop))
    mine = [f for f in diagnosis.findings if f.hop in hops and f.hit.status in BAD]
    return tuple(finding_of(f, diagnosis.observed_at) for f in mine)


async def for_step(
    step: str, target: Target, endpoints: Endpoints, cluster: Cluster | None = None
) -> tuple[Finding, ...]:
    """The findings about what a stalled step waits for, as warnings; empty when nothing is known to hold it.

    What the run has not made yet counts as not there yet, never as broken.
    """
    diagnosis = await examine(Place.of(target, under_way=True), endpoints, cluster)
    return tuple(f.model_copy(update={"status": Status.WARN}) for f in concerning(step, diagnosis))
