"""Every document of every shape: valid by the published schemas, made of EA1's fields only, free of known mistakes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import yaml
from crd_schema import mistakes
from hypothesis import given
from hypothesis import strategies as st
from targets import target

from rhaii_tui.catalog.shapes import SHAPES, Accelerator, Shape, Topology
from rhaii_tui.serving import files, manifests
from rhaii_tui.serving.stack import EA1, EA2

GPU3 = Shape(Accelerator.GPU_T4, Topology.SCALE_OUT)
ROUTE = {
    "metadata": {"name": "chat-kserve-route", "namespace": "team-a"},
    "spec": {
        "rules": [
            {"backendRefs": [{"kind": "InferencePool", "name": "p"}]},
            {"backendRefs": [{"kind": "InferencePool", "name": "p"}]},
            {"backendRefs": [{"kind": "Service", "name": "s"}]},
        ]
    },
}
EA1_SPEC = {"model", "replicas", "parallelism", "template", "worker", "prefill", "router", "baseRefs"}
EA1_ROUTER = {"route", "gateway", "ingress", "scheduler"}
BUILT_IN = {
    "Namespace": "V1Namespace",
    "ConfigMap": "V1ConfigMap",
    "Secret": "V1Secret",
    "NetworkPolicy": "V1NetworkPolicy",
}


def everything(shape: Shape) -> list[dict[str, Any]]:
    wanted = target(shape)
    docs = [
        *manifests.documents(wanted),
        *manifests.network_policies(wanted),
        manifests.pull_secret(wanted, b'{"auths": {"registry.redhat.io": {"auth": "YTpi"}}}'),
        manifests.hub_secret(wanted, "hf_token"),
        manifests.ca_bundle(EA1, b"-----BEGIN CERTIFICATE-----\n"),
        manifests.diagnostics(wanted, ROUTE),
    ]
    return [*docs, manifests.body_forwarding(wanted, ROUTE)] if shape.routed else docs


@pytest.fixture(scope="module")
def models() -> Any:
    import kubernetes.client

    return kubernetes.client


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.id)
def test_built_in_kinds_have_no_unknown_field(shape: Shape, models: Any) -> None:
    for doc in everything(shape):
        if model := BUILT_IN.get(doc["kind"]):
            getattr(models, model).model_validate(doc)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.id)
def test_custom_kinds_agree_with_the_published_schemas(shape: Shape) -> None:
    for doc in everything(shape):
        if doc["kind"] not in BUILT_IN:
            assert mistakes(doc) == []


def test_the_schema_check_would_see_a_misspelt_field() -> None:
    doc = manifests.service(target(GPU3))
    doc["spec"]["replikas"] = 3
    assert any("replikas" in m for m in mistakes(doc))
    doc = manifests.service(target(GPU3))
    doc["spec"]["template"]["containers"][0]["imagee"] = "x"
    assert any("imagee" in m for m in mistakes(doc))


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.id)
def test_the_files_are_valid_as_they_are(shape: Shape) -> None:
    for name in ("gateway.yaml", "envoyfilter-extproc-body.yaml", "envoyfilter-diagnostics.yaml"):
        assert all(mistakes(d) == [] for d in files.read(name) if d["kind"] not in BUILT_IN)
    (doc,) = files.read(f"llminferenceservice/{shape.id}.yaml")
    assert mistakes(doc) == []


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.id)
def test_the_service_follows_the_verdicts_on_upstreams_contradictions(shape: Shape) -> None:
    wanted = target(shape)
    doc = manifests.service(wanted)
    spec = doc["spec"]
    assert set(spec) <= EA1_SPEC
    assert set(spec["router"]) <= EA1_ROUTER
    assert spec["router"].get("scheduler", {}) == {}
    assert ("scheduler" in spec["router"]) is shape.routed
    assert doc["apiVersion"] == "serving.kserve.io/v1alpha1"
    assert doc["metadata"]["annotations"][manifests.STORAGE_SECRET_ANNOTATION] == manifests.HUB_SECRET
    assert spec["template"]["imagePullSecrets"] == [{"name": manifests.PULL_SECRET}]
    assert spec["model"] == {"uri": f"hf://{wanted.model}", "name": wanted.model}
    (main,) = spec["template"]["containers"]
    assert main["name"] == "main"
    assert main["image"] == wanted.image
    assert main["command"] == ["vllm", "serve", "/mnt/models"]
    args = main["args"]
    assert f"--served-model-name={wanted.model}" in args
    for needed in ("--dtype=half", "--max-num-seqs=128", "--ssl-certfile=/var/run/kserve/tls/tls.crt"):
        assert needed in args
    assert not any("disable-log-requests" in a or "block-size" in a for a in args)
    assert all(" " not in a for a in args), "one option per entry"
    probe = main["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 1800
    assert all(main[p]["httpGet"]["scheme"] == "HTTPS" for p in ("startupProbe", "readinessProbe", "livenessProbe"))
    resource, count = ("nvidia.com/gpu", "1") if shape.accelerator is Accelerator.GPU_T4 else ("google.com/tpu", "4")
    assert main["resources"] == {"requests": {resource: count}, "limits": {resource: count}}
    assert ("--tensor-parallel-size=4" in args) is (resource == "google.com/tpu")
    assert ("--enable-prefix-caching" in args) is (shape.topology is not Topology.BASELINE)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.id)
def test_no_example_name_is_left(shape: Shape) -> None:
    text = json.dumps(everything(shape))
    for default in ("rhaii-inference", "qwen-3b", "Qwen2.5-3B"):
        assert default not in text


def test_the_namespace_asks_for_no_sidecar() -> None:
    (_, *_), doc = manifests.gateway(), manifests.namespace(target(GPU3))
    assert "istio-injection" not in doc["metadata"]["labels"]


def test_same_target_same_documents_and_no_shared_state() -> None:
    first = manifests.documents(target(GPU3))
    first[-1]["spec"]["replicas"] = 99
    assert manifests.documents(target(GPU3)) == manifests.documents(target(GPU3))
    assert manifests.service(target(GPU3))["spec"]["replicas"] == 3


def test_without_a_hub_token_no_secret_is_named() -> None:
    doc = manifests.service(target(GPU3), hub_token=False)
    assert manifests.STORAGE_SECRET_ANNOTATION not in doc["metadata"]["annotations"]


def test_engine_options_can_be_changed_and_removed() -> None:
    doc = manifests.with_arguments(
        manifests.service(target(GPU3)),
        {"--max-model-len": "2048", "--enable-prefix-caching": None, "--enforce-eager": ""},
    )
    args = doc["spec"]["template"]["containers"][0]["args"]
    assert args[-2:] == ["--max-model-len=2048", "--enforce-eager"]
    assert "--enable-prefix-caching" not in args
    assert mistakes(doc) == []


def test_body_forwarding_follows_the_live_route() -> None:
    doc = manifests.body_forwarding(target(GPU3), ROUTE)
    assert doc["metadata"] | {"labels": {}} == {"name": "chat-extproc-body", "namespace": "opendatahub", "labels": {}}
    names = [p["match"]["routeConfiguration"]["vhost"]["route"]["name"] for p in doc["spec"]["configPatches"]]
    assert names == ["team-a.chat-kserve-route.0", "team-a.chat-kserve-route.1"]
    mode = doc["spec"]["configPatches"][0]["patch"]["value"]["typed_per_filter_config"]["envoy.filters.http.ext_proc"]
    modes = mode["overrides"]["processing_mode"]
    assert (modes["request_body_mode"], modes["response_header_mode"]) == ("FULL_DUPLEX_STREAMED", "SEND")
    assert len(manifests.diagnostics(target(GPU3), ROUTE)["spec"]["configPatches"]) == 3


def test_policies_never_select_every_pod_and_let_the_picker_work() -> None:
    docs = {d["metadata"]["name"]: d["spec"] for d in manifests.network_policies(target(GPU3))}
    assert len(docs) == 5
    assert all(spec["podSelector"].get("matchLabels") for spec in docs.values())
    egress = docs["chat-scheduler-egress"]["egress"]
    ports = {(p["protocol"], p["port"]) for rule in egress for p in rule["ports"]}
    assert ports == {("UDP", 53), ("TCP", 53), ("TCP", 8000), ("TCP", 443)}
    workload = [s for s in docs.values() if s["podSelector"]["matchLabels"].get("kserve.io/component") == "workload"]
    assert all(s["policyTypes"] == ["Ingress"] for s in workload), "the model download needs its way out"
    single = manifests.network_policies(target(Shape(Accelerator.GPU_T4, Topology.SINGLE)))
    assert [d["metadata"]["name"] for d in single] == ["chat-workload-deny", "chat-gateway-to-workload"]


def test_another_generations_names() -> None:
    config, gateway = manifests.gateway(EA2)
    assert gateway["metadata"]["namespace"] == "redhat-ods-applications"
    patch = yaml.safe_load(config["data"]["deployment"])["spec"]["template"]["spec"]
    assert patch["volumes"][0]["configMap"]["name"] == "rhaii-ca-bundle"
    assert manifests.ca_bundle(EA2, b"x")["metadata"]["name"] == "rhaii-ca-bundle"


AUTH = {"auths": {"registry.redhat.io": {"auth": "YTpi"}, "ghcr.io": {"auth": "c2VjcmV0"}}}


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(AUTH),
        yaml.safe_dump(AUTH),
        yaml.safe_dump({"kind": "Secret", "stringData": {".dockerconfigjson": json.dumps(AUTH)}}),
        yaml.safe_dump(
            {"kind": "Secret", "data": {".dockerconfigjson": base64.b64encode(json.dumps(AUTH).encode()).decode()}}
        ),
    ],
)
def test_pull_secrets_of_every_form_carry_only_the_registry_needed(content: str) -> None:
    doc = manifests.pull_secret(target(GPU3), content.encode())
    assert doc["type"] == "kubernetes.io/dockerconfigjson"
    assert json.loads(base64.b64decode(doc["data"][".dockerconfigjson"])) == {
        "auths": {"registry.redhat.io": {"auth": "YTpi"}}
    }


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_any_other_content_is_refused_without_repeating_it(content: bytes) -> None:
    with pytest.raises(ValueError) as refused:
        manifests.pull_secret(target(GPU3), content)
    assert str(refused.value).startswith("the pull secret file is neither")
    assert refused.value.__cause__ is None


def test_the_hub_secret_has_both_keys() -> None:
    doc = manifests.hub_secret(target(GPU3), " hf_abc\n")
    assert doc["data"] == {k: base64.b64encode(b"hf_abc").decode() for k in ("HF_TOKEN", "token")}
    for bad in ("", "  \n", "hf_a hf_b"):
        with pytest.raises(ValueError):
            manifests.hub_secret(target(GPU3), bad)


def test_the_ca_is_taken_from_its_secret_and_copies_lose_their_identity() -> None:
    pem = b"-----BEGIN CERTIFICATE-----"
    secret = {"metadata": {"name": "opendatahub-ca", "uid": "u", "resourceVersion": "7"}, "data": {}}
    secret["data"] = {"tls.crt": base64.b64encode(pem).decode(), "tls.key": "c2VjcmV0"}
    assert manifests.ca_certificate(secret) == pem
    copied = manifests.copied_secret({**secret, "type": "kubernetes.io/dockerconfigjson"}, "opendatahub")
    assert set(copied["metadata"]) == {"name", "namespace", "labels"}
    with pytest.raises(ValueError, match="neither"):
        manifests.ca_certificate({"metadata": {"name": "x"}})
