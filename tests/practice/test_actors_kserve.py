"""An LLMInferenceService through its life, with the manifests the product ships as its users would apply them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from actors_stage import CPU_POOL, T4_POOL, V6E_POOL, Obj, Stage, conditions, reason, stage, word

from rhaii_tui.practice.actors.admission import webhooks
from rhaii_tui.practice.actors.gateways import gateway_has_ca
from rhaii_tui.practice.actors.kserve import FINALIZER
from rhaii_tui.practice.actors.kserve_preset import child_name
from rhaii_tui.practice.kube.errors import StatusError
from rhaii_tui.practice.xks import objects

MANIFESTS = Path(__file__).parents[2] / "manifests"
NS = "rhaii-inference"


def manifest(name: str) -> Obj:
    found: Obj = yaml.safe_load((MANIFESTS / "llminferenceservice" / f"{name}.yaml").read_text())
    return found


def main_container(service: Obj) -> dict[str, Any]:
    found: dict[str, Any] = service["spec"]["template"]["containers"][0]
    return found


@contextlib.asynccontextmanager
async def ready_stage(folder: Path, pool: Obj, count: int) -> AsyncIterator[Stage]:
    """Operators, gateway with its CA, namespace and secrets: everything before the service."""
    async with stage(folder, traffic=True) as s:
        await s.nodes(CPU_POOL, 2)
        await s.nodes(pool, count)
        await s.stack()
        meta = {"name": "odh-ca-bundle", "namespace": "opendatahub"}
        s.store.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"ca.crt": "PEM"}})
        for obj in yaml.safe_load_all((MANIFESTS / "gateway.yaml").read_text()):
            s.store.create(obj)
        s.store.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}})
        s.pull_secret(NS, "rhaiis-pull-secret")
        token = {"name": "huggingface-token", "namespace": NS}
        s.store.create(
            {"apiVersion": "v1", "kind": "Secret", "metadata": token, "data": {"HF_TOKEN": "eA==", "token": "eA=="}}
        )
        yield s


def service_of(s: Stage, name: str = "qwen-3b-gpu-svc") -> Obj:
    found: Obj = s.store.get("LLMInferenceService", NS, name)
    return found


def replicas_of(s: Stage) -> list[Obj]:
    found: list[Obj] = s.store.list("Pod", NS, {"kserve.io/component": "workload"})
    return found


async def all_ready(s: Stage, name: str, count: int) -> None:
    def good() -> bool:
        pods = replicas_of(s)
        up = [p for p in pods if conditions(p).get("Ready") == "True"]
        return len(up) == len(pods) == count and conditions(service_of(s, name)).get("Ready") == "True"

    await s.until(good, "LLMInferenceService", "Pod")


@pytest.mark.parametrize(
    ("shape", "pool", "low", "high"), [("gpu-t4", T4_POOL, 330, 500), ("tpu-v6e", V6E_POOL, 400, 640)]
)
async def test_scale_out_comes_to_life(tmp_path: Path, shape: str, pool: Obj, low: int, high: int) -> None:
    made = manifest(f"{shape}-scale-out")
    name = made["metadata"]["name"]
    async with ready_stage(tmp_path, pool, 3) as s:
        began = s.world.clock.monotonic()
        s.store.create(made)
        await all_ready(s, name, 3)
        took = s.world.clock.monotonic() - began
        # The lower bound is the model's; the upper one leaves room for a loaded machine at this speed.
        assert low < took < high * 3
        service = service_of(s, name)
        assert service["metadata"]["finalizers"] == [FINALIZER]
        assert service["status"]["url"] == f"{s.world.gateway_url}/{NS}/{name}"
        assert service["status"]["addresses"][0]["url"] == service["status"]["url"]
        assert conditions(service) == dict.fromkeys(
            (
                "GatewaysReady",
                "HTTPRoutesReady",
                "InferencePoolReady",
                "MainWorkloadReady",
                "PresetsCombined",
                "Ready",
                "RouterReady",
                "SchedulerWorkloadReady",
                "WorkloadsReady",
            ),
            "True",
        )
        children = {
            ("Deployment", f"{name}-kserve"),
            ("Deployment", f"{name}-kserve-router-scheduler"),
            ("Service", f"{name}-kserve-workload-svc"),
            ("Service", f"{name}-epp-service"),
            ("Secret", f"{name}-kserve-self-signed-certs"),
            ("ServiceAccount", f"{name}-epp-sa"),
            ("InferencePool", f"{name}-inference-pool"),
            ("HTTPRoute", f"{name}-kserve-route"),
            ("DestinationRule", f"{name}-kserve-workload-svc"),
        }
        for kind, child in children:
            found = s.store.get(kind, NS, child)
            assert found is not None, (kind, child)
            assert found["metadata"]["ownerReferences"][0]["name"] == name
        assert len({p["spec"]["nodeName"] for p in replicas_of(s)}) == 3
        assert gateway_has_ca(s.cluster, "opendatahub", "inference-gateway")
        text = s.log(replicas_of(s)[0])
        graphs = "Graph capturing finished in" if shape == "gpu-t4" else "Compilation finished in"
        for line in (
            "vLLM API server version",
            "Initializing a V1 LLM engine",
            "Loading safetensors checkpoint shards: 100%",
            "Loading weights took",
            "GPU KV cache size:",
            graphs,
            "init engine (profile, create kv cache, warmup model) took",
            "Application startup complete.",
        ):
            assert line in text
        assert "Successfully copied hf://Qwen/Qwen2.5-3B-Instruct to /mnt/models" in s.log(
            replicas_of(s)[0], "storage-initializer"
        )


async def test_single_has_no_picker(tmp_path: Path) -> None:
    async with ready_stage(tmp_path, T4_POOL, 1) as s:
        s.store.create(manifest("gpu-t4-single"))
        await all_ready(s, "qwen-3b-gpu-svc", 1)
        assert "SchedulerWorkloadReady" not in conditions(service_of(s))
        assert s.store.list("InferencePool") == []
        route = s.store.get("HTTPRoute", NS, "qwen-3b-gpu-svc-kserve-route")
        assert {b["kind"] for r in route["spec"]["rules"] for b in r["backendRefs"]} == {"Service"}


async def test_scaling_stopping_and_deleting(tmp_path: Path) -> None:
    async with ready_stage(tmp_path, T4_POOL, 2) as s:
        made = manifest("gpu-t4-scale-out")
        made["spec"]["replicas"] = 1
        s.store.create(made)
        await all_ready(s, "qwen-3b-gpu-svc", 1)
        s.store.update("LLMInferenceService", NS, "qwen-3b-gpu-svc", lambda o: o["spec"].update(replicas=2))
        await all_ready(s, "qwen-3b-gpu-svc", 2)

        def stop(o: Obj) -> None:
            o["metadata"]["annotations"]["serving.kserve.io/stop"] = "true"

        s.store.update("LLMInferenceService", NS, "qwen-3b-gpu-svc", stop)
        await s.until(lambda: not replicas_of(s), "Pod", "Event")
        assert reason(service_of(s), "Ready") == "Stopped"
        assert "url" not in service_of(s)["status"]
        s.store.delete("LLMInferenceService", NS, "qwen-3b-gpu-svc")
        await s.until(lambda: service_of(s) is None, "LLMInferenceService", "Event")
        kinds = ("Deployment", "ReplicaSet", "Service", "HTTPRoute", "InferencePool", "DestinationRule")
        assert [o["metadata"]["name"] for k in kinds for o in s.store.list(k, NS)] == []
        assert s.store.list("ClusterRoleBinding") == []


async def test_a_missing_storage_secret_stops_the_chain(tmp_path: Path) -> None:
    async with ready_stage(tmp_path, T4_POOL, 1) as s:
        s.store.delete("Secret", NS, "huggingface-token")
        s.store.create(manifest("gpu-t4-single"))
        await s.until(
            lambda: reason(service_of(s), "MainWorkloadReady") == "ReconcileSingleNodeWorkloadError",
            "LLMInferenceService",
        )
        assert s.store.list("Deployment", NS) == []
        assert s.messages("Error", "qwen-3b-gpu-svc")[0].endswith('Secret "huggingface-token" not found')
        meta = {"name": "huggingface-token", "namespace": NS}
        s.store.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"token": "eA=="}})
        await s.until(lambda: s.store.list("Deployment", NS), "Deployment")


async def test_a_missing_preset_is_said(tmp_path: Path) -> None:
    async with ready_stage(tmp_path, T4_POOL, 1) as s:
        s.store.delete("LLMInferenceServiceConfig", "opendatahub", "kserve-config-llm-template")
        s.store.create(manifest("gpu-t4-single"))
        await s.until(
            lambda: reason(service_of(s), "PresetsCombined") == "ConfigNotFound",
            "LLMInferenceService",
        )


async def test_the_hub_refuses_and_then_does_not(tmp_path: Path) -> None:
    async with ready_stage(tmp_path, T4_POOL, 1) as s:
        await s.world.faults.switch("hf-token-missing", True)
        s.store.create(manifest("gpu-t4-single"))
        await s.until(
            lambda: any(word(p, "initContainerStatuses") == "CrashLoopBackOff" for p in replicas_of(s)),
            "Pod",
        )
        assert "401 Client Error" in s.log(replicas_of(s)[0], "storage-initializer")
        await s.world.faults.switch("hf-token-missing", False)
        await all_ready(s, "qwen-3b-gpu-svc", 1)


async def test_a_gated_model_needs_the_key_the_initializer_reads(tmp_path: Path) -> None:
    async with ready_stage(tmp_path, T4_POOL, 1) as s:

        def upstream_key_only(secret: Obj) -> None:
            secret["data"] = {"token": "eA=="}

        s.store.update("Secret", NS, "huggingface-token", upstream_key_only)
        made = manifest("gpu-t4-single")
        made["spec"]["model"] = {"uri": "hf://google/gemma-2b-it", "name": "google/gemma-2b-it"}
        s.store.create(made)
        await s.until(lambda: any(word(p, "initContainerStatuses") == "Error" for p in replicas_of(s)), "Pod")
        assert "GatedRepoError" in s.log(replicas_of(s)[0], "storage-initializer")


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        (["--no-such-flag=1"], 2, "error: unrecognized arguments: --no-such-flag=1"),
        (["--dtype=bfloat16"], 1, "Bfloat16 is only supported on GPUs with compute capability of at least 8.0"),
        (["--gpu-memory-utilization=0.4"], 1, "No available memory for the cache blocks"),
        (["--tensor-parallel-size=4"], 1, "larger than the number of available GPUs (1)"),
        (["--max-model-len=32k", "--gpu-memory-utilization=0.55"], 1, "larger than the available KV cache memory"),
    ],
)
async def test_vllm_dies_of_bad_arguments(tmp_path: Path, change: list[str], code: int, text: str) -> None:
    async with ready_stage(tmp_path, T4_POOL, 1) as s:
        made = manifest("gpu-t4-single")
        main_container(made)["args"] += change
        s.store.create(made)

        def crashed() -> Obj | None:
            for p in replicas_of(s):
                for status in p.get("status", {}).get("containerStatuses", ()):
                    if ended := status["state"].get("terminated") or status["lastState"].get("terminated"):
                        return dict(ended)
            return None

        ended = await s.until(crashed, "Pod")
        assert ended["exitCode"] == code
        pod = replicas_of(s)[0]
        previous = s.cluster.logs.previous(pod["metadata"]["uid"], "main")
        lines = [line for _, line in previous.lines] if previous else []
        assert text in "\n".join([*lines, s.log(pod)])


async def test_plain_http_under_https_probes_never_gets_ready(tmp_path: Path) -> None:
    async with ready_stage(tmp_path, T4_POOL, 1) as s:
        made = manifest("gpu-t4-single")
        main_container(made)["args"] = [a for a in main_container(made)["args"] if not a.startswith("--ssl")]
        s.store.create(made)
        text = "http: server gave HTTP response to HTTPS client"
        await s.until(lambda: any(m.endswith(text) for m in s.messages("Unhealthy")), "Event")
        assert reason(service_of(s), "MainWorkloadReady") == "MinimumReplicasUnavailable"


async def test_a_gateway_without_its_ca(tmp_path: Path) -> None:
    async with ready_stage(tmp_path, T4_POOL, 1) as s:
        s.store.delete("ConfigMap", "opendatahub", "inference-gateway-config")
        await s.until(
            lambda: (
                reason(s.store.get("Gateway", "opendatahub", "inference-gateway"), "Accepted") == "InvalidParameters"
            ),
            "Gateway",
        )
        s.store.delete("ConfigMap", "opendatahub", "odh-ca-bundle")
        assert not gateway_has_ca(s.cluster, "opendatahub", "inference-gateway")


async def test_the_webhook_refuses_while_its_controller_is_away(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        check = webhooks(s.cluster)
        service = {"kind": "LLMInferenceService"}
        check(service)
        s.store.create(objects.webhooks()[0])
        with pytest.raises(StatusError, match="no endpoints available for service") as refused:
            check(service)
        assert refused.value.code == 500
        await s.nodes(CPU_POOL, 2)
        await s.stack()
        check(service)


def test_long_names_are_cut_and_told_apart() -> None:
    one, two = (child_name("n" * 60 + end, "-kserve-self-signed-certs") for end in "ab")
    assert len(one) <= 63
    assert one != two
    assert one.endswith("-kserve-self-signed-certs")
