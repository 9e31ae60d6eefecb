"""The gateway: there, programmed, with an address, with the CA it verifies replicas by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from rhaii_tui.catalog.findings import Command, Evidence, Status
from rhaii_tui.deployment.plan import Effect
from rhaii_tui.doctor import edits
from rhaii_tui.doctor.evidence import Snapshot, status_of
from rhaii_tui.doctor.hops import Hop
from rhaii_tui.doctor.rule import Change, Fix, Hit, HopRules, Rule
from rhaii_tui.doctor.sick import words
from rhaii_tui.doctor.transitions import least_age
from rhaii_tui.kube.objects import name_of
from rhaii_tui.serving import conditions, manifests

CA_FOLDER = "/var/run/secrets/opendatahub"
"""Where the DestinationRules that KServe writes look for the CA in the gateway's pod."""
PATIENCE = 300.0
"""Cloud seconds a load balancer may take for its address: one to two minutes are usual."""


def _absent(s: Snapshot) -> Iterator[Hit]:
    if s.service is not None and s.gateway is None:
        stack = s.stack
        yield Hit(
            about=stack.gateway,
            message=f"There is no Gateway {stack.gateway_namespace}/{stack.gateway}.",
            evidence=(s.note("gateways", f"none named {stack.gateway}", "Gateway"),),
            fix=_apply_gateway(s, "Apply the gateway as shipped"),
        )


def _no_address(s: Snapshot) -> Iterator[Hit]:
    gateway = s.gateway
    if gateway is None:
        return
    told = conditions.gateway(gateway)
    age = s.age(gateway["metadata"].get("creationTimestamp"))
    if told.is_ready or (not told.address and age is not None and age < PATIENCE and s.place.under_way):
        return
    stack, name = s.stack, name_of(gateway)
    services = [o for o in s.items("Service", stack.gateway_namespace) if name_of(o).startswith(f"{name}-")]
    names = [name, *(name_of(o) for o in services), *(name_of(p) for p in s.pods_of("gateway"))]
    events = [e for e in s.events_of(*names) if e.level == "Warning"]
    pods = s.pods_of("gateway")
    evidence = [s.note(f"Gateway {stack.gateway_namespace}/{name}", told.why, "Gateway")]
    evidence += [Evidence(source=f"event {e.reason} {e.object}", text=e.message, observed_at=e.at) for e in events[:2]]
    if not pods:
        evidence.append(s.note("pods of the gateway", "none", "Pod"))
    evidence += [s.note(f"pod {name_of(p)}", words(p), "Pod") for p in pods if not _ready(p)]
    quota = any("quota" in e.message.lower() for e in events)
    yield Hit(
        about=name,
        message=f"The gateway is not usable: {told.why}.",
        evidence=tuple(evidence),
        fix=_repair(s, gateway, services, quota=quota),
        raw="\n".join(e.message for e in events),
    )


def _repair(s: Snapshot, gateway: dict[str, Any], services: list[dict[str, Any]], *, quota: bool) -> Fix:
    """The manifest where it was changed; else the balancer is made anew; guided where quota forbids it."""
    stack = s.stack
    look = Command(text=f"kubectl -n {stack.gateway_namespace} describe gateway,service")
    if quota:
        return Fix(
            title="Free or ask for load balancer quota (forwarding rules, addresses)",
            commands=(look, Command(text="https://console.cloud.google.com/iam-admin/quotas")),
        )
    wrong = (gateway.get("spec") or {}).get("gatewayClassName") != stack.gateway_class
    mistyped = [o for o in services if (o.get("spec") or {}).get("type") != "LoadBalancer"]
    if wrong or not services:
        return _apply_gateway(s, "Apply the gateway as shipped")
    if mistyped:
        return Fix(
            title="Make the gateway's Service a load balancer again",
            changes=tuple(
                Change("patch", "Service", stack.gateway_namespace, name_of(o), {"spec": {"type": "LoadBalancer"}})
                for o in mistyped
            ),
            commands=(look,),
        )
    changed = [c.get("lastTransitionTime") for c in status_of(gateway).get("conditions") or []]
    if any(age < PATIENCE for stamp in changed if (age := least_age(s, stamp)) is not None):
        return Fix(
            title="Wait for the load balancer: it takes a minute or two", effect=Effect.OBSERVE, commands=(look,)
        )
    return Fix(
        title="Make the gateway's load balancer anew: delete its Service, the controller writes it again",
        changes=tuple(
            Change("delete", "Service", stack.gateway_namespace, name_of(o), uid=str(o["metadata"].get("uid", "")))
            for o in services
        ),
        commands=(look, Command(text="https://console.cloud.google.com/iam-admin/quotas", why="if it comes again")),
        risk="The gateway's address may change; there is none at the moment.",
        undoable=False,
        settle=300.0,
    )


def _ca_missing(s: Snapshot) -> Iterator[Hit]:
    gateway = s.gateway
    if gateway is None:
        return
    stack = s.stack
    found: list[Evidence] = []
    pods = s.pods_of("gateway")
    sources = {source for pod in pods for source in _mounted(pod)}
    if not any(_mounts(pod) for pod in pods):
        sources = {("ConfigMap", stack.ca_bundle)}
    for kind, name in sorted(sources):
        bundle = s.one(kind, stack.gateway_namespace, name)
        held = (bundle or {}).get("data") or {}
        if "ca.crt" not in held or (kind == "ConfigMap" and not held["ca.crt"]):
            text = "not there" if bundle is None else "no key ca.crt"
            found.append(s.note(f"{kind} {stack.gateway_namespace}/{name}", text, kind))
    reference = (((gateway.get("spec") or {}).get("infrastructure") or {}).get("parametersRef") or {}).get("name")
    if reference and s.one("ConfigMap", stack.gateway_namespace, reference) is None:
        found.append(s.note(f"ConfigMap {stack.gateway_namespace}/{reference}", "not there", "ConfigMap"))
    found += [s.note(f"pod {name_of(pod)} volumeMounts", f"no {CA_FOLDER}", "Pod") for pod in pods if not _mounts(pod)]
    refused = _answered(s, "endpoint.gateway-ca")
    if not found and not refused:
        return
    yield Hit(
        about=stack.gateway,
        message="The gateway lacks the CA certificate it verifies replicas by"
        + (": requests end in 503 Secret is not supplied by SDS." if refused else "."),
        evidence=(*found, *refused),
        fix=_with_ca(s),
        status=Status.FAIL if refused else Status.WARN,
        raw=refused[0].text if refused else "",
    )


def _mounts(pod: dict[str, Any]) -> set[str]:
    """Names of the volumes that the pod's containers see where the CA is looked for."""
    return {
        str(mount.get("name"))
        for container in (pod.get("spec") or {}).get("containers") or []
        for mount in container.get("volumeMounts") or []
        if str(mount.get("mountPath", "")).rstrip("/") == CA_FOLDER
    }


def _mounted(pod: dict[str, Any]) -> list[tuple[str, str]]:
    """Kind and name of what those volumes hold: whoever made the gateway chose the name."""
    volumes = [v for v in (pod.get("spec") or {}).get("volumes") or [] if v.get("name") in _mounts(pod)]
    found = [("ConfigMap", str((v.get("configMap") or {}).get("name") or "")) for v in volumes]
    found += [("Secret", str((v.get("secret") or {}).get("secretName") or "")) for v in volumes]
    return [(kind, name) for kind, name in found if name]


def _with_ca(s: Snapshot) -> Fix:
    """The bundle is copied at the moment of applying: it is a public certificate, but it lives in a Secret.

    A gateway that mounts a ConfigMap of whatever name keeps it; only one that mounts none is configured as ours are.
    """
    stack, pods = s.stack, s.pods_of("gateway")
    mounted = sorted(name for pod in pods for kind, name in _mounted(pod) if kind == "ConfigMap")
    bundle = mounted[0] if mounted else stack.ca_bundle
    changes = [Change("apply", "ConfigMap", stack.gateway_namespace, bundle, {"ca": stack.ca_secret})]
    configured = s.one("ConfigMap", stack.gateway_namespace, stack.gateway_config) is not None
    if not mounted or not configured:
        config, gate = manifests.gateway(replace(stack, ca_bundle=bundle))
        changes += [
            Change("apply", "ConfigMap", stack.gateway_namespace, stack.gateway_config, config),
            Change("apply", "Gateway", stack.gateway_namespace, stack.gateway, gate),
        ]
    changes += edits.restart(pods)
    return Fix(
        title=f"Write the CA into ConfigMap {bundle}, restart the gateway's pod",
        changes=tuple(changes),
        commands=(
            Command(
                text=f"kubectl -n {stack.ca_secret_namespace} get secret {stack.ca_secret} "
                "-o jsonpath='{.data.ca\\.crt}' | base64 -d > ca.crt"
            ),
            Command(text=f"kubectl -n {stack.gateway_namespace} create configmap {bundle} --from-file=ca.crt"),
            Command(
                text=f"kubectl -n {stack.gateway_namespace} delete pod "
                f"-l gateway.networking.k8s.io/gateway-name={stack.gateway}"
            ),
        ),
        risk="The gateway's pod restarts: requests fail for some seconds.",
        undoable=False,
        settle=180.0,
    )


def _apply_gateway(s: Snapshot, title: str) -> Fix:
    stack = s.stack
    config, gate = manifests.gateway(stack)
    return Fix(
        title=title,
        changes=(
            Change("apply", "ConfigMap", stack.gateway_namespace, stack.gateway_config, config),
            Change("apply", "Gateway", stack.gateway_namespace, stack.gateway, gate),
        ),
        commands=(Command(text="kubectl apply -f manifests/gateway.yaml"),),
        settle=300.0,
    )


def _answered(s: Snapshot, rule: str) -> tuple[Evidence, ...]:
    from rhaii_tui.doctor.pieces import Missing

    try:
        answers = s.answers
    except Missing:
        return ()
    for answer in (answers.completion, answers.models, answers.health):
        if answer.rule == rule:
            source = answer.evidence[0].source if answer.evidence else "gateway"
            return (Evidence(source=source, text=answer.raw or answer.message, observed_at=answer.observed_at),)
    return ()


def _ready(pod: dict[str, Any]) -> bool:
    from rhaii_tui.doctor.evidence import is_true

    return is_true(pod, "Ready")


def _unreached(s: Snapshot) -> Iterator[Hit]:
    answers = s.answers
    broken = ("endpoint.refused", "endpoint.no-route", "endpoint.dns", "endpoint.tls-to-http", "endpoint.tls")
    if answers.health.rule in broken and answers.completion.rule in broken:
        yield Hit(
            about=s.stack.gateway,
            message=f"The gateway's address does not answer: {answers.health.message}.",
            evidence=answers.health.evidence,
            fix=Fix(
                title="Look at the gateway's Service and pod, and at what lies between here and there",
                effect=Effect.OBSERVE,
                commands=(Command(text=f"kubectl -n {s.stack.gateway_namespace} get service,pods -o wide"),),
            ),
            raw=answers.health.raw,
        )


def _prove(s: Snapshot) -> Evidence | None:
    told = conditions.gateway(s.gateway)
    if not told.is_ready:
        return None
    return s.note(f"Gateway {s.stack.gateway_namespace}/{s.stack.gateway}", f"Programmed, {told.address}", "Gateway")


RULES = HopRules(
    Hop.GATEWAY,
    (
        Rule(
            "gateway.absent",
            Hop.GATEWAY,
            "The service never gets an address.",
            "No inference gateway exists where KServe looks for it.",
            "The Gateway exists.",
            _absent,
        ),
        Rule(
            "gateway.no-address",
            Hop.GATEWAY,
            "The gateway has no address or is not programmed.",
            "Load balancer quota, a pending Service, a pod that does not start, or a missing GatewayClass.",
            "Gateway condition Programmed is True and status.addresses is filled.",
            _no_address,
            explained_by=("policy.",),
        ),
        Rule(
            "gateway.ca-missing",
            Hop.GATEWAY,
            "Requests end in 503: Secret is not supplied by SDS.",
            "The gateway's pod has no CA file to verify the replicas' certificates by.",
            "The ConfigMap holds ca.crt, the pod mounts it, and GET /health passes.",
            _ca_missing,
        ),
        Rule(
            "gateway.unreached",
            Hop.GATEWAY,
            "The address refuses connections or does not resolve.",
            "No listener, no gateway pod, a firewall, or the wrong scheme.",
            "GET /health gets any HTTP answer.",
            _unreached,
            explained_by=("gateway.no-address", "gateway.absent"),
        ),
    ),
    _prove,
)
