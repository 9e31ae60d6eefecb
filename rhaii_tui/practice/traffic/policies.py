"""NetworkPolicies as Dataplane V2 enforces them: a selected pod lets through only what some policy names."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rhaii_tui.practice.traffic.objects import Object

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster


# Pods of the system that practice clusters do not run, as policies see them: the API server reaches pods through
# konnectivity, names are resolved by kube-dns.
KONNECTIVITY: Object = {"metadata": {"namespace": "kube-system", "labels": {"k8s-app": "konnectivity-agent"}}}
DNS: Object = {"metadata": {"namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}}}


def gateway_pod(gateway: Object) -> Object:
    """The proxy of a gateway, as policies see it."""
    meta = gateway["metadata"]
    labels = {"gateway.networking.k8s.io/gateway-name": meta["name"]}
    return {"metadata": {"namespace": meta["namespace"], "labels": labels}}


def reaches(cluster: KubeCluster, source: Object, target: Object, port: int) -> bool:
    """Whether a TCP connection between two pods comes about. Each is a pod, or a stand-in for one."""
    return enters(cluster, source, target, port) and leaves(cluster, source, target, port)


def enters(cluster: KubeCluster, source: Object, target: Object, port: int) -> bool:
    """Whether the policies on the target let the source in."""
    rules = _rules(cluster, target, "Ingress")
    return rules is None or any(
        _ports(rule, port, "TCP") and _peers(cluster, target, rule.get("from"), source) for rule in rules
    )


def leaves(cluster: KubeCluster, source: Object, target: Object | None, port: int, protocol: str = "TCP") -> bool:
    """Whether the policies on the source let it out to the target; None is an address outside the cluster."""
    rules = _rules(cluster, source, "Egress")
    return rules is None or any(
        _ports(rule, port, protocol) and _peers(cluster, source, rule.get("to"), target) for rule in rules
    )


def _rules(cluster: KubeCluster, pod: Object, direction: str) -> list[Object] | None:
    """The rules that hold for a pod in one direction; None when no policy selects it."""
    found: list[Object] | None = None
    for policy in cluster.store.list("NetworkPolicy", pod["metadata"]["namespace"]):
        spec = policy["spec"]
        types = spec.get("policyTypes") or ["Ingress", *(["Egress"] if "egress" in spec else [])]
        if direction in types and selected(spec.get("podSelector") or {}, pod["metadata"].get("labels") or {}):
            found = (found or []) + list(spec.get(direction.lower()) or ())
    return found


def selected(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a label selector picks these labels; an empty one picks everything."""
    if any(labels.get(name) != value for name, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_expression(entry, labels) for entry in selector.get("matchExpressions") or ())


def _expression(entry: Object, labels: dict[str, str]) -> bool:
    name, values = entry["key"], entry.get("values") or ()
    match entry["operator"]:
        case "In":
            return labels.get(name) in values
        case "NotIn":
            return labels.get(name) not in values
        case "Exists":
            return name in labels
    return name not in labels


def _ports(rule: Object, port: int, protocol: str) -> bool:
    wanted: Iterable[Object] = rule.get("ports") or ()
    if not wanted:
        return True
    for entry in wanted:
        if entry.get("protocol", "TCP") != protocol:
            continue
        first = entry.get("port")
        if first is None or (isinstance(first, int) and first <= port <= int(entry.get("endPort", first))):
            return True
    return False


def _peers(cluster: KubeCluster, own: Object, peers: list[Object] | None, other: Object | None) -> bool:
    if not peers:
        return True
    return any(_peer(cluster, own, peer, other) for peer in peers)


def _peer(cluster: KubeCluster, own: Object, peer: Object, other: Object | None) -> bool:
    if "ipBlock" in peer:
        network = ipaddress.ip_network(peer["ipBlock"]["cidr"], strict=False)
        return other is None and (network.prefixlen == 0 or network.is_global)
    if other is None:
        return False
    meta = other["metadata"]
    if "namespaceSelector" in peer:
        namespace = cluster.store.get("Namespace", None, meta["namespace"]) or {"metadata": {}}
        labels = {"kubernetes.io/metadata.name": meta["namespace"], **(namespace["metadata"].get("labels") or {})}
        if not selected(peer["namespaceSelector"] or {}, labels):
            return False
    elif meta["namespace"] != own["metadata"]["namespace"]:
        return False
    return selected(peer.get("podSelector") or {}, meta.get("labels") or {})
