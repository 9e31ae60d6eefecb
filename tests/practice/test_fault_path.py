"""Faults on the way of a request: listener, CA, routes, ext_proc, picker, policies, load, clients, permissions."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fault_stage import MARKER, NS, Deployed, conditions, ready, reason
from traffic_stage import counter

SHARED = "You are a helpful translator. Keep every name as it is, and answer in one sentence. " * 8


@pytest.mark.parametrize(
    "fault",
    ["extproc-lost", "envoyfilter-wrong-namespace", "envoyfilter-wrong-index", "second-route", "epp-dead"],
)
async def test_requests_pass_and_nobody_picks(deployed: Deployed, fault: str) -> None:
    async with deployed.broken(fault):
        answer = await _until_answered(deployed, lambda a: MARKER not in a.headers)
        assert answer.status_code == 200
        assert ready(await deployed.replicas()) == 3


async def test_an_envoyfilter_of_the_right_kind_brings_the_picker_back(deployed: Deployed) -> None:
    async with deployed.broken("envoyfilter-wrong-index"):
        wrong = next(f for f in await deployed.list("EnvoyFilter") if f["metadata"]["name"].endswith("-extproc-body"))
        assert wrong["metadata"]["managedFields"][0]["manager"] == "kubectl-edit"
        patches = wrong["spec"]["configPatches"]
        route = f"{NS}.qwen-3b-gpu-svc-kserve-route"
        for index, patch in enumerate(patches):
            patch["match"]["routeConfiguration"]["vhost"]["route"]["name"] = f"{route}.{index}"
        body = {"spec": {"configPatches": patches}}
        place = wrong["metadata"]["namespace"], wrong["metadata"]["name"]
        assert (await deployed.patch("EnvoyFilter", *place, body)).status_code == 200
        assert MARKER in (await deployed.complete()).headers


async def test_a_dead_picker_is_replaced_by_a_live_one(deployed: Deployed) -> None:
    async with deployed.broken("epp-dead"):
        pod = await deployed.picker()

        async def unhealthy() -> bool:
            return any(":9003" in text for text in await deployed.messages("Unhealthy"))

        await deployed.until(unhealthy, "Event")
        assert (await deployed.metrics(pod, 9090)).status_code == 503
        await deployed.delete("Pod", NS, pod["metadata"]["name"])
        await deployed.healed()


async def test_the_gateway_loses_its_address(deployed: Deployed) -> None:
    async with deployed.broken("gateway-no-address"):

        async def lost() -> bool:
            gateway = (await deployed.list("Gateway"))[0]
            return reason(gateway, "Programmed") == "AddressNotAssigned" and "addresses" not in gateway["status"]

        await deployed.until(lost, "Gateway")
        with pytest.raises(httpx.TransportError):
            await deployed.health()

        async def told() -> bool:
            return any("FORWARDING_RULES" in text for text in await deployed.messages("SyncLoadBalancerFailed"))

        await deployed.until(told, "Event")


async def test_the_gateway_cannot_verify_replicas(deployed: Deployed) -> None:
    async with deployed.broken("gateway-ca-missing"):
        answer = await _until_answered(deployed, lambda a: a.status_code == 503, path="/health")
        assert "Secret is not supplied by SDS" in answer.text
        assert MARKER in (await deployed.complete()).headers


async def test_a_route_is_not_accepted(deployed: Deployed) -> None:
    async with deployed.broken("route-not-accepted"):
        answer = await _until_answered(deployed, lambda a: a.status_code == 404)
        assert answer.content == b""
        route = await deployed.get("HTTPRoute", NS, "qwen-3b-gpu-svc-kserve-route")
        assert reason({"status": route["status"]["parents"][0]}, "Accepted") == "NotAllowedByListeners"


async def test_a_route_is_not_resolved(deployed: Deployed) -> None:
    async with deployed.broken("route-not-resolved"):

        async def unresolved() -> bool:
            route = await deployed.get("HTTPRoute", NS, "qwen-3b-gpu-svc-kserve-route")
            return reason({"status": route["status"]["parents"][0]}, "ResolvedRefs") == "BackendNotFound"

        await deployed.until(unresolved, "HTTPRoute")
        assert (await deployed.health()).status_code == 500


async def test_a_policy_keeps_the_gateway_out(deployed: Deployed) -> None:
    async with deployed.broken("policy-blocks-gateway"):
        answer = await _until_answered(deployed, lambda a: a.status_code == 503)
        assert answer.text.endswith("reset reason: connection timeout")
        refused = await deployed.metrics((await deployed.replicas())[0])
        assert refused.status_code == 503
        assert "i/o timeout" in refused.text
        assert ready(await deployed.replicas()) == 3


async def test_a_policy_cuts_the_picker_off(deployed: Deployed) -> None:
    async with deployed.broken("policy-blocks-epp"):
        await _until_answered(deployed, lambda a: MARKER not in a.headers)
        pod = await deployed.picker()
        assert ready([pod]) == 1
        assert "dial tcp 34.118.224.1:443: i/o timeout" in await deployed.log(pod)


async def test_full_caches_and_long_queues_show_in_metrics_and_latency(deployed: Deployed) -> None:
    async with deployed.broken("kv-full"):
        pod = (await deployed.replicas())[0]
        text = (await deployed.metrics(pod)).text
        assert counter(text, "vllm:kv_cache_usage_perc") > 0.95
        assert counter(text, "vllm:num_preemptions_total") > 0
        assert (await deployed.complete()).elapsed.total_seconds() > 1.5
    async with deployed.broken("queueing"):
        text = (await deployed.metrics(pod)).text
        assert counter(text, "vllm:num_requests_waiting") > 50
        assert counter(text, "vllm:num_requests_running") >= 128
        assert counter(text, "vllm:kv_cache_usage_perc") < 0.6


@pytest.mark.parametrize("fault", ["prefixes-not-shared", "prompts-too-short"])
async def test_a_foreign_client_moves_the_counters(deployed: Deployed, fault: str) -> None:
    async def totals() -> tuple[float, float]:
        texts = [(await deployed.metrics(p)).text for p in await deployed.replicas()]
        names = ("vllm:prefix_cache_queries_total", "vllm:prefix_cache_hits_total")
        queried, hit = (sum(counter(text, name) for text in texts) for name in names)
        return queried, hit

    before = await totals()
    async with deployed.broken(fault):

        async def moved() -> bool:
            return (await totals())[0] > before[0] + 30

        await _spin(moved)
        after = await totals()
        assert after[1] - before[1] <= 0.1 * (after[0] - before[0])
        short = "Request body too small for prefix cache" in await deployed.log(await deployed.picker())
        assert short or fault == "prefixes-not-shared"


async def test_nobody_answers_the_webhook(deployed: Deployed) -> None:
    async with deployed.broken("webhook-not-ready"):

        async def down() -> bool:
            manager = await deployed.get("Deployment", "opendatahub", "kserve-controller-manager")
            return conditions(manager)["Available"] == "False"

        await deployed.until(down, "Deployment")
        edit = {"metadata": {"labels": {"team": "a"}}}
        refused = await deployed.patch("LLMInferenceService", NS, "qwen-3b-gpu-svc", edit)
        assert refused.status_code == 500
        assert 'no endpoints available for service "kserve-webhook-server-service"' in refused.json()["message"]


async def test_permissions_that_are_not_there(deployed: Deployed) -> None:
    pod = (await deployed.replicas())[0]
    async with deployed.broken("logs-forbidden"):
        assert 'requires one of [\\"container.pods.getLogs\\"]' in await deployed.log(pod)
    async with deployed.broken("metrics-forbidden"):
        assert (await deployed.metrics(pod)).status_code == 403
    async with deployed.broken("rbac-denied"):
        role = {"metadata": {"name": "any"}, "rules": []}
        refused = await deployed.api.post("/apis/rbac.authorization.k8s.io/v1/clusterroles", json=role)
        assert refused.status_code == 403
        assert 'cannot create resource "clusterroles"' in refused.json()["message"]
        asked = {"verb": "create", "group": "rbac.authorization.k8s.io", "resource": "clusterroles"}
        review = {"spec": {"resourceAttributes": asked}}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        assert (await deployed.api.post(path, json=review)).json()["status"]["allowed"] is False


async def _until_answered(deployed: Deployed, good: Any, path: str = "") -> httpx.Response:
    """Ask until an answer is as wanted."""
    found: list[httpx.Response] = []

    async def asked() -> bool:
        found[:] = [await (deployed.health() if path else deployed.complete())]
        return bool(good(found[0]))

    await _spin(asked)
    return found[0]


async def _spin(good: Any) -> None:
    """Ask again and again: each question takes its own time."""
    for _ in range(400):
        if await good():
            return
    raise AssertionError("it never happened")
