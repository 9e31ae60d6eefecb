"""Faults on a setup under way and on TPUs, with the actors in this process."""

from __future__ import annotations

from pathlib import Path

from actors_stage import V6E_POOL, stage, word

TPU_ENGINE = "registry.redhat.io/rhaiis/vllm-tpu-rhel9:3.2.5"
TPU_ARGS = ["serve", "Qwen/Qwen2.5-3B-Instruct", "--max-model-len=2048", "--tensor-parallel-size=4"]


async def test_xla_hangs_in_the_first_pod_only_and_goes_on_when_lifted(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        await s.nodes(V6E_POOL, 2)
        s.pull_secret("default", "pull")
        await s.world.faults.switch("xla-stuck", True)
        container = {
            "image": TPU_ENGINE,
            "args": TPU_ARGS,
            "resources": {"limits": {"google.com/tpu": "4"}},
            "readinessProbe": {"httpGet": {"path": "/health", "port": 8000}},
        }
        labels = {"kserve.io/component": "workload"}
        pods = []
        for name in ("first", "second"):
            made = s.create_pod(name, container, imagePullSecrets=[{"name": "pull"}])
            s.store.update("Pod", "default", name, lambda p: p["metadata"].update(labels=labels))
            pods.append(made)

        def ready() -> list[str]:
            return [
                p["metadata"]["name"]
                for p in s.store.list("Pod", "default")
                if any(c["ready"] for c in p["status"].get("containerStatuses") or ())
            ]

        (well,) = await s.until(lambda: ready() if len(ready()) == 1 else None, "Pod")
        stuck = next(p for p in pods if p["metadata"]["name"] != well)
        assert s.log(stuck).endswith("-- num_tokens: 256")
        assert word(s.pod(stuck["metadata"]["name"]) or {}) == "running"
        await s.world.faults.switch("xla-stuck", False)
        await s.until(lambda: len(ready()) == 2, "Pod")


async def test_a_node_that_comes_while_the_fault_is_on_is_hit(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        await s.world.faults.switch("device-plugin-broken", True)
        await s.nodes(V6E_POOL, 2)

        def shown() -> list[str]:
            return sorted(n["status"]["allocatable"].get("google.com/tpu", "-") for n in s.store.list("Node"))

        await s.until(lambda: shown() == ["0", "4"], "Node")
        await s.world.faults.switch("device-plugin-broken", False)
        await s.until(lambda: shown() == ["4", "4"], "Node")
