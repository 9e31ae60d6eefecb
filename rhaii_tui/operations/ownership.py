"""The ledger held against what is there: names are no proof, for what bears ours may have been made by others since."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rhaii_tui.catalog.target import Target
from rhaii_tui.deployment.applying import full_name
from rhaii_tui.deployment.birth import applied_by_us
from rhaii_tui.deployment.plan import Item
from rhaii_tui.deployment.state import LedgerEntry
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.google.bodies import RUN_LABEL
from rhaii_tui.operations.discovery import LOOK_SECONDS
from rhaii_tui.operations.trouble import Trouble
from rhaii_tui.serving import manifests
from rhaii_tui.serving.stack import EA1

if TYPE_CHECKING:
    from rhaii_tui.google.values import ClusterInfo, PoolInfo
    from rhaii_tui.kube.connect import Cluster

Obj = dict[str, Any]
NOT_INSIDE = ("Cluster", "NodePool", "Stack")
"""What is not an object of the cluster's API server."""
ANEW = "made anew by somebody since; left"
BEFORE = "was there before; left"


@dataclass(frozen=True, slots=True)
class Holdings:
    """`ours` is to be removed, each with what tells it from a namesake; `gone` is ours no more, because a namesake
    stands there; `leaves` are such namesakes, what nothing proves to be ours, and what was there before."""

    ours: tuple[Item, ...] = ()
    gone: tuple[Item, ...] = ()
    leaves: tuple[Item, ...] = ()

    def why(self, kind: str, name: str) -> str:
        """Why something is left."""
        return next((x.why for x in self.leaves if (x.kind, x.name) == (kind, name)), "not in the ledger")


def lifeless(info: ClusterInfo | None) -> bool:
    """Whether a cluster has nothing inside: not there, going, or never come to an API server."""
    return info is None or info.status == "STOPPING" or (not info.endpoint and info.status in ("PROVISIONING", "ERROR"))


async def holdings(
    entries: tuple[LedgerEntry, ...], info: ClusterInfo | None, endpoints: Endpoints, target: Target
) -> Holdings:
    """What the ledger says, as far as it still holds. Raises Trouble when the cluster cannot be looked at."""
    found: list[tuple[LedgerEntry, Item | None, str]] = []
    inside = [x for x in entries if x.kind not in NOT_INSIDE]
    live: dict[tuple[str, str], Obj | None] = {}
    used: tuple[Item, ...] = ()
    if info is not None and not lifeless(info):
        names = [(x.kind, x.name) for x in inside]
        others = [x for x in _needed(target) if x not in names]
        live = await _read(info, endpoints, [*names, *others])
        used = tuple(Item(kind=kind, name=name, why=BEFORE) for kind, name in others if live.get((kind, name)))
    for entry in entries:
        if entry.kind == "Cluster" and info is not None:
            found.append((entry, *_cluster(entry, info)))
        elif entry.kind == "NodePool" and info is not None:
            found.append((entry, *_pool(entry, info.pool(entry.name.partition("/")[2]))))
        else:
            found.append((entry, *_object(entry, live.get((entry.kind, entry.name)))))
    return Holdings(
        tuple(item for _, item, _ in found if item is not None),
        tuple(Item(kind=x.kind, name=x.name, uid=x.uid) for x, _, why in found if why == ANEW),
        (*(Item(kind=x.kind, name=x.name, why=why) for x, _, why in found if why), *used),
    )


def _item(entry: LedgerEntry, uid: str = "") -> tuple[Item, str]:
    return Item(kind=entry.kind, name=entry.name, uid=uid or entry.uid), ""


def _cluster(entry: LedgerEntry, info: ClusterInfo) -> tuple[Item | None, str]:
    if entry.uid:
        return _item(entry) if info.id == entry.uid else (None, ANEW)
    run = info.labels.get(RUN_LABEL, "")
    if info.ours and run in ("", entry.run):
        return _item(entry, info.id)
    return None, "no label proves that rhaii-tui made it; left. gcloud container clusters delete removes it by hand"


def _pool(entry: LedgerEntry, pool: PoolInfo | None) -> tuple[Item | None, str]:
    if pool is None:
        return _item(entry)
    run = pool.labels.get(RUN_LABEL, "")
    if (run == entry.uid) if entry.uid else (pool.ours and run in ("", entry.run)):
        return _item(entry, run)
    return None, "no label proves that rhaii-tui made it; left. gcloud container node-pools delete removes it by hand"


def _object(entry: LedgerEntry, obj: Obj | None) -> tuple[Item | None, str]:
    if obj is None:
        return _item(entry)
    uid = str(obj["metadata"].get("uid") or "")
    if entry.uid:
        return _item(entry) if uid == entry.uid else (None, ANEW)
    if applied_by_us(obj, entry.at):
        return _item(entry, uid)
    return None, "nothing proves that rhaii-tui made it; left. kubectl delete removes it by hand"


def _needed(target: Target) -> list[tuple[str, str]]:
    """Kind and name of every object in the cluster that a setup of the target uses."""
    space, front = target.namespace, EA1.gateway_namespace
    documents = [*manifests.documents(target), *manifests.network_policies(target)]
    found = [(str(d["kind"]), full_name(d)) for d in documents]
    found += [("Secret", f"{space}/{name}") for name in (manifests.PULL_SECRET, manifests.HUB_SECRET)]
    return [*found, ("ConfigMap", f"{front}/{EA1.ca_bundle}"), ("Secret", f"{front}/{EA1.operator_pull_secret}")]


async def _read(
    info: ClusterInfo, endpoints: Endpoints, names: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Obj | None]:
    """Objects by kind and name; None when there is none, or when it may not be read: its step then says so."""
    from rhaii_tui.kube.errors import ApiError

    async def one(cluster: Cluster, kind: str, name: str) -> Obj | None:
        space, slash, short = name.rpartition("/")
        try:
            return await cluster.read(kind, space if slash else None, short)
        except ApiError as error:
            if error.status == 403:
                return None
            raise

    wanted = list(names)
    async with looking_into(info, endpoints) as cluster:
        objects = await asyncio.gather(*(one(cluster, kind, name) for kind, name in wanted))
    return dict(zip(wanted, objects, strict=True))


@asynccontextmanager
async def looking_into(info: ClusterInfo, endpoints: Endpoints) -> AsyncIterator[Cluster]:
    """A connection to look into a cluster before anything of it is removed. Raises Trouble when it, or what is asked
    of it within the block, cannot be read in time: a cluster that cannot be looked at is not deleted."""
    from rhaii_tui.kube.connect import Cluster
    from rhaii_tui.kube.errors import KubeError

    try:
        if not info.endpoint:
            raise TimeoutError(f"It has no address; its status is {info.status}.")
        async with asyncio.timeout(LOOK_SECONDS):
            cluster = await Cluster.from_gke(info.endpoint, info.ca_pem, endpoints)
            try:
                yield cluster
            finally:
                await cluster.close()
    except (KubeError, TimeoutError) as error:
        raise Trouble(
            f"It cannot be seen what is in {info.name}",
            str(error) or "The API server did not answer.",
            "A cluster is not deleted unseen. Try again once its API server can be reached.",
            unknown=True,
        ) from error
