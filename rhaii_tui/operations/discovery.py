"""Finds the deployment that an operation is about, in live objects: one made by hand is found like one of ours."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rhaii_tui.catalog.shapes import Topology
from rhaii_tui.catalog.target import Target
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.operations import memory, placement
from rhaii_tui.operations.pool_size import group_target
from rhaii_tui.operations.trouble import Trouble

if TYPE_CHECKING:
    from rhaii_tui.google.values import ClusterInfo, PoolInfo

Obj = dict[str, Any]
KIND = "LLMInferenceService"
STOP = "serving.kserve.io/stop"
LOOK_SECONDS = 15.0
"""Wall seconds for one cluster to answer; private and stopped control planes do not."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user says about which deployment is meant; empty means: find it. `service` may be `namespace/name`."""

    project: str
    zone: str = ""
    cluster: str = ""
    service: str = ""
    pool: str = ""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A service as it is. `target.replicas` is what its spec wants, at least 1; `nodes` are the machines of its pool,
    those on their way included; `others` are nodes of its pool that only other workloads are on; `before` is how many
    replicas a service that wants none had, 0 where that is not known. No room for a replica are `cordoned`, nodes that
    nothing is on and that somebody else has cordoned, and, until they are uncordoned, those that a run of ours has
    cordoned and did not come to delete: `ours_cordoned`."""

    target: Target
    pool: PoolInfo
    replicas: int
    nodes: int
    others: int
    endpoint: str
    stopped: bool
    ours: bool
    before: int = 0
    cordoned: tuple[str, ...] = ()
    ours_cordoned: tuple[str, ...] = ()


async def find(endpoints: Endpoints, home: Path, wish: Wish) -> Deployment:
    """The one deployment that fits. A cluster that a run of ours worked on is preferred to others.

    Raises Trouble when none or several fit, or when the right one may be in a cluster that could not be read;
    CloudError when Google cannot be asked.
    """
    from rhaii_tui.google.gke import Gke

    clusters = [c for c in await Gke(endpoints, wish.project).list_clusters() if _fits(c, wish)]
    looks = await asyncio.gather(*(_services(c, endpoints) for c in clusters))
    unread = [f"{c.name}: {found}" for c, found in zip(clusters, looks, strict=True) if isinstance(found, str)]
    matches = [
        (cluster, service)
        for cluster, found in zip(clusters, looks, strict=True)
        if not isinstance(found, str)
        for service in found
        if _named(service, wish.service)
    ]
    if len(matches) > 1:
        matches = _preferred(matches, home, endpoints.name, wish.project)
    if len(matches) > 1:
        names = ", ".join(f"{_name(s)} in {c.name}" for c, s in matches)
        raise Trouble("Several deployments fit", f"{names}.", "Say which with --service and --cluster.", usage=True)
    if not matches:
        where = wish.cluster or f"any cluster of {wish.project}"
        why = f"There is no LLMInferenceService {wish.service} in {where}.".replace("  ", " ")
        if unread:
            why += f" Not readable: {'; '.join(unread)}."
        next_step = "Begin one with rhaii-tui setup, or say --project and --cluster."
        raise Trouble("No deployment found", why, next_step, unknown=bool(unread))
    cluster, service = matches[0]
    blind = any(isinstance(found, str) and c.endpoint for c, found in zip(clusters, looks, strict=True))
    if blind and not wish.cluster and not _newest(cluster, service, home, endpoints.name, wish.project):
        raise Trouble(
            "It is not certain which deployment is meant",
            f"{_name(service)} in {cluster.name} fits, but not every cluster could be read: {'; '.join(unread)}.",
            "Say which with --cluster.",
            usage=True,
        )
    return await describe(cluster, service, endpoints, home, wish)


async def describe(info: ClusterInfo, service: Obj, endpoints: Endpoints, home: Path, wish: Wish) -> Deployment:
    """A deployment from its live objects. Raises Trouble, KubeError."""
    from rhaii_tui.kube.connect import Cluster
    from rhaii_tui.kube.nodes import POOL_LABEL

    meta, spec = service["metadata"], service.get("spec") or {}
    cluster = await Cluster.from_gke(info.endpoint, info.ca_pem, endpoints)
    try:
        labels = placement.replica_labels(meta["name"])
        pods, nodes, everything = await asyncio.gather(
            cluster.items("Pod", meta["namespace"], labels=labels), cluster.items("Node"), cluster.items("Pod")
        )
    finally:
        await cluster.close()
    mine = placement.replicas_in(pods)
    homes = {str(p["spec"].get("nodeName") or "") for p in mine} - {""}
    carrying = [n for n in nodes if n["metadata"]["name"] in homes]
    pools = tuple(p for p in info.pools if wish.pool in ("", p.name))
    facts = placement.accelerator_of(service, carrying, pools)
    pool = placement.pool_of(service, carrying, pools, facts)
    in_pool = {n["metadata"]["name"] for n in nodes if (n["metadata"].get("labels") or {}).get(POOL_LABEL) == pool.name}
    names = {p["metadata"]["uid"] for p in mine}
    foreign = placement.occupied(p for p in everything if p["metadata"]["uid"] not in names)
    cordoned = {n["metadata"]["name"] for n in nodes if (n.get("spec") or {}).get("unschedulable")} & in_pool
    replicas = int(spec.get("replicas", 1))
    placement.refuse_shared_nodes(meta["name"], mine)
    where = (wish.project, info.location, info.name)
    target = target_of(
        accelerator=facts.accelerator,
        topology=topology(spec, replicas),
        project=wish.project,
        zone=info.location,
        cluster=info.name,
        pool=pool.name,
        namespace=meta["namespace"],
        service=meta["name"],
        replicas=min(max(replicas, 1), 16),
        # KServe names a model that has no name after its service.
        model=str((spec.get("model") or {}).get("name") or meta["name"]),
        image=str(placement.main_container(service).get("image") or ""),
        provisioning=pool.provisioning,
    )
    remembered = memory.cordoned(home, endpoints.name, where) if cordoned else {}
    by_us = {n for n in cordoned if _ours(n, nodes, remembered)}
    entry = memory.entry(home, endpoints.name, where, KIND, _name(service))
    return Deployment(
        target=target,
        pool=pool,
        replicas=replicas,
        nodes=max(len(in_pool), await group_target(endpoints, wish.project, pool) or 0),
        others=len((in_pool & foreign) - homes),
        endpoint=str((service.get("status") or {}).get("url") or "").rstrip("/"),
        stopped=(meta.get("annotations") or {}).get(STOP) == "true" or replicas == 0,
        ours=entry is not None and entry.uid in ("", meta["uid"]),
        before=replicas or memory.replicas_before_stop(home, endpoints.name, where, _name(service)),
        cordoned=tuple(sorted(cordoned - by_us - homes - foreign)),
        ours_cordoned=tuple(sorted(by_us)),
    )


def _ours(name: str, nodes: list[Obj], cordoned: dict[str, float]) -> bool:
    """Whether we have cordoned this very node: an instance group may give a machine the name of one that is gone."""
    from rhaii_tui.kube import timestamps

    born = next((n["metadata"].get("creationTimestamp") for n in nodes if n["metadata"]["name"] == name), None)
    return name in cordoned and (timestamps.unix(born) or 0.0) <= cordoned[name]


def target_of(**fields: Any) -> Target:
    """What was found as a target. Raises Trouble for what operations do not know."""
    from pydantic import ValidationError

    name = f"{fields['namespace']}/{fields['service']}"
    if fields["zone"].count("-") < 2:
        raise Trouble(
            f"{fields['cluster']} is a regional cluster",
            f"Every pool of it has nodes in several zones of {fields['zone']}, of which operations know nothing.",
            "Scale it with kubectl and gcloud; monitor and doctor work for it.",
        )
    try:
        return Target(**fields)
    except ValidationError as error:
        wrong = error.errors()[0]
        what = str(wrong["loc"][0])
        raise Trouble(
            f"{name} cannot be worked on",
            f"Its {what} is {fields[what]!r}: {wrong['msg']}.",
            "Scale it with kubectl and gcloud; monitor and doctor work for it.",
        ) from None


def topology(spec: Obj, replicas: int) -> Topology:
    """What the manifest amounts to: a router with a scheduler is an endpoint picker."""
    if "scheduler" not in (spec.get("router") or {}):
        return Topology.SINGLE
    return Topology.SCALE_OUT if replicas > 1 else Topology.BASELINE


async def _services(info: ClusterInfo, endpoints: Endpoints) -> list[Obj] | str:
    """All services of a cluster; a text when they cannot be read."""
    from rhaii_tui.kube.connect import Cluster
    from rhaii_tui.kube.errors import ApiError, KubeError

    if not info.endpoint:
        return f"no address ({info.status})"
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            cluster = await Cluster.from_gke(info.endpoint, info.ca_pem, endpoints)
            try:
                return await cluster.items(KIND)
            finally:
                await cluster.close()
    except ApiError as error:
        return [] if error.is_not_found else str(error)
    except KubeError as error:
        return str(error)
    except TimeoutError:
        return f"no answer within {LOOK_SECONDS:.0f} s"


def _fits(info: ClusterInfo, wish: Wish) -> bool:
    return wish.cluster in ("", info.name) and (not wish.zone or info.location == wish.zone)


def _named(service: Obj, wanted: str) -> bool:
    return wanted in ("", service["metadata"]["name"], _name(service))


def _name(service: Obj) -> str:
    return f"{service['metadata']['namespace']}/{service['metadata']['name']}"


def _newest(cluster: ClusterInfo, service: Obj, home: Path, cloud: str, project: str) -> bool:
    """Whether the newest run in the project worked on this very service."""
    target = next((t for t in memory.known_targets(home, cloud) if t.project == project), None)
    if target is None:
        return False
    where = (project, cluster.location, cluster.name)
    return (where, _name(service)) == (memory.place(target), f"{target.namespace}/{target.service}")


def _preferred(matches: list[tuple[Any, Obj]], home: Path, cloud: str, project: str) -> list[tuple[Any, Obj]]:
    """Those that the newest run with any of them worked on; all when no run did."""
    for target in memory.known_targets(home, cloud):
        found = [
            (c, s)
            for c, s in matches
            if (project, c.location, c.name) == memory.place(target)
            and (s["metadata"]["namespace"], s["metadata"]["name"]) == (target.namespace, target.service)
        ]
        if found:
            return found
    return matches
