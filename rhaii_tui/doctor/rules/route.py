"""The route: accepted, resolved, and with the picker's filter on the rules that lead to the pool."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rhaii_tui.catalog.findings import Command, Evidence, Status
from rhaii_tui.deployment.plan import Effect
from rhaii_tui.doctor import edits
from rhaii_tui.doctor.evidence import Snapshot
from rhaii_tui.doctor.hops import Hop
from rhaii_tui.doctor.overrides import filters, override, unmarked
from rhaii_tui.doctor.rule import Change, Fix, Hit, HopRules, Rule
from rhaii_tui.kube.objects import name_of
from rhaii_tui.serving import conditions, manifests
from rhaii_tui.serving.conditions import Reading
from rhaii_tui.serving.stack import WORKLOAD_COMPONENT, pool_name, route_name

Json = dict[str, Any]


def _absent(s: Snapshot) -> Iterator[Hit]:
    service = s.service
    if service is None or s.route is not None or s.place.under_way:
        return
    told = next((r for r in conditions.readings(service) if r.condition == "HTTPRoutesReady"), None)
    why = conditions.words(told) if told else "HTTPRoutesReady not reported"
    yield Hit(
        about=route_name(s.place.service),
        message="KServe has written no HTTPRoute for the service.",
        evidence=(s.note(f"LLMInferenceService {s.place}", why, "LLMInferenceService"),),
        fix=Fix(
            title="Read why the controller does not write it",
            effect=Effect.OBSERVE,
            commands=(Command(text=f"kubectl -n {s.place.namespace} describe llmisvc {s.place.service}"),),
        ),
    )


def _told(s: Snapshot, condition: str) -> list[Reading]:
    route = s.route
    if route is None:
        return []
    return [
        r
        for _, told in conditions.parent_readings(route)
        for r in told
        if r.condition == condition and r.status == "False"
    ]


def _not_accepted(s: Snapshot) -> Iterator[Hit]:
    for reading in _told(s, "Accepted"):
        stack = s.stack
        _, gate = manifests.gateway(stack)
        fix = Fix(
            title="Let the gateway's listener accept routes of every namespace",
            changes=(Change("patch", "Gateway", stack.gateway_namespace, stack.gateway,
                            {"spec": {"listeners": gate["spec"]["listeners"]}}),),
            commands=(Command(text=f"kubectl -n {stack.gateway_namespace} edit gateway {stack.gateway}",
                              why="listeners[].allowedRoutes.namespaces.from: All"),),
        )  # fmt: skip
        if reading.reason in ("NoMatchingParent", "NoMatchingListenerHostname"):
            fix = _reattach(s)
        yield Hit(
            about=reading.name,
            message=f"The gateway does not accept the route: {reading.reason}.",
            evidence=(s.note(f"HTTPRoute {s.place.namespace}/{reading.name}", conditions.words(reading), "HTTPRoute"),),
            fix=fix,
            raw=reading.message,
        )
    route = s.route
    if route is not None and not s.place.under_way:
        wanted = (s.stack.gateway_namespace, s.stack.gateway)
        named = {
            (p.get("namespace") or s.place.namespace, p.get("name"))
            for p in (route.get("spec") or {}).get("parentRefs") or []
        }
        if s.gateway is not None and wanted not in named:
            text = ", ".join(f"{n}/{g}" for n, g in named) or "none"
            yield Hit(
                about=name_of(route),
                message=f"The route is not attached to gateway {'/'.join(wanted)}.",
                evidence=(s.note(f"HTTPRoute {name_of(route)} spec.parentRefs", text, "HTTPRoute"),),
                fix=_reattach(s),
            )


def _reattach(s: Snapshot) -> Fix:
    stack = s.stack
    parent = {
        "group": "gateway.networking.k8s.io",
        "kind": "Gateway",
        "name": stack.gateway,
        "namespace": stack.gateway_namespace,
    }
    name = name_of(s.route) if s.route else route_name(s.place.service)
    return Fix(
        title=f"Attach the route to {stack.gateway_namespace}/{stack.gateway}",
        changes=(Change("patch", "HTTPRoute", s.place.namespace, name, {"spec": {"parentRefs": [parent]}}),),
        commands=(Command(text=f"kubectl -n {s.place.namespace} edit httproute {name}"),),
    )


def _not_resolved(s: Snapshot) -> Iterator[Hit]:
    readings = _told(s, "ResolvedRefs")
    route = s.route
    if not readings or route is None:
        return
    reading = readings[0]
    wrong = _wrong_backends(s, route)
    yield Hit(
        about=name_of(route),
        message=f"The route's backend does not resolve: {reading.reason}"
        + (f" ({', '.join(wrong)})." if wrong else "."),
        evidence=(
            s.note(f"HTTPRoute {s.place.namespace}/{name_of(route)}", conditions.words(reading), "HTTPRoute"),
            *(s.note(f"HTTPRoute {name_of(route)} spec.rules[].backendRefs", w, "HTTPRoute") for w in wrong[:2]),
        ),
        fix=_correct_backends(s, route),
        raw=reading.message,
    )


def _right(s: Snapshot, backend: Json) -> Json:
    """The backend as KServe writes it, by its kind."""
    if backend.get("kind") == "InferencePool":
        name = name_of(s.pool) if s.pool else pool_name(s.place.service)
    else:
        name = f"{s.place.service}-kserve-workload-svc"
        front = s.child("Service", name, component=WORKLOAD_COMPONENT)
        name = name_of(front) if front else name
    right = {k: v for k, v in backend.items() if k != "namespace"} | {"name": name}
    if backend.get("kind") == "InferencePool" and not str(backend.get("group", "")).startswith("inference."):
        right["group"] = "inference.networking.k8s.io"
    return right | {"port": 8000}


def _wrong_backends(s: Snapshot, route: Json) -> list[str]:
    found = []
    for i, rule in enumerate((route.get("spec") or {}).get("rules") or []):
        for backend in rule.get("backendRefs") or []:
            if _right(s, backend) != backend:
                found.append(f"rule {i}: {backend.get('kind', 'Service')} {backend.get('name')}:{backend.get('port')}")
    return found


def _correct_backends(s: Snapshot, route: Json) -> Fix:
    name = name_of(route)
    commands = (Command(text=f"kubectl -n {s.place.namespace} edit httproute {name}"),)
    written = (((s.service or {}).get("spec") or {}).get("router") or {}).get("route") or {}
    if written.get("http") and _wrong_backends(s, route):  # by hand, in the service: KServe would write it again
        body = {"spec": {"router": {"route": {"http": None}}}}
        return Fix(
            title="Remove the hand-written rules from the service: KServe writes its own",
            changes=(edits.service_patch(s, body),),
            commands=(edits.edit_command(s),),
            risk="Whatever else those rules did is gone with them.",
        )
    if not _wrong_backends(s, route):
        return Fix(
            title="Have KServe write the route and its backends anew",
            changes=(Change("delete", "HTTPRoute", s.place.namespace, name, uid=route["metadata"].get("uid", "")),),
            commands=commands,
            risk="Requests answer 404 until the controller has written the route again.",
        )
    rules = [{**r, "backendRefs": [_right(s, b) for b in r.get("backendRefs") or []]} for r in route["spec"]["rules"]]
    return Fix(
        title="Name the service's own pool and Service as backends",
        changes=(Change("patch", "HTTPRoute", s.place.namespace, name, {"spec": {"rules": rules}}),),
        commands=commands,
    )


def _wrong_namespace(s: Snapshot) -> Iterator[Hit]:
    right = s.stack.gateway_namespace
    for one, _ in filters(s):
        namespace = one["metadata"].get("namespace", "")
        if namespace in (right, "istio-system"):
            continue
        seen = unmarked(s)
        others = [f for f, names in filters(s) if f["metadata"].get("namespace") == right and names]
        if seen is None and not others:
            continue
        yield Hit(
            about=name_of(one),
            message=f"EnvoyFilter {name_of(one)} is in namespace {namespace}; only the gateway's ({right}) has effect.",
            evidence=(
                s.note(f"EnvoyFilter {namespace}/{name_of(one)} metadata.namespace", namespace, "EnvoyFilter"),
                *((seen,) if seen else ()),
            ),
            fix=override(
                s,
                f"Apply the filter in {right} and delete the one in {namespace}",
                (Change("delete", "EnvoyFilter", namespace, name_of(one), uid=one["metadata"].get("uid", "")),),
            ),
            status=Status.WARN,
        )


def _wrong_index(s: Snapshot) -> Iterator[Hit]:
    route = s.route
    if route is None:
        return
    start = f"{s.place.namespace}.{name_of(route)}."
    right = {f"{start}{i}" for i in manifests.pool_rules(route)}
    for one, names in filters(s):
        mine = {n for n in names if n.startswith(start)}
        if one["metadata"].get("namespace") != s.stack.gateway_namespace or mine == right:
            continue
        yield Hit(
            about=name_of(one),
            message=f"EnvoyFilter {name_of(one)} names other rules than those that lead to the pool.",
            evidence=(
                s.note(f"EnvoyFilter {name_of(one)} route names", ", ".join(sorted(mine)), "EnvoyFilter"),
                s.note(f"HTTPRoute {name_of(route)} rules to the pool", ", ".join(sorted(right)), "HTTPRoute"),
            ),
            fix=override(
                s,
                "Apply the filter for the live route's rules",
                ()
                if name_of(one) == f"{s.place.service}-extproc-body"
                else (
                    Change("delete", "EnvoyFilter", s.stack.gateway_namespace, name_of(one),
                           uid=one["metadata"].get("uid", "")),
                ),
            ),
            status=Status.WARN,
        )  # fmt: skip


def _second_route(s: Snapshot) -> Iterator[Hit]:
    seen = unmarked(s)
    if seen is None:
        return
    for other in _others(s):
        namespace = other["metadata"].get("namespace", "")
        yield Hit(
            about=f"{namespace}/{name_of(other)}",
            message=f"HTTPRoute {namespace}/{name_of(other)} on the same gateway makes it lose the picker's filter.",
            evidence=(
                s.note(f"HTTPRoute {namespace}/{name_of(other)} spec.parentRefs", s.stack.gateway, "HTTPRoute"),
                seen,
            ),
            fix=override(s, "Give the service's rules their own override (EnvoyFilter)"),
            status=Status.WARN,
        )
        return


def _others(s: Snapshot) -> list[Json]:
    """Other routes on the service's gateway."""
    found = []
    own = s.route
    for route in s.items("HTTPRoute"):
        mine = own is not None and route["metadata"].get("uid") == own["metadata"].get("uid")
        parents = (route.get("spec") or {}).get("parentRefs") or []
        here = any(
            (p.get("namespace") or route["metadata"].get("namespace"), p.get("name"))
            == (s.stack.gateway_namespace, s.stack.gateway)
            for p in parents
        )
        if here and not mine:
            found.append(route)
    return found


def _filter_lost(s: Snapshot) -> Iterator[Hit]:
    seen = unmarked(s)
    if seen is None:
        return
    held = [name_of(f) for f, _ in filters(s)]
    yield Hit(
        about=name_of(s.route) if s.route else route_name(s.place.service),
        message="The gateway serves the route without asking the endpoint picker: its ext_proc override is gone.",
        evidence=(
            seen,
            s.note("EnvoyFilters for this route", ", ".join(held) or "none", "EnvoyFilter"),
        ),
        fix=override(s, "Apply the per-route override (EnvoyFilter)"),
        status=Status.WARN,
    )


def _prove(s: Snapshot) -> Evidence | None:
    told = conditions.route(s.route)
    if not told.is_ready or (s.routed and s.answers.completion.status is not Status.PASS):
        return None
    marked = ", an answer bears the picker's mark" if s.routed else ""
    name = name_of(s.route) if s.route else ""
    return s.note(f"HTTPRoute {s.place.namespace}/{name}", f"{told.why}{marked}", "HTTPRoute")


RULES = HopRules(
    Hop.ROUTE,
    (
        Rule(
            "route.absent",
            Hop.ROUTE,
            "Every path answers 404.",
            "The controller has not written the route.",
            "The HTTPRoute exists.",
            _absent,
            explained_by=("gateway.", "controllers."),
        ),
        Rule(
            "route.not-accepted",
            Hop.ROUTE,
            "The service has no address, or every path answers 404.",
            "The gateway's listener does not let the route attach, or the route names another gateway.",
            "HTTPRoute condition Accepted is True for the gateway.",
            _not_accepted,
            explained_by=("gateway.absent",),
        ),
        Rule(
            "route.not-resolved",
            Hop.ROUTE,
            "Requests answer 500.",
            "The route's backend does not exist under the name it says.",
            "HTTPRoute condition ResolvedRefs is True.",
            _not_resolved,
        ),
        Rule(
            "route.filter-wrong-namespace",
            Hop.ROUTE,
            "Requests are served, but not routed by prefix.",
            "An EnvoyFilter acts only in the namespace of the gateway's own pods.",
            "The filter lies in the gateway's namespace, or answers bear the picker's mark.",
            _wrong_namespace,
        ),
        Rule(
            "route.filter-wrong-index",
            Hop.ROUTE,
            "Requests are served, but not routed by prefix, or bodies get lost on other rules.",
            "The EnvoyFilter names rule indexes that do not lead to the InferencePool.",
            "Its route names are those of the live route's pool rules.",
            _wrong_index,
        ),
        Rule(
            "route.second-route",
            Hop.ROUTE,
            "Routing stopped when another HTTPRoute came to the gateway.",
            "Istio keeps one ext_proc override per gateway when several routes share it (istio#58392).",
            "Answers bear the picker's mark, or no other route is on the gateway.",
            _second_route,
            explained_by=("picker.", "policy.", "route.filter-wrong-namespace", "route.filter-wrong-index", "pool."),
        ),
        Rule(
            "route.filter-lost",
            Hop.ROUTE,
            "Requests are served, but not routed by prefix.",
            "The gateway has no ext_proc override on the rules that lead to the pool.",
            "Answers bear the picker's mark.",
            _filter_lost,
            explained_by=(
                "picker.", "policy.", "pool.", "route.filter-wrong-namespace", "route.filter-wrong-index",
                "route.second-route",
            ),
        ),
    ),
    _prove,
)  # fmt: skip
