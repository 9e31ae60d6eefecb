"""NetworkPolicies by their own semantics: additive, per direction, isolating only the pods they select."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Mapping[str, Any]
NAMESPACE_LABEL = "kubernetes.io/metadata.name"


@dataclass(frozen=True, slots=True)
class End:
    """One end of a connection: a pod by its labels, or the world outside when `outside`."""

    namespace: str
    labels: Mapping[str, str]
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    outside: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A connection that is not let through. `policies` isolate the pod in that direction, none of them allows it."""

    direction: str
    policies: tuple[Json, ...]

    @property
    def names(self) -> str:
        """`namespace/name` of each."""
        return ", ".join(f"{p['metadata'].get('namespace', '')}/{p['metadata']['name']}" for p in self.policies)


def blocked(policies: Iterable[Json], source: End, target: End, port: int, protocol: str = "TCP") -> Block | None:
    """The first direction that stops the connection, None when it passes."""
    all_of = tuple(policies)
    for direction, pod, peer in (("Egress", source, target), ("Ingress", target, source)):
        if pod.outside:
            continue
        isolating = tuple(p for p in all_of if isolates(p, pod, direction))
        if isolating and not any(_allows(p, direction, pod, peer, port, protocol) for p in isolating):
            return Block(direction, isolating)
    return None


def isolates(policy: Json, pod: End, direction: str) -> bool:
    """Whether the policy selects the pod and rules this direction."""
    if policy["metadata"].get("namespace") != pod.namespace:
        return False
    spec = policy.get("spec") or {}
    kinds = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    return direction in kinds and selects(spec.get("podSelector") or {}, pod.labels)


def selects(selector: Json, labels: Mapping[str, str]) -> bool:
    """A label selector; an empty one selects everything."""
    if any(labels.get(k) != v for k, v in (selector.get("matchLabels") or {}).items()):
        return False
    for one in selector.get("matchExpressions") or []:
        key, values, operator = one.get("key"), one.get("values") or [], one.get("operator")
        held = labels.get(key)
        if operator == "In" and held not in values:
            return False
        if operator == "NotIn" and held is not None and held in values:
            return False
        if operator == "Exists" and held is None:
            return False
        if operator == "DoesNotExist" and held is not None:
            return False
    return True


def _allows(policy: Json, direction: str, pod: End, peer: End, port: int, protocol: str) -> bool:
    rules = (policy.get("spec") or {}).get(direction.lower()) or []
    side = "to" if direction == "Egress" else "from"
    return any(_ports(r.get("ports"), port, protocol) and _peers(r.get(side), pod, peer) for r in rules)


def _ports(ports: Iterable[Json] | None, port: int, protocol: str) -> bool:
    if not ports:
        return True
    for one in ports:
        if one.get("protocol", "TCP") != protocol:
            continue
        wanted, last = one.get("port"), one.get("endPort")
        # A named port is resolved by the pod's own spec, which is not read here: taken as meant for it.
        if wanted is None or isinstance(wanted, str) or wanted == port or (last and wanted <= port <= last):
            return True
    return False


def _peers(peers: Iterable[Json] | None, pod: End, peer: End) -> bool:
    if not peers:
        return True
    for one in peers:
        if "ipBlock" in one:
            # An address range is taken as meant for what lies outside; pods are told by their labels.
            if peer.outside:
                return True
            continue
        if peer.outside:
            continue
        if "namespaceSelector" in one:
            spaces = {**peer.namespace_labels, NAMESPACE_LABEL: peer.namespace}
            if not selects(one["namespaceSelector"] or {}, spaces):
                continue
        elif peer.namespace != pod.namespace:
            continue
        if selects(one.get("podSelector") or {}, peer.labels):
            return True
    return False
