"""NetworkPolicies: additive, per direction, by pod and namespace."""

from __future__ import annotations

from typing import Any

from rhaii_tui.doctor.policies import End, blocked

POD = End("a", {"app": "x"})
PEER = End("b", {"role": "gate"}, {"team": "net"})
WORLD = End("", {}, outside=True)


def policy(namespace: str = "a", selector: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": namespace, "name": "p"}, "spec": {"podSelector": selector or {}, **spec}}


def test_no_policy_lets_everything_through() -> None:
    assert blocked((), PEER, POD, 80) is None


def test_a_policy_elsewhere_or_about_other_pods_isolates_nobody() -> None:
    others = (policy("c"), policy(selector={"matchLabels": {"app": "y"}}))
    assert blocked(others, PEER, POD, 80) is None


def test_an_empty_selector_denies_both_directions_it_names() -> None:
    deny = policy(policyTypes=["Ingress", "Egress"])
    into, out = blocked((deny,), PEER, POD, 80), blocked((deny,), POD, WORLD, 443)
    assert into is not None
    assert out is not None
    assert (into.direction, into.names, out.direction) == ("Ingress", "a/p", "Egress")


def test_another_policy_adds_what_one_denies() -> None:
    deny = policy(policyTypes=["Ingress"])
    peers = [{"namespaceSelector": {"matchLabels": {"team": "net"}}, "podSelector": {"matchLabels": {"role": "gate"}}}]
    allow = policy(ingress=[{"from": peers, "ports": [{"port": 80}]}])
    assert blocked((deny, allow), PEER, POD, 80) is None
    assert blocked((deny, allow), PEER, POD, 81) is not None
    assert blocked((deny, allow), End("b", {}, {"team": "net"}), POD, 80) is not None


def test_a_pod_selector_alone_means_the_same_namespace() -> None:
    allow = policy(ingress=[{"from": [{"podSelector": {}}]}])
    assert blocked((allow,), End("a", {}), POD, 80) is None
    assert blocked((allow,), PEER, POD, 80) is not None


def test_protocols_ranges_and_addresses() -> None:
    allow = policy(egress=[{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": 440, "endPort": 450}]}],
                   policyTypes=["Egress"])  # fmt: skip
    assert blocked((allow,), POD, WORLD, 443) is None
    assert blocked((allow,), POD, WORLD, 53, "UDP") is not None


def test_expressions() -> None:
    some = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["x"]},
                                 {"key": "off", "operator": "DoesNotExist"}]}  # fmt: skip
    assert blocked((policy(selector=some, policyTypes=["Ingress"]),), PEER, POD, 80) is not None
    none = {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["x"]}]}
    assert blocked((policy(selector=none, policyTypes=["Ingress"]),), PEER, POD, 80) is None
