"""A deployment whose makers chose other names than ours, or so long ones that KServe hashed them, is judged alike."""

from __future__ import annotations

from doctor_stage import NS, Stage

from rhaii_tui.catalog.shapes import Accelerator, Shape, Topology
from rhaii_tui.doctor.diagnosis import judge
from rhaii_tui.doctor.hops import Hop, State

SCALE_OUT = Shape(Accelerator.GPU_T4, Topology.SCALE_OUT)
OLD_HOME = "opendatahub"


def _elsewhere() -> Stage:
    """The gateway is infra/edge, its CA bundle and its configuration have names of their own."""
    stage = Stage(SCALE_OUT)
    for kind in ("Gateway", "ConfigMap", "Service", "Pod"):
        for obj in stage.kinds[kind]:
            if obj["metadata"]["namespace"] == OLD_HOME and "kserve" not in obj["metadata"]["name"]:
                obj["metadata"]["namespace"] = "infra"
    (gate,) = stage.kinds["Gateway"]
    gate["metadata"]["name"] = "edge"
    gate["spec"]["infrastructure"]["parametersRef"]["name"] = "edge-config"
    names = {"odh-ca-bundle": "our-ca", "inference-gateway-config": "edge-config"}
    for bundle in stage.kinds["ConfigMap"]:
        bundle["metadata"]["name"] = names.get(bundle["metadata"]["name"], bundle["metadata"]["name"])
    for pod in stage.kinds["Pod"]:
        labels = pod["metadata"]["labels"]
        if "gateway.networking.k8s.io/gateway-name" in labels:
            labels["gateway.networking.k8s.io/gateway-name"] = "edge"
            pod["spec"]["volumes"][0]["configMap"]["name"] = "our-ca"
    stage.add("Namespace", "infra")
    for kind in ("HTTPRoute", "InferencePool"):
        for obj in stage.kinds[kind]:
            for parent in [*obj["spec"].get("parentRefs", []), *(p["parentRef"] for p in obj["status"]["parents"])]:
                parent.update(name="edge", namespace="infra")
    stage.kinds["NetworkPolicy"] = []
    stage.kinds["EnvoyFilter"] = []
    return stage


def _links(stage: Stage) -> dict[Hop, State]:
    found = judge(stage.snapshot())
    assert [(f.rule.id, f.hit.message) for f in found.findings] == []
    return {link.hop: link.state for link in found.links}


def test_a_gateway_elsewhere_is_the_one_that_serves_the_route() -> None:
    assert set(_links(_elsewhere()).values()) == {State.GREEN}


def test_a_gateway_that_the_service_names_and_that_is_not_there_is_the_cause() -> None:
    stage = _elsewhere()
    stage.service["spec"]["router"]["gateway"] = {"refs": [{"name": "side", "namespace": "infra"}]}
    found = judge(stage.snapshot())
    assert found.cause is not None
    assert (found.cause.rule.id, found.cause.hit.about) == ("gateway.absent", "side")


def test_a_lost_bundle_of_another_name_is_told_by_that_name() -> None:
    stage = _elsewhere()
    stage.remove("ConfigMap", "our-ca")
    found = judge(stage.snapshot())
    case = found.find("gateway.ca-missing")
    assert case is not None
    assert case.hit.evidence[0].source == "ConfigMap infra/our-ca"
    assert case.hit.fix is not None
    assert next((c.verb, c.kind, c.name) for c in case.hit.fix.changes) == ("apply", "ConfigMap", "our-ca")
    assert {c.kind for c in case.hit.fix.changes} == {"ConfigMap", "Pod"}, "what its maker configured stays"


def test_hashed_names_are_found_by_ownership() -> None:
    stage = Stage(SCALE_OUT)
    stage.kinds["EnvoyFilter"] = []
    seen = stage.snapshot()
    parts = {"-kserve-route": "router", "-inference-pool": "router-scheduler", "-kserve-router-scheduler":
             "router-scheduler", "-kserve": "workload"}  # fmt: skip
    owner = {"kind": "LLMInferenceService", "name": stage.svc, "uid": "service", "controller": True}
    renamed = {f"{stage.svc}{ending}": f"cut-0a1b2c3d{ending}" for ending in parts}
    for kind in ("HTTPRoute", "InferencePool", "Deployment", "ReplicaSet"):
        for obj in seen.items(kind, NS):
            meta = obj["metadata"]
            if meta["name"] in renamed:
                part = parts[meta["name"].removeprefix(stage.svc)]
                meta["labels"] = {"app.kubernetes.io/component": f"llminferenceservice-{part}"}
                meta["ownerReferences"] = [owner]
                meta["name"] = renamed[meta["name"]]
            for rule in obj["spec"].get("rules", []):
                for backend in rule["backendRefs"]:
                    backend["name"] = renamed.get(backend["name"], backend["name"])
    found = judge(seen)
    assert [(f.rule.id, f.hit.message) for f in found.findings] == []
    assert {link.state for link in found.links} == {State.GREEN}
