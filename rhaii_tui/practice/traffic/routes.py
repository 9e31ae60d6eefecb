"""Which rule of which live HTTPRoute a request belongs to, by the precedence of the Gateway API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rhaii_tui.practice.traffic.objects import Object, condition, key

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster

GATEWAY_GROUP = "gateway.networking.k8s.io"


@dataclass(frozen=True)
class Match:
    """A request's way: `name` is Envoy's route name, `path` is rewritten, `backends` are the rule's backendRefs."""

    cluster: KubeCluster
    gateway: Object
    route: Object
    name: str
    path: str
    backends: list[Object]

    @property
    def namespace(self) -> str:
        """The route's namespace, where its backends are unless they say otherwise."""
        return str(self.route["metadata"]["namespace"])


def listening(clusters: Iterable[KubeCluster]) -> bool:
    """Whether any gateway has an address: before that nothing listens."""
    return any(condition(g, "Programmed") == "True" for c in clusters for g in c.store.list("Gateway"))


def match(clusters: Iterable[KubeCluster], method: str, target: str, headers: Mapping[str, str]) -> Match | None:
    """The best rule for a request, None when no route takes it. `target` is the path with its query."""
    path, mark, query = target.partition("?")
    best: tuple[tuple[int, int, int, int], Match] | None = None
    for cluster in clusters:
        for gateway, route in attached(cluster):
            if not _host_matches(route["spec"].get("hostnames"), headers.get("host", "")):
                continue
            for index, rule in enumerate(route["spec"].get("rules") or ()):
                entries: list[Object] = rule.get("matches") or [{}]
                for entry in entries:
                    rank = _rank(entry, method, path, headers)
                    # Routes come oldest first, so an equal rank never displaces an earlier rule.
                    if rank is None or (best and rank <= best[0]):
                        continue
                    prefix = _path_of(entry)[1]
                    found = Match(
                        cluster=cluster,
                        gateway=gateway,
                        route=route,
                        name=f"{key(route).replace('/', '.')}.{index}",
                        path=_rewritten(rule, path, prefix) + mark + query,
                        backends=list(rule.get("backendRefs") or ()),
                    )
                    best = rank, found
    return best[1] if best else None


def attached(cluster: KubeCluster) -> Iterator[tuple[Object, Object]]:
    """(gateway, route) pairs whose gateway is programmed and has not refused the route, oldest route first."""
    routes = cluster.store.list("HTTPRoute")
    for route in sorted(routes, key=lambda r: (r["metadata"].get("creationTimestamp", ""), key(r))):
        for parent in route["spec"].get("parentRefs") or ():
            if parent.get("kind", "Gateway") != "Gateway" or parent.get("group", GATEWAY_GROUP) != GATEWAY_GROUP:
                continue
            namespace = parent.get("namespace") or route["metadata"]["namespace"]
            gateway = cluster.store.get("Gateway", namespace, parent["name"])
            if gateway and condition(gateway, "Programmed") == "True" and not _refused(route, parent):
                yield gateway, route


def _refused(route: Object, parent: Object) -> bool:
    for entry in route.get("status", {}).get("parents") or ():
        if entry.get("parentRef", {}).get("name") == parent["name"]:
            return condition({"status": entry}, "Accepted") == "False"
    return False


def _host_matches(hostnames: list[str] | None, host: str) -> bool:
    name = host.partition(":")[0].lower()
    return not hostnames or any(h == name or (h.startswith("*.") and name.endswith(h[1:])) for h in hostnames)


def _path_of(entry: Mapping[str, Any]) -> tuple[str, str]:
    path = entry.get("path") or {}
    return path.get("type", "PathPrefix"), path.get("value", "/")


def _rank(
    entry: Mapping[str, Any], method: str, path: str, headers: Mapping[str, str]
) -> tuple[int, int, int, int] | None:
    """None when the match fails, else its precedence: exact path, longest prefix, method, most headers."""
    kind, value = _path_of(entry)
    if kind == "Exact" and path != value:
        return None
    prefix = value.rstrip("/")
    if kind == "PathPrefix" and path != prefix and not path.startswith(prefix + "/"):
        return None
    if entry.get("method") not in (None, method):
        return None
    wanted = entry.get("headers") or ()
    if any(headers.get(h["name"]) != h["value"] for h in wanted):
        return None
    return int(kind == "Exact"), len(value), int("method" in entry), len(wanted)


def _rewritten(rule: Object, path: str, prefix: str) -> str:
    for step in rule.get("filters") or ():
        change = (step.get("urlRewrite") or {}).get("path") or {}
        if change.get("type") == "ReplaceFullPath":
            return str(change["replaceFullPath"])
        if change.get("type") == "ReplacePrefixMatch":
            rest = path[len(prefix.rstrip("/")) :].lstrip("/")
            head = str(change["replacePrefixMatch"]).rstrip("/")
            return f"{head}/{rest}" if rest or not head else head
    return path
