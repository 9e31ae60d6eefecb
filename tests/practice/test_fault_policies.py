"""NetworkPolicies as the practice data plane enforces them, the product's own among them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import yaml
from traffic_stage import GATEWAY_NS, MODEL, NS, Stage, stage

from rhaii_tui.practice.traffic.policies import DNS, KONNECTIVITY, enters, leaves, selected

OWN = Path(__file__).parents[2] / "manifests" / "networkpolicies.yaml"
MARKER = "x-went-into-resp-headers"


def _policy(built: Stage, name: str, **spec: Any) -> None:
    built.make("networking.k8s.io/v1", "NetworkPolicy", NS, name, spec=spec)


async def _built(built: Stage) -> None:
    built.gateway()
    built.service()
    built.workload(2)
    built.scheduler()


async def _ask(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/v1/completions", json={"model": MODEL, "prompt": "word " * 60, "max_tokens": 1})


async def test_our_own_policies_are_harmless(tmp_path: Path) -> None:
    async with stage(tmp_path) as (built, client):
        await _built(built)
        for policy in yaml.safe_load_all(OWN.read_text()):
            built.store.create(policy)
        answer = await _ask(client)
        assert answer.status_code == 200
        assert MARKER in answer.headers
        async with built.proxied() as get:
            assert (await get(built.replicas[0], 8000, "metrics")).status_code == 200
            assert (await get(built.picker, 9090, "metrics")).status_code == 200
        assert built.picker is not None
        assert leaves(built.cluster, built.picker, DNS, 53, "UDP")
        assert leaves(built.cluster, built.picker, None, 443)
        stranger = {"metadata": {"namespace": "default", "labels": {"app": "curl"}}}
        assert not enters(built.cluster, stranger, built.replicas[0], 8000)


async def test_a_selected_pod_takes_only_what_is_named(tmp_path: Path) -> None:
    async with stage(tmp_path) as (built, client):
        await _built(built)
        _policy(
            built, "deny", podSelector={"matchLabels": {"kserve.io/component": "workload"}}, policyTypes=["Ingress"]
        )
        answer = await _ask(client)
        assert answer.status_code == 503
        assert answer.text.endswith("reset reason: connection timeout")
        peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": GATEWAY_NS}}}
        ports = [{"protocol": "TCP", "port": 8000}]
        _policy(built, "allow", podSelector={}, policyTypes=["Ingress"], ingress=[{"from": [peer], "ports": ports}])
        assert (await _ask(client)).status_code == 200


async def test_a_picker_out_of_reach_lets_requests_pass(tmp_path: Path) -> None:
    async with stage(tmp_path) as (built, client):
        await _built(built)
        labels = {"app.kubernetes.io/component": "llminferenceservice-router-scheduler"}
        _policy(built, "deny", podSelector={"matchLabels": labels}, policyTypes=["Ingress", "Egress"])
        answer = await _ask(client)
        assert answer.status_code == 200
        assert MARKER not in answer.headers
        assert built.picker is not None
        assert not leaves(built.cluster, built.picker, None, 443)
        assert not enters(built.cluster, KONNECTIVITY, built.picker, 9090)


def test_selectors() -> None:
    labels = {"app": "vllm", "tier": "gpu"}
    assert selected({}, labels)
    assert selected({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["gpu", "tpu"]}]}, labels)
    assert not selected({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["gpu"]}]}, labels)
    assert not selected({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, labels)
    assert not selected({"matchLabels": {"app": "other"}}, labels)


async def test_egress_by_port_range_and_block(tmp_path: Path) -> None:
    async with stage(tmp_path) as (built, _):
        await _built(built)
        rule = {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": 400, "endPort": 500}]}
        _policy(built, "out", podSelector={}, policyTypes=["Egress"], egress=[rule])
        pod = built.replicas[0]
        assert leaves(built.cluster, pod, None, 443)
        assert not leaves(built.cluster, pod, None, 80)
        assert not leaves(built.cluster, pod, DNS, 53, "UDP")
