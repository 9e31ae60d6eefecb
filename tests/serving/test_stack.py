"""Which stack a cluster runs, and what the conditions of its objects amount to."""

from __future__ import annotations

from typing import Any

import pytest

from rhaii_tui.catalog.findings import Status
from rhaii_tui.serving import conditions
from rhaii_tui.serving.profile import judge
from rhaii_tui.serving.stack import EA1, Generation, role_of


def crd(*versions: str, **spec_fields: Any) -> dict[str, Any]:
    schema = {"properties": {"spec": {"properties": {"model": {}, **spec_fields}}}}
    served = [{"name": v, "served": True, "schema": {"openAPIV3Schema": schema}} for v in versions]
    return {"metadata": {"name": "llminferenceservices.serving.kserve.io"}, "spec": {"versions": served}}


def controller(namespace: str, name: str = EA1.controller) -> dict[str, Any]:
    return {"metadata": {"namespace": namespace, "name": name}, "status": {"readyReplicas": 1}}


def gate(class_name: str = "istio", namespace: str = "opendatahub") -> dict[str, Any]:
    return {"metadata": {"namespace": namespace, "name": "inference-gateway"}, "spec": {"gatewayClassName": class_name}}


@pytest.mark.parametrize(
    ("found", "generation", "supported"),
    [
        ((None, [], []), Generation.NONE, False),
        ((crd("v1alpha1"), [], []), Generation.NONE, False),
        ((crd("v1alpha1"), [controller("opendatahub")], [gate()]), Generation.EA1, True),
        ((crd("v1alpha1", "v1alpha2", scaling={}), [controller("opendatahub")], []), Generation.NEWER, True),
        ((crd("v1alpha2"), [controller("opendatahub")], []), Generation.NEWER, False),
        (
            (crd("v1alpha1"), [controller("redhat-ods-applications", "llmisvc-controller-manager")], []),
            Generation.EA2,
            False,
        ),
        ((crd("v1alpha1"), [controller("kserve")], []), Generation.FOREIGN, False),
        ((crd("v1alpha1"), [controller("opendatahub"), controller("kserve")], []), Generation.FOREIGN, False),
        ((crd("v1alpha1"), [controller("opendatahub")], [gate("gke-l7-rilb")]), Generation.FOREIGN, False),
        ((crd("v1alpha1"), [controller("opendatahub")], [gate("gke-l7-rilb", "other")]), Generation.EA1, True),
    ],
)
def test_generations(found: Any, generation: Generation, supported: bool) -> None:
    profile = judge(*found)
    assert profile.generation is generation
    assert profile.is_supported is supported
    assert profile.evidence
    stops = generation is not Generation.NONE and not supported
    assert (profile.finding is not None) is stops
    if profile.finding:
        assert profile.finding.status is Status.FAIL


def obj(kind: str, told: list[dict[str, Any]], generation: int = 1, **status: Any) -> dict[str, Any]:
    meta = {"name": "x", "namespace": "ns", "generation": generation}
    return {"kind": kind, "metadata": meta, "status": {"conditions": told, **status}}


def cond(type_: str, status: str = "True", reason: str = "", observed: int | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"type": type_, "status": status, "reason": reason, "message": f"{reason} said"}
    return found | ({"observedGeneration": observed} if observed is not None else {})


ADDRESS = {"addresses": [{"value": "10.1.2.3"}]}


@pytest.mark.parametrize(
    ("gateway", "state", "words"),
    [
        (None, "not ready", "does not exist"),
        (obj("Gateway", []), "not ready", "Accepted is not reported"),
        (
            obj("Gateway", [cond("Accepted"), cond("Programmed", "False", "AddressNotAssigned")]),
            "not ready",
            "AddressNotAssigned",
        ),
        (obj("Gateway", [cond("Accepted"), cond("Programmed")]), "not ready", "no address"),
        (
            obj("Gateway", [cond("Accepted"), cond("Programmed", observed=1)], 2, **ADDRESS),
            "unknown",
            "older generation",
        ),
        (obj("Gateway", [cond("Accepted"), cond("Programmed", observed=2)], 2, **ADDRESS), "ready", "Programmed"),
    ],
)
def test_gateways(gateway: Any, state: str, words: str) -> None:
    told = conditions.gateway(gateway)
    assert told.state == state
    assert words in told.why
    assert told.address == ("10.1.2.3" if state == "ready" else told.address)


def routed(*parents: dict[str, Any], refs: int = 1) -> dict[str, Any]:
    spec = {"parentRefs": [{"name": f"g{i}", "namespace": "gw"} for i in range(refs)]}
    return {"kind": "HTTPRoute", "metadata": {"name": "r", "namespace": "ns", "generation": 2}, "spec": spec,
            "status": {"parents": list(parents)}}  # fmt: skip


def parent(name: str, *told: dict[str, Any], namespace: str | None = "gw") -> dict[str, Any]:
    ref = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"parentRef": ref, "conditions": list(told)}


GOOD = (cond("Accepted", observed=2), cond("ResolvedRefs", observed=2))


@pytest.mark.parametrize(
    ("route", "state"),
    [
        (None, "not ready"),
        (routed(), "not ready"),
        (routed(parent("g0", *GOOD)), "ready"),
        (routed(parent("g0", cond("Reconciled")), parent("g0", *GOOD)), "ready"),
        (routed(parent("g0", cond("Accepted", observed=1), cond("ResolvedRefs", observed=1))), "unknown"),
        (routed(parent("g0", cond("Accepted"), cond("ResolvedRefs", "False", "BackendNotFound"))), "not ready"),
        (routed(parent("g0", *GOOD), refs=2), "not ready"),
        (routed(parent("g0", *GOOD), parent("g1", *GOOD), refs=2), "ready"),
        (routed(refs=0), "unknown"),
    ],
)
def test_routes(route: Any, state: str) -> None:
    assert conditions.route(route).state == state


def test_pools() -> None:
    pool = {"kind": "InferencePool", "metadata": {"name": "p", "namespace": "ns"}, "status": {}}
    assert "no gateway has claimed" in conditions.pool(pool).why
    pool["status"] = {"parents": [parent("g0", cond("Accepted"))]}
    assert conditions.pool(pool).is_ready
    assert conditions.pool(pool, ["gw/g0"]).is_ready
    assert conditions.pool(pool, ["gw/other"]).state == "not ready"
    pool["status"] = {"parents": [parent("g0", cond("Accepted"), cond("ResolvedRefs", "False", "InvalidExtensionRef"))]}
    assert "InvalidExtensionRef" in conditions.pool(pool).why


def service(*told: dict[str, Any], **status: Any) -> dict[str, Any]:
    return obj("LLMInferenceService", list(told), **status)


def test_services_name_the_cause_not_the_sum() -> None:
    told = conditions.service(
        service(
            cond("Ready", "False", "HTTPRoutesNotReady"),
            cond("RouterReady", "False", "HTTPRoutesNotReady"),
            cond("HTTPRoutesReady", "False", "HTTPRoutesNotReady"),
            cond("WorkloadsReady"),
        )
    )
    assert told.why.startswith("HTTPRoutesReady=False")
    assert conditions.service(None).state == "not ready"
    assert conditions.service(service()).state == "unknown"
    assert conditions.service(service(cond("Ready"))).state == "not ready", "no URL"
    assert conditions.service(service(cond("Ready"), url="http://10.1.2.3/ns/x")).is_ready
    stale_presets = service(cond("Ready"), cond("PresetsCombined", "False", "ConfigNotFound"), url="http://a")
    assert "ConfigNotFound" in conditions.service(stale_presets).why
    old = obj("LLMInferenceService", [cond("Ready")], generation=3, observedGeneration=2, url="http://a")
    assert conditions.service(old).state == "unknown"


def test_available_is_not_all_replicas() -> None:
    def deployment(ready: int, *told: dict[str, Any]) -> dict[str, Any]:
        return obj("Deployment", list(told), observedGeneration=1, readyReplicas=ready, updatedReplicas=3)

    assert conditions.deployment(deployment(2, cond("Available")), 3).state == "not ready"
    assert conditions.deployment(deployment(3, cond("Available")), 3).is_ready
    refused = deployment(1, cond("ReplicaFailure", "True", "FailedCreate"))
    assert "FailedCreate" in conditions.deployment(refused, 3).why
    assert conditions.deployment(obj("Deployment", [], 2, observedGeneration=1, readyReplicas=3), 3).state == "unknown"


def test_reasons_have_meanings() -> None:
    (reading,) = conditions.readings(service(cond("MainWorkloadReady", "False", "MinimumReplicasUnavailable")))
    assert "look at the pods" in reading.meaning
    (stale,) = conditions.readings(obj("Gateway", [cond("Programmed", observed=1)], generation=2))
    assert (stale.status, stale.stale) == ("Unknown", True)


def test_roles() -> None:
    assert role_of({"kserve.io/component": "workload"}) == "replica"
    assert role_of({"app.kubernetes.io/component": "llminferenceservice-router-scheduler"}) == "scheduler"
    assert role_of({"gateway.networking.k8s.io/gateway-name": "inference-gateway"}) == "gateway"
    assert role_of({}) == ""
