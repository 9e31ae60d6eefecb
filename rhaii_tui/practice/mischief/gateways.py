"""Between the client and the replicas: listener, CA bundle, routes, EnvoyFilters, load balancer."""

from __future__ import annotations

import asyncio
from typing import Any

from rhaii_tui.practice.actors.gateways import CA_KEY, is_gateway_service
from rhaii_tui.practice.actors.kserve_preset import child_name
from rhaii_tui.practice.actors.objects import Obj, controller_of, key_of
from rhaii_tui.practice.mischief.acts import Act
from rhaii_tui.practice.traffic.extproc import FILTER

GATEWAY_GROUP = "gateway.networking.k8s.io"


class OwnNamespaceOnly(Act):
    """Every listener takes routes from the gateway's namespace only."""

    kinds = ("Gateway",)

    def strike(self) -> None:
        for gateway in self.store.list("Gateway"):
            if self.first_time(gateway):
                for index in range(len(gateway["spec"]["listeners"])):
                    path = ("spec", "listeners", index, "allowedRoutes", "namespaces", "from")
                    self.edits.change(gateway, path, "Same")


class CaGone(Act):
    """The bundle's key is renamed: the file that the gateway verifies replicas with is not there."""

    kinds = ("Gateway", "ConfigMap")

    def strike(self) -> None:
        for gateway in self.store.list("Gateway"):
            for bundle in self.store.list("ConfigMap", gateway["metadata"]["namespace"]):
                held = bundle.get("data") or {}
                if CA_KEY in held and bundle["metadata"]["name"] != "kube-root-ca.crt" and self.first_time(bundle):
                    renamed = {("ca-bundle.crt" if key == CA_KEY else key): text for key, text in held.items()}
                    self.edits.change(bundle, ("data",), renamed)


class NoAddress(Act):
    """The load balancer goes; the Services actor meets the quota when it makes a new one."""

    async def run(self) -> None:
        for service in self.store.list("Service"):
            if is_gateway_service(service):

                def unreachable(s: Obj) -> None:
                    s["status"] = {"loadBalancer": {}}

                self.store.update("Service", *key_of(service), unreachable, status=True)
        await asyncio.Event().wait()


class PoolRoutes(Act):
    """Acts on the live HTTPRoutes that KServe made for services with an endpoint picker."""

    kinds = ("HTTPRoute",)

    def strike(self) -> None:
        for route in self.store.list("HTTPRoute"):
            owner = controller_of(route)
            if owner is not None and owner["kind"] == "LLMInferenceService" and self.first_time(route):
                self.hit(route, str(owner["name"]))

    def hit(self, route: Obj, service: str) -> None:
        """Do it to one of them."""
        raise NotImplementedError


class SecondRoute(PoolRoutes):
    """A route for health and models, as older guides have it: the service's own loses the override to it."""

    def hit(self, route: Obj, service: str) -> None:
        namespace = route["metadata"]["namespace"]
        rules = [r for r in route["spec"]["rules"] if r["backendRefs"]]
        if not rules:
            return
        made = [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": f"/{namespace}/{service}{path}"}}],
                "filters": [
                    {
                        "type": "URLRewrite",
                        "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": path}},
                    }
                ],
                "backendRefs": rules[0]["backendRefs"],
            }
            for path in ("/health", "/v1/models")
        ]
        self.edits.create(
            {
                "apiVersion": f"{GATEWAY_GROUP}/v1",
                "kind": "HTTPRoute",
                "metadata": {"name": child_name(service, "-health-models"), "namespace": namespace},
                "spec": {"parentRefs": route["spec"]["parentRefs"], "rules": made},
            }
        )


class MisplacedFilter(PoolRoutes):
    """An EnvoyFilter that should bring the override back and does not: wrong namespace, or wrong rules."""

    def __init__(self, *args: Any, wrong_namespace: bool) -> None:
        super().__init__(*args)
        self._wrong_namespace = wrong_namespace

    def hit(self, route: Obj, service: str) -> None:
        namespace, parent = route["metadata"]["namespace"], route["spec"]["parentRefs"][0]
        home = str(parent.get("namespace", namespace))
        rules = [[b.get("kind") for b in rule.get("backendRefs") or ()] for rule in route["spec"]["rules"]]
        right = [i for i, kinds in enumerate(rules) if "InferencePool" in kinds]
        wrong = [i for i, kinds in enumerate(rules) if "InferencePool" not in kinds]
        if not right:
            return
        for found in self.store.list("EnvoyFilter", home):
            if FILTER in str(found["spec"]) and f".{route['metadata']['name']}." in str(found["spec"]):
                self.edits.delete(found)
        indices = right if self._wrong_namespace else [*wrong, len(rules)]
        names = [f"{namespace}.{route['metadata']['name']}.{index}" for index in indices]
        place = namespace if self._wrong_namespace else home
        self.edits.create(_body_filter(child_name(service, "-extproc-body"), place, str(parent["name"]), names))


def _body_filter(name: str, namespace: str, gateway: str, routes: list[str]) -> Obj:
    mode = {
        "request_header_mode": "SEND",
        "response_header_mode": "SEND",
        "request_body_mode": "FULL_DUPLEX_STREAMED",
        "request_trailer_mode": "SEND",
        "response_body_mode": "NONE",
    }
    own = {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute",
        "overrides": {"processing_mode": mode},
    }
    patch = {"operation": "MERGE", "value": {"typed_per_filter_config": {FILTER: own}}}
    return {
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "workloadSelector": {"labels": {"gateway.networking.k8s.io/gateway-name": gateway}},
            "configPatches": [
                {
                    "applyTo": "HTTP_ROUTE",
                    "match": {"context": "GATEWAY", "routeConfiguration": {"vhost": {"route": {"name": route}}}},
                    "patch": patch,
                }
                for route in routes
            ],
        },
    }
