"""Looking at a deployment: connect where needed, gather, judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rhaii_tui.catalog.target import Target
from rhaii_tui.doctor.diagnosis import Diagnosis, judge
from rhaii_tui.doctor.gathering import gather
from rhaii_tui.doctor.place import Place
from rhaii_tui.endpoints import Endpoints

if TYPE_CHECKING:
    from rhaii_tui.kube.connect import Cluster


async def examine(where: Target | Place, endpoints: Endpoints, cluster: Cluster | None = None) -> Diagnosis:
    """The diagnosis of a run's target or of any service. Changes nothing and never raises for what servers answer.

    Without `cluster` a connection is made from what GKE says and closed again.
    """
    place = Place.of(where) if isinstance(where, Target) else where
    if cluster is not None:
        return await _look(place, endpoints, cluster, "")
    own, why = await connect(place, endpoints)
    try:
        return await _look(place, endpoints, own, why)
    finally:
        if own is not None:
            await own.close()


async def _look(place: Place, endpoints: Endpoints, cluster: Cluster | None, why: str) -> Diagnosis:
    """One look; a second one before trouble is told that nothing explains: its cause may have come since the first."""
    found = judge(await gather(place, endpoints, cluster, why))
    if found.cause is None or not found.cause.rule.fallback:
        return found
    return judge(await gather(place, endpoints, cluster, why))


async def connect(place: Place, endpoints: Endpoints) -> tuple[Cluster | None, str]:
    """A connection to the place's cluster, or why there is none; an empty reason means that no cluster exists yet."""
    from rhaii_tui.google.errors import CloudError, Kind
    from rhaii_tui.google.gke import Gke
    from rhaii_tui.kube.connect import Cluster
    from rhaii_tui.kube.errors import KubeError

    if not place.on_google:
        return None, "no cluster is named"
    try:
        info = await Gke(endpoints, place.project).get_cluster(place.zone, place.cluster)
        if not info.endpoint:
            return None, ""
        return await Cluster.from_gke(info.endpoint, info.ca_pem, endpoints), ""
    except CloudError as error:
        return None, "" if error.kind is Kind.NOT_FOUND else f"{error.kind.value}: {error.message}"
    except KubeError as error:
        return None, str(error)
