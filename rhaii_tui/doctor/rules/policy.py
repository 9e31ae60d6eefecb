"""NetworkPolicies: every connection the service lives by, judged by the policies' own semantics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rhaii_tui.catalog.findings import Command, Evidence, Status
from rhaii_tui.doctor import edits
from rhaii_tui.doctor.evidence import Snapshot, labels_of
from rhaii_tui.doctor.hops import Hop
from rhaii_tui.doctor.pieces import Missing
from rhaii_tui.doctor.policies import Block, End, blocked
from rhaii_tui.doctor.rule import Change, Fix, Hit, HopRules, Rule
from rhaii_tui.kube.objects import name_of
from rhaii_tui.serving import manifests
from rhaii_tui.serving.stack import SCHEDULER_COMPONENT

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Way:
    """One connection: what it is, between which ends."""

    what: str
    source: End
    target: End
    port: int
    protocol: str = "TCP"


def _ends(s: Snapshot) -> dict[str, End]:
    def spaces(namespace: str) -> dict[str, str]:
        try:
            found = s.one("Namespace", None, namespace)
        except Missing:
            return {}
        return labels_of(found) if found else {}

    place, stack = s.place, s.stack
    mine = {"app.kubernetes.io/name": place.service, "app.kubernetes.io/part-of": "llminferenceservice"}
    workload = mine | {"app.kubernetes.io/component": "llminferenceservice-workload",
                       "kserve.io/component": "workload", "llm-d.ai/role": "both"}  # fmt: skip
    picker = mine | {"app.kubernetes.io/component": SCHEDULER_COMPONENT}
    gateway = {"gateway.networking.k8s.io/gateway-name": stack.gateway}
    for pods, labels in ((s.replicas, workload), (s.pickers, picker), (s.pods_of("gateway"), gateway)):
        labels.update(labels_of(pods[0]) if pods else {})
    return {
        "workload": End(place.namespace, workload, spaces(place.namespace)),
        "picker": End(place.namespace, picker, spaces(place.namespace)),
        "gateway": End(stack.gateway_namespace, gateway, spaces(stack.gateway_namespace)),
        "dns": End("kube-system", {"k8s-app": "kube-dns"}, {}),
        "world": End("", {}, {}, outside=True),
    }


def _blocks(s: Snapshot, ways: list[Way]) -> Iterator[tuple[Way, Block]]:
    if not _enforced(s):
        return
    policies = s.items("NetworkPolicy")
    for way in ways:
        if block := blocked(policies, way.source, way.target, way.port, way.protocol):
            yield way, block


def _enforced(s: Snapshot) -> bool:
    """Policies have no effect without Dataplane V2; where that cannot be read, they are taken to have."""
    try:
        return bool(s.google_cluster.dataplane_v2)
    except Missing:
        return True


def _case(s: Snapshot, found: list[tuple[Way, Block]], status: Status = Status.FAIL) -> Hit:
    _way, block = found[0]
    ways = ", ".join(dict.fromkeys(f"{w.what} ({w.port})" for w, _ in found))
    return Hit(
        about=block.names,
        message=f"NetworkPolicies stop {ways}: {block.direction.lower()} is isolated by {block.names}.",
        evidence=tuple(
            s.note(
                f"NetworkPolicy {p['metadata'].get('namespace')}/{name_of(p)} spec",
                _short(p, block.direction),
                "NetworkPolicy",
            )
            for p in block.policies[:3]
        ),
        fix=_fix(s, found),
        status=status,
    )


def _short(policy: Mapping[str, Any], direction: str) -> str:
    spec = policy.get("spec") or {}
    selector = (spec.get("podSelector") or {}).get("matchLabels") or "every pod"
    rules = spec.get(direction.lower()) or []
    return f"selects {selector}; {len(rules)} {direction.lower()} rules"


def _fix(s: Snapshot, found: list[tuple[Way, Block]]) -> Fix:
    """Remove what others added where that is enough; else put our own set back."""
    policies = list(s.items("NetworkPolicy"))
    ours = manifests.network_policies(edits.target_of(s), s.stack)
    names = {(d["metadata"]["namespace"], d["metadata"]["name"]) for d in ours}
    foreign: dict[tuple[str, str], Mapping[str, Any]] = {}
    for _, block in found:
        for p in block.policies:
            key = (str(p["metadata"].get("namespace")), name_of(p))
            if key not in names:
                foreign[key] = p
    rest = [p for p in policies if (str(p["metadata"].get("namespace")), name_of(p)) not in foreign]
    changes: tuple[Change, ...] = ()
    if any(blocked(rest, w.source, w.target, w.port, w.protocol) for w, _ in found):
        changes = tuple(
            Change("apply", "NetworkPolicy", d["metadata"]["namespace"], d["metadata"]["name"], d) for d in ours
        )
        after = [p for p in policies if (str(p["metadata"].get("namespace")), name_of(p)) not in names] + list(ours)
        if any(blocked(after, w.source, w.target, w.port, w.protocol) for w, _ in found):
            changes += _deletions(foreign)
        title = "Apply the service's own policies again"
    else:
        changes = _deletions(foreign)
        title = f"Delete {', '.join('/'.join(k) for k in foreign)}"
    return Fix(
        title=title,
        changes=changes,
        commands=tuple(
            Command(text=f"kubectl -n {namespace} delete networkpolicy {name}") for namespace, name in foreign
        )
        or (Command(text="kubectl apply -f manifests/networkpolicies.yaml", why="with this service's names"),),
        risk="What the policy was meant to forbid is allowed again." if foreign else "",
        settle=60.0,
    )


def _deletions(policies: dict[tuple[str, str], Mapping[str, Any]]) -> tuple[Change, ...]:
    return tuple(
        Change("delete", "NetworkPolicy", namespace, name, uid=str(p["metadata"].get("uid", "")))
        for (namespace, name), p in policies.items()
    )


def _gateway(s: Snapshot) -> Iterator[Hit]:
    ends = _ends(s)
    found = list(_blocks(s, [Way("gateway to replicas", ends["gateway"], ends["workload"], 8000)]))
    if found and not _passes(s):
        yield _case(s, found)


def _passes(s: Snapshot) -> bool:
    """Whether requests get through all the same: then the policies are not what they seem."""
    try:
        return s.answers.health.status is Status.PASS and s.answers.completion.status is not Status.FAIL
    except Missing:
        return False


def _picker(s: Snapshot) -> Iterator[Hit]:
    if not s.routed:
        return
    ends = _ends(s)
    try:
        if s.answers.completion.status is Status.PASS:
            return
    except Missing:
        pass
    if found := list(_blocks(s, [Way("gateway to endpoint picker", ends["gateway"], ends["picker"], 9002)])):
        yield _case(s, found, Status.WARN)


def _picker_egress(s: Snapshot) -> Iterator[Hit]:
    if not s.routed:
        return
    ends = _ends(s)
    ways = [
        Way("endpoint picker to replicas' metrics", ends["picker"], ends["workload"], 8000),
        Way("endpoint picker to the API server", ends["picker"], ends["world"], 443),
        Way("endpoint picker to DNS", ends["picker"], ends["dns"], 53, "UDP"),
    ]
    if found := list(_blocks(s, ways)):
        yield _case(s, found, Status.WARN)


def _dns(s: Snapshot) -> Iterator[Hit]:
    ends = _ends(s)
    ways = [
        Way("replicas to DNS", ends["workload"], ends["dns"], 53, "UDP"),
        Way("replicas to the model hub", ends["workload"], ends["world"], 443),
    ]
    if found := list(_blocks(s, ways)):
        waiting = any(not _initialized(p) for p in s.replicas)
        yield _case(s, found, Status.FAIL if waiting else Status.WARN)


def _initialized(pod: Json) -> bool:
    from rhaii_tui.doctor.evidence import is_true

    return is_true(pod, "Initialized")


def _prove(s: Snapshot) -> Evidence | None:
    policies = [p for p in s.items("NetworkPolicy") if p["metadata"].get("namespace") == s.place.namespace]
    if not _enforced(s):
        return s.note("GKE cluster networkConfig", "policies are not enforced (no Dataplane V2)")
    text = f"{len(policies)} policies in {s.place.namespace}: every connection of the service passes"
    return s.note("NetworkPolicies", text, "NetworkPolicy")


RULES = HopRules(
    Hop.POLICY,
    (
        Rule(
            "policy.gateway-to-replicas",
            Hop.POLICY,
            "503 no healthy upstream or a connect error, although replicas are ready.",
            "NetworkPolicies let nothing from the gateway reach port 8000 of the replicas.",
            "GET /health passes, or no policy isolates gateway and replicas.",
            _gateway,
        ),
        Rule(
            "policy.gateway-to-picker",
            Hop.POLICY,
            "Requests are served, but not routed by prefix.",
            "NetworkPolicies cut the gateway off from the endpoint picker's port 9002.",
            "Answers bear the picker's mark.",
            _picker,
        ),
        Rule(
            "policy.picker-egress",
            Hop.POLICY,
            "The endpoint picker restarts, or knows nothing of its replicas.",
            "NetworkPolicies cut the endpoint picker off from replicas, API server or DNS.",
            "Its egress allows 8000 to the replicas, 443 and DNS.",
            _picker_egress,
        ),
        Rule(
            "policy.egress",
            Hop.POLICY,
            "Model downloads end in: Name or service not known.",
            "NetworkPolicies cut the replicas off from DNS or from the model hub.",
            "The replicas' egress allows DNS and 443.",
            _dns,
        ),
    ),
    _prove,
)
