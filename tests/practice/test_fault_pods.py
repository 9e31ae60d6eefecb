"""Faults that show at a replica: its image, its download, its engine, its probes, its sidecar."""

from __future__ import annotations

import pytest
from fault_stage import NS, Deployed, conditions, ready, reason, word

BIRTHS = [
    ("hf-token-missing", "401 Client Error: Unauthorized"),
    ("hf-gated", "403 Client Error. Cannot access gated repo"),
    ("hf-secret-wrong-key", "401 Client Error. Cannot access gated repo"),
    ("policy-blocks-dns", "[Errno -2] Name or service not known"),
]


@pytest.mark.parametrize(("fault", "words"), BIRTHS)
async def test_a_download_fails_in_the_hubs_own_words(deployed: Deployed, fault: str, words: str) -> None:
    async with deployed.broken(fault):

        async def refused() -> bool:
            pod = await deployed.unready()
            return (
                pod is not None
                and word(pod).startswith("Init:")
                and words in await deployed.log(pod, "storage-initializer")
            )

        await deployed.until(refused, "Pod")


async def test_a_new_token_ends_the_401_while_the_fault_is_on(deployed: Deployed) -> None:
    secret = await deployed.get("Secret", NS, "huggingface-token")
    async with deployed.broken("hf-token-missing"):
        await deployed.until(lambda: _says(deployed, "Init:CrashLoopBackOff"), "Pod")
        answer = await deployed.patch("Secret", NS, "huggingface-token", {"data": {"HF_TOKEN": "aGZfbmV3X29uZQ=="}})
        assert answer.status_code == 200
        await deployed.healed()
        await deployed.patch("Secret", NS, "huggingface-token", {"data": secret["data"]})


async def test_a_revoked_login_fails_the_pull(deployed: Deployed) -> None:
    async with deployed.broken("pull-secret-bad"):
        await deployed.until(lambda: _says(deployed, "ImagePullBackOff"), "Pod")
        assert any("401 Unauthorized" in text for text in await deployed.messages("Failed"))


async def test_the_initializer_runs_out_of_memory(deployed: Deployed) -> None:
    async with deployed.broken("storage-initializer-oom"):

        async def killed() -> bool:
            pod = await deployed.unready()
            status = (pod or {}).get("status", {}).get("initContainerStatuses", [{}])[0]
            ended = [status.get(when, {}).get("terminated", {}) for when in ("state", "lastState")]
            return any(e.get("reason") == "OOMKilled" and e["exitCode"] == 137 for e in ended)

        await deployed.until(killed, "Pod")


ENGINES = [
    ("vllm-unknown-argument", "error: unrecognized arguments: --enable-prefix-cache"),
    ("cuda-oom", "torch.OutOfMemoryError: CUDA out of memory"),
    ("bf16-on-t4", "Bfloat16 is only supported on GPUs with compute capability of at least 8.0"),
]


@pytest.mark.parametrize(("fault", "words"), ENGINES)
async def test_an_engine_dies_at_its_start(deployed: Deployed, fault: str, words: str) -> None:
    async with deployed.broken(fault):

        async def died() -> bool:
            pods = await deployed.replicas()
            looping = [p for p in pods if word(p) == "CrashLoopBackOff"]
            return bool(looping) and words in await deployed.log(looping[0])

        await deployed.until(died, "Pod")
        assert (await deployed.complete()).text == "no healthy upstream"
        managers = [m["manager"] for m in (await deployed.service())["metadata"]["managedFields"]]
        assert "kubectl-edit" in managers
    assert "kubectl-edit" not in [m["manager"] for m in (await deployed.service())["metadata"]["managedFields"]]


async def test_a_tag_that_is_not_there(deployed: Deployed) -> None:
    async with deployed.broken("image-tag-missing"):
        await deployed.until(lambda: _says(deployed, "ImagePullBackOff"), "Pod")
        assert any(text.endswith("3.2.5-rhel9: not found") for text in await deployed.messages("Failed"))


async def test_http_probes_never_pass_a_tls_server(deployed: Deployed) -> None:
    async with deployed.broken("http-probe"):

        async def unhealthy() -> bool:
            return any(text.endswith('/health": EOF') for text in await deployed.messages("Unhealthy"))

        await deployed.until(unhealthy, "Event")
        pods = await deployed.replicas()
        assert ready(pods) == 0
        assert {word(p) for p in pods if "deletionTimestamp" not in p["metadata"]} == {"Running"}


async def test_a_short_startup_probe_kills_engines_that_load(deployed: Deployed) -> None:
    async with deployed.broken("startup-probe-short"):
        text = "Container main failed startup probe, will be restarted"

        async def killed() -> bool:
            return text in await deployed.messages("Killing")

        await deployed.until(killed, "Event")


async def test_an_edit_that_somebody_corrects_is_not_made_again(deployed: Deployed) -> None:
    before = (await deployed.service())["spec"]["template"]["containers"]
    name = (await deployed.service())["metadata"]["name"]
    async with deployed.broken("vllm-unknown-argument"):
        await deployed.until(lambda: _says(deployed, "CrashLoopBackOff"), "Pod")
        fixed = {"spec": {"template": {"containers": before}}}
        assert (await deployed.patch("LLMInferenceService", NS, name, fixed)).status_code == 200
        await deployed.healed()
    assert (await deployed.service())["spec"]["template"]["containers"] == before


async def test_sidecars_make_two_containers_and_slow_answers(deployed: Deployed) -> None:
    async with deployed.broken("sidecar-injected"):

        async def injected() -> bool:
            pods = await deployed.replicas()
            return ready(pods) == 3 and all(len(p["status"]["containerStatuses"]) == 2 for p in pods)

        await deployed.until(injected, "Pod")
        assert (await deployed.complete()).elapsed.total_seconds() > 0.95


async def test_a_rolling_update_waits_for_an_accelerator_for_ever(deployed: Deployed) -> None:
    async with deployed.broken("rollout-stuck"):

        async def stuck() -> bool:
            name = (await deployed.service())["metadata"]["name"]
            deployment = await deployed.get("Deployment", NS, f"{name}-kserve")
            return reason(deployment, "Progressing") == "ProgressDeadlineExceeded"

        await deployed.until(stuck, "Deployment")
        pods = await deployed.replicas()
        assert sorted(map(word, pods)) == ["Pending", "Running", "Running", "Running"]
        assert conditions(await deployed.service())["Ready"] == "True"


async def test_a_service_stopped_on_purpose(deployed: Deployed) -> None:
    async with deployed.broken("service-stopped"):

        async def stopped() -> bool:
            return not await deployed.replicas() and reason(await deployed.service(), "Ready") == "Stopped"

        await deployed.until(stopped, "Pod", "LLMInferenceService")


async def _says(deployed: Deployed, status: str) -> bool:
    return any(word(p) == status for p in await deployed.replicas())
