"""Finds services to look at: in one cluster of a kubeconfig, or in all clusters of a project. No journal is needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rhaii_tui.endpoints import Endpoints

if TYPE_CHECKING:
    from rhaii_tui.google.values import ClusterInfo
    from rhaii_tui.kube.connect import Cluster

KIND = "LLMInferenceService"
CONNECT_SECONDS = 15.0
"""Wall seconds a cluster has to answer; one that is out of reach must not hide the others."""


class NothingChosen(Exception):
    """No single service to look at: none, or one of `choices`. `unknown`: that could not be found out."""

    def __init__(
        self, what: str, why: str, next_step: str, *, unknown: bool = False, choices: tuple[Found, ...] = ()
    ) -> None:
        super().__init__(f"{what}. {why} {next_step}".strip())
        self.what, self.why, self.next = what, why, next_step
        self.unknown, self.choices = unknown, choices


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for. `service` is `name` or `namespace/name`; `preferred` breaks a tie, asked only then."""

    kubeconfig: Path | None = None
    context: str | None = None
    project: str = ""
    zone: str = ""
    cluster: str = ""
    service: str = ""
    preferred: Callable[[], tuple[str, str, str] | None] = lambda: None
    """Cluster, namespace and service of the newest run here."""

    def only(self, found: Found) -> Wish:
        """The same search with this one answer."""
        service = f"{found.namespace}/{found.service}"
        return replace(self, zone=found.zone or self.zone, cluster=found.gke or self.cluster, service=service)


@dataclass(frozen=True, slots=True)
class Found:
    """A service and the cluster it is in, by name. The last three are Google's names of that cluster, where known."""

    cluster: str
    namespace: str
    service: str
    project: str = ""
    zone: str = ""
    gke: str = ""

    def __str__(self) -> str:
        return f"{self.namespace}/{self.service} in {self.cluster}"


@dataclass(slots=True)
class Attached:
    """An open connection to the chosen service's cluster (the caller closes it) and what else was found."""

    endpoints: Endpoints
    cluster: Cluster
    found: Found
    others: tuple[Found, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(slots=True)
class _Search:
    """Connections opened on the way, by cluster name; all but the chosen one are closed."""

    clusters: dict[str, Cluster] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    remedies: dict[str, None] = field(default_factory=dict)
    """What to do to have it read, each once, in order."""

    def missed(self, text: str, remedy: str = "") -> None:
        """Something could not be read."""
        self.unread.append(text)
        if remedy:
            self.remedies[remedy] = None

    async def close(self, keep: str = "") -> None:
        """Close the connections that are not kept."""
        for name, cluster in self.clusters.items():
            if name != keep:
                await cluster.close()


async def attach(endpoints: Endpoints, wish: Wish) -> Attached:
    """The one service that fits the wish, with a connection to it. Raises NothingChosen with what to say next."""
    search = _Search()
    chosen: Found | None = None
    try:
        if wish.kubeconfig is not None:
            await _by_kubeconfig(search, endpoints, wish)
        else:
            await _by_project(search, endpoints, wish)
        chosen = choose(search.found, wish, search.unread, search.remedies)
    finally:
        await search.close(chosen.cluster if chosen else "")
    others = tuple(f for f in search.found if f != chosen)
    return Attached(endpoints, search.clusters[chosen.cluster], chosen, others, (*search.unread, *search.remedies))


def choose(found: Iterable[Found], wish: Wish, unread: Iterable[str] = (), remedies: Iterable[str] = ()) -> Found:
    """The service meant. Raises NothingChosen when there is none, or more than one."""
    everything = sorted(found, key=str)
    trouble = " ".join(unread)
    namespace, _, name = wish.service.rpartition("/")
    fits = [f for f in everything if not name or (f.service == name and namespace in ("", f.namespace))]
    if len(fits) > 1 and (newest := wish.preferred()) is not None:
        fits = [f for f in fits if (f.cluster, f.namespace, f.service) == newest] or fits
    if len(fits) == 1:
        return fits[0]
    if fits:
        listing = "; ".join(map(str, fits))
        raise NothingChosen(
            f"{len(fits)} services were found",
            f"{listing}.",
            "Choose one: --service NAMESPACE/NAME, or --cluster NAME.",
            choices=tuple(fits),
        )
    if everything:
        listing = "; ".join(map(str, everything))
        raise NothingChosen(f"No service {wish.service} was found", f"There are: {listing}.", trouble)
    if trouble:
        raise NothingChosen(
            "No service could be looked for", trouble, " ".join([*remedies, "Then try again."]), unknown=True
        )
    where = f"cluster {wish.cluster}" if wish.cluster else "the clusters that were searched"
    raise NothingChosen(
        f"No {KIND} exists in {where}",
        "There is nothing to look at yet.",
        "Deploy one: rhaii-tui setup --help. Another place: --project, --cluster, or --kubeconfig and --context.",
    )


async def _by_kubeconfig(search: _Search, endpoints: Endpoints, wish: Wish) -> None:
    from rhaii_tui.kube import background
    from rhaii_tui.kube.connect import Cluster
    from rhaii_tui.kube.errors import KubeError
    from rhaii_tui.kube.kubeconfig import current_context, gke_names

    file = wish.kubeconfig
    assert file is not None
    name = wish.context or await background.run(lambda: current_context(file)) or f"the context of {file}"
    try:
        cluster = await Cluster.from_kubeconfig(file, wish.context, trust_env=endpoints.trust_env)
    except KubeError as error:
        search.missed(str(error))
        return
    google = gke_names(name)
    await _search_one(search, name, cluster, wish, google, _log_in(file, *google))


async def _by_project(search: _Search, endpoints: Endpoints, wish: Wish) -> None:
    from rhaii_tui.google.errors import CloudError
    from rhaii_tui.google.gke import Gke

    if not wish.project:
        raise NothingChosen(
            "No project given", "It says where to look for clusters.",
            "Say --project NAME, or --kubeconfig FILE.",
        )  # fmt: skip
    try:
        infos = await Gke(endpoints, wish.project).list_clusters("-")
    except CloudError as error:
        search.missed(f"Clusters of project {wish.project}: {error.message}", error.remedy)
        return
    fits = [i for i in infos if wish.cluster in ("", i.name) and (not wish.zone or i.location == wish.zone)]
    names = [i.name for i in fits]
    if wish.cluster and not fits:
        there = ", ".join(f"{i.name} ({i.location})" for i in infos) or "none"
        raise NothingChosen(f"Project {wish.project} has no cluster {wish.cluster}", f"There are: {there}.", "")
    await asyncio.gather(
        *(
            _reach(search, endpoints, i, i.name if names.count(i.name) == 1 else f"{i.name} ({i.location})", wish)
            for i in fits
            if i.endpoint and i.status in ("RUNNING", "RECONCILING", "DEGRADED")
        )
    )


async def _reach(search: _Search, endpoints: Endpoints, info: ClusterInfo, name: str, wish: Wish) -> None:
    from rhaii_tui.kube.connect import Cluster
    from rhaii_tui.kube.errors import KubeError

    try:
        cluster = await Cluster.from_gke(info.endpoint, info.ca_pem, endpoints)
    except KubeError as error:
        search.missed(f"Cluster {name}: {error}")
        return
    again = "Log in again: gcloud auth application-default login."
    await _search_one(search, name, cluster, wish, (wish.project, info.location, info.name), again)


def _log_in(file: Path, project: str, zone: str, cluster: str) -> str:
    """What renews the login of a kubeconfig's context."""
    if cluster:
        return (
            "Log in again: gcloud auth login && "
            f"gcloud container clusters get-credentials {cluster} --zone {zone} --project {project}."
        )
    return f"Log in again the way {file} was made (oc login, for one), or put a new token into it."


async def _search_one(
    search: _Search, name: str, cluster: Cluster, wish: Wish, google: tuple[str, str, str], log_in: str
) -> None:
    """The services of one cluster. `log_in`: what to do when it does not accept who asks."""
    from rhaii_tui.kube.errors import ApiError, KubeError, Unreachable

    search.clusters[name] = cluster
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            services = await _services(cluster, wish.service.rpartition("/")[0])
    except ApiError as error:
        refused = "Ask for the permission: list llminferenceservices." if error.status == 403 else ""
        search.missed(f"Cluster {name}: {error}", log_in if error.status == 401 else refused)
        return
    except KubeError as error:
        network = "Check the way to it: VPN, proxy, authorized networks." if isinstance(error, Unreachable) else ""
        search.missed(f"Cluster {name}: {error}", network)
        return
    except TimeoutError:
        search.missed(f"Cluster {name} did not answer within {CONNECT_SECONDS:.0f} s.")
        return
    for service in services:
        meta = service["metadata"]
        search.found.append(Found(name, str(meta.get("namespace", "")), str(meta["name"]), *google))


async def _services(cluster: Cluster, namespace: str) -> list[dict[str, Any]]:
    from rhaii_tui.kube.errors import ApiError

    try:
        return await cluster.items(KIND, namespace or None)
    except ApiError as error:
        if error.is_not_found:
            return []  # KServe is not installed there
        raise
