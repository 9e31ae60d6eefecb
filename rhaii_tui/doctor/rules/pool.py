"""The InferencePool: claimed by the gateway, selecting the replicas, naming its picker."""

from __future__ import annotations

from collections.abc import Iterator

from rhaii_tui.catalog.findings import Command, Evidence
from rhaii_tui.deployment.plan import Effect
from rhaii_tui.doctor.evidence import Snapshot, labels_of
from rhaii_tui.doctor.hops import Hop
from rhaii_tui.doctor.policies import selects
from rhaii_tui.doctor.rule import Change, Fix, Hit, HopRules, Rule
from rhaii_tui.kube.objects import name_of
from rhaii_tui.serving import conditions
from rhaii_tui.serving.stack import pool_name


def _absent(s: Snapshot) -> Iterator[Hit]:
    if not s.routed or s.service is None or s.pool is not None or s.place.under_way:
        return
    yield Hit(
        about=pool_name(s.place.service),
        message="The service asks for an endpoint picker, but its InferencePool does not exist.",
        evidence=(s.note(f"InferencePools in {s.place.namespace}", "none of this service", "InferencePool"),),
        fix=_describe(s),
    )


def _unclaimed(s: Snapshot) -> Iterator[Hit]:
    pool = s.pool
    if pool is None or s.gateway is None:
        return
    told = conditions.pool(pool, (f"{s.stack.gateway_namespace}/{s.stack.gateway}",))
    if told.is_ready or s.place.under_way:
        return
    yield Hit(
        about=name_of(pool),
        message=f"The gateway does not serve the InferencePool: {told.why}.",
        evidence=(s.note(f"InferencePool {s.place.namespace}/{name_of(pool)} status", told.why, "InferencePool"),),
        fix=_describe(s),
        raw=told.why,
    )


def _selects_nothing(s: Snapshot) -> Iterator[Hit]:
    pool = s.pool
    if pool is None or not s.replicas:
        return
    selector = (pool.get("spec") or {}).get("selector") or {}
    wanted = selector if "matchLabels" in selector else {"matchLabels": selector}
    if any(selects(wanted, labels_of(p)) for p in s.replicas):
        return
    name = name_of(pool)
    yield Hit(
        about=name,
        message="The InferencePool's selector matches none of the replicas.",
        evidence=(
            s.note(f"InferencePool {name} spec.selector", str(wanted["matchLabels"]), "InferencePool"),
            s.note(f"pod {name_of(s.replicas[0])} labels", str(labels_of(s.replicas[0])), "Pod"),
        ),
        fix=Fix(
            title="Have KServe write the pool anew",
            changes=(Change("delete", "InferencePool", s.place.namespace, name, uid=pool["metadata"].get("uid", "")),),
            commands=(Command(text=f"kubectl -n {s.place.namespace} delete inferencepool {name}"),),
        ),
    )


def _describe(s: Snapshot) -> Fix:
    return Fix(
        title="Read what gateway and controller say about the pool",
        effect=Effect.OBSERVE,
        commands=(
            Command(text=f"kubectl -n {s.place.namespace} get inferencepool {pool_name(s.place.service)} -o yaml"),
            Command(text=f"kubectl -n {s.place.namespace} describe llmisvc {s.place.service}"),
        ),
    )


def _prove(s: Snapshot) -> Evidence | str | None:
    if not s.routed:
        return "this shape has no pool: the route leads to the Service"
    pool = s.pool
    told = conditions.pool(pool, (f"{s.stack.gateway_namespace}/{s.stack.gateway}",))
    source = f"InferencePool {s.place.namespace}/{name_of(pool) if pool else ''}"
    return s.note(source, told.why, "InferencePool") if told.is_ready else None


RULES = HopRules(
    Hop.POOL,
    (
        Rule(
            "pool.absent",
            Hop.POOL,
            "The route does not resolve.",
            "The controller has not written the InferencePool, or its kind is not installed.",
            "The InferencePool exists.",
            _absent,
            explained_by=("gateway.", "controllers."),
        ),
        Rule(
            "pool.unclaimed",
            Hop.POOL,
            "InferencePoolReady is False.",
            "No gateway has accepted the pool, or its picker reference does not resolve.",
            "The pool's condition Accepted is True for the gateway.",
            _unclaimed,
            explained_by=("gateway.absent", "gateway.no-address", "route.not-accepted", "route.absent",
                          "route.not-resolved"),
        ),
        Rule(
            "pool.selects-nothing",
            Hop.POOL,
            "503 no healthy upstream although replicas are ready.",
            "The pool's selector and the replicas' labels differ.",
            "The selector matches a replica.",
            _selects_nothing,
        ),
    ),
    _prove,
)  # fmt: skip
