"""A pod's life on its node: order, words, probes, back-off, and a graceful end."""

from __future__ import annotations

from pathlib import Path

import pytest
from actors_stage import CPU_POOL, ENGINE, T4_POOL, conditions, stage, word

ORDER = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]


async def test_life_from_nothing_to_ready(tmp_path: Path) -> None:
    init = {"name": "prepare", "image": "example.com/prepare:1", "command": ["sh", "-c", "echo done; sleep 5"]}
    async with stage(tmp_path) as s:
        await s.nodes(CPU_POOL, 1)
        s.create_pod("p", {}, initContainers=[init])
        seen = await s.history(
            "p",
            lambda pod: (
                pod.get("status", {}).get("phase"),
                word(pod, "initContainerStatuses"),
                word(pod),
                conditions(pod).get("Initialized"),
                conditions(pod).get("Ready"),
            ),
            lambda w: w[-1] == "True",
        )
        steps = [w for w in seen if w[0] is not None and w[1] != "none"]
        waits = ("Pending", "PodInitializing", "PodInitializing", "False", "False")
        assert steps[0] == waits
        assert list(dict.fromkeys(w[:3] for w in steps)) == [
            ("Pending", "PodInitializing", "PodInitializing"),
            ("Pending", "running", "PodInitializing"),
            ("Pending", "Completed", "PodInitializing"),
            ("Running", "Completed", "running"),
        ]
        pod = s.pod("p")
        assert pod is not None
        assert [c["type"] for c in pod["status"]["conditions"]] == ORDER
        assert pod["status"]["podIP"]
        reasons = [e["reason"] for e in s.store.list("Event") if e["involvedObject"]["name"] == "p"]
        assert set(reasons) == {"Scheduled", "Pulling", "Pulled", "Created", "Started"}
        assert s.log(pod, "prepare") == "done"


async def test_crash_loop_doubles_its_back_off(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        await s.nodes(CPU_POOL, 1)
        s.create_pod("p", {"command": ["sh", "-c", "echo round; exit 3"]})
        texts: list[str] = []

        def back_offs() -> bool:
            state = (s.pod("p") or {}).get("status", {}).get("containerStatuses", [{}])[0].get("state", {})
            text = state.get("waiting", {}).get("message", "")
            if text and (not texts or texts[-1] != text):
                texts.append(text)
            return len(texts) >= 4

        await s.until(back_offs, "Pod")
        pod = s.pod("p")
        assert pod is not None
        where = f"restarting failed container=main pod=p_default({pod['metadata']['uid']})"
        assert texts == [f"back-off {t} {where}" for t in ("10s", "20s", "40s", "1m20s")]
        status = pod["status"]["containerStatuses"][0]
        assert status["restartCount"] >= 4
        assert status["lastState"]["terminated"]["exitCode"] == 3
        assert s.cluster.logs.previous(pod["metadata"]["uid"], "main") is not None


@pytest.mark.parametrize(("code", "phase"), [(0, "Succeeded"), (2, "Failed")])
async def test_a_pod_that_may_end_ends(tmp_path: Path, code: int, phase: str) -> None:
    async with stage(tmp_path) as s:
        await s.nodes(CPU_POOL, 1)
        s.create_pod("p", {"command": ["sh", "-c", f"exit {code}"]}, restartPolicy="Never")
        await s.until(lambda: (s.pod("p") or {}).get("status", {}).get("phase") == phase, "Pod")
        s.store.delete("Pod", "default", "p", grace=None)
        assert s.pod("p") is None


async def test_a_registry_that_refuses_and_then_does_not(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        await s.nodes(T4_POOL, 1)
        s.create_pod(
            "p",
            {"image": ENGINE, "resources": {"limits": {"nvidia.com/gpu": "1"}}},
            imagePullSecrets=[{"name": "login"}],
        )
        words = await s.history("p", word, lambda w: w == "ImagePullBackOff")
        assert words[-2:] == ["ErrImagePull", "ImagePullBackOff"]
        (failed,) = [m for m in s.messages("Failed", "p") if "401 Unauthorized" in m]
        assert failed.startswith(f'Failed to pull image "{ENGINE}": failed to pull and unpack image "{ENGINE}": ')
        assert {"Error: ErrImagePull", "Error: ImagePullBackOff"} <= set(s.messages("Failed", "p"))
        assert s.messages("BackOff", "p") == [f'Back-off pulling image "{ENGINE}"']
        assert "(login)" in s.messages("FailedToRetrieveImagePullSecret", "p")[0]
        await s.world.faults.switch("pull-secret-bad", True)
        s.pull_secret("default", "login")
        again = await s.history("p", word, lambda w: w == "ErrImagePull")
        assert again[-1] == "ErrImagePull"
        await s.world.faults.switch("pull-secret-bad", False)
        await s.until(lambda: s.messages("Pulled", "p"), "Event")
        assert "including waiting). Image size:" in s.messages("Pulled", "p")[0]


@pytest.mark.parametrize("host", ["quay.io", "registry.redhat.io.evil.example"])
async def test_a_login_for_another_registry_does_not_help(tmp_path: Path, host: str) -> None:
    async with stage(tmp_path) as s:
        await s.nodes(T4_POOL, 1)
        s.pull_secret("default", "login", host)
        limits = {"resources": {"limits": {"nvidia.com/gpu": "1"}}}
        s.create_pod("p", {"image": ENGINE, **limits}, imagePullSecrets=[{"name": "login"}])
        await s.history("p", word, lambda w: w == "ImagePullBackOff")


async def test_missing_secrets_hold_a_pod_until_they_come(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        await s.nodes(CPU_POOL, 1)
        reference = {"secretKeyRef": {"name": "env", "key": "k"}}
        s.create_pod(
            "p",
            {"env": [{"name": "A", "valueFrom": reference}]},
            volumes=[{"name": "v", "secret": {"secretName": "mounted"}}],
        )
        await s.until(lambda: s.messages("FailedMount", "p"), "Event")
        assert s.messages("FailedMount", "p") == [
            'MountVolume.SetUp failed for volume "v" : secret "mounted" not found'
        ]
        meta = {"namespace": "default"}
        s.store.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mounted", **meta}})
        await s.history("p", word, lambda w: w == "CreateContainerConfigError")
        assert s.messages("Failed", "p") == ['Error: secret "env" not found']
        s.store.create(
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "env", **meta}, "data": {"k": "eA=="}}
        )
        await s.until(lambda: conditions(s.pod("p")).get("Ready") == "True", "Pod")


async def test_startup_probe_kills_what_never_answers(tmp_path: Path) -> None:
    probe = {"httpGet": {"path": "/health", "port": 9}, "periodSeconds": 5, "failureThreshold": 3}
    async with stage(tmp_path) as s:
        await s.nodes(CPU_POOL, 1)
        s.create_pod("p", {"command": ["sh", "-c", "sleep infinity"], "startupProbe": probe})
        await s.until(lambda: s.messages("Killing", "p"), "Event")
        assert s.messages("Killing", "p") == ["Container main failed startup probe, will be restarted"]
        (text,) = s.messages("Unhealthy", "p")
        ip = (s.pod("p") or {})["status"]["podIP"]
        assert text == f'Startup probe failed: Get "http://{ip}:9/health": dial tcp {ip}:9: connect: connection refused'
        event = next(e for e in s.store.list("Event") if e["reason"] == "Unhealthy")
        assert event["count"] >= 3
        statuses = (s.pod("p") or {})["status"]["containerStatuses"]
        assert (statuses[0]["started"], statuses[0]["ready"]) == (False, False)


async def test_graceful_deletion_ends_through_the_kubelet(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        await s.nodes(CPU_POOL, 1)
        s.create_pod("p", {})
        await s.until(lambda: conditions(s.pod("p")).get("Ready") == "True", "Pod")
        s.store.delete("Pod", "default", "p", grace=None)
        assert "deletionTimestamp" in (s.pod("p") or {})["metadata"]
        await s.until(lambda: s.pod("p") is None, "Pod", "Event")
        assert s.messages("Killing", "p") == ["Stopping container main"]


async def test_a_settled_cluster_writes_nothing(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        await s.nodes(CPU_POOL, 2)
        for name in "abc":
            s.create_pod(name, {"livenessProbe": {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1}})
        await s.until(lambda: all(conditions(s.pod(n)).get("Ready") == "True" for n in "abc"), "Pod")
        await s.world.clock.sleep(60)
        before = s.store.rv
        await s.world.clock.sleep(600)
        assert s.store.rv == before
