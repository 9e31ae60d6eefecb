"""For each rule of a replica's life the one piece of evidence that differs from a healthy deployment."""

from __future__ import annotations

import dataclasses

from doctor_stage import NOW, NS, Stage
from rule_cases import CASES, case, full, simple

from rhaii_tui.doctor.pieces import Read
from rhaii_tui.google.compute import Quota, Quotas
from rhaii_tui.google.errors import from_text


@case("scheduling.not-created")
def _(s: Stage) -> None:
    s.remove("Pod", s.pods[0]["metadata"]["name"])
    s.event("ReplicaSet", f"{s.svc}-kserve-1", "FailedCreate", "exceeded quota: gpus")


@case("scheduling.selector")
def _(s: Stage) -> None:
    s.pending("0/5 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.")
    s.nodes[-1]["metadata"]["labels"].pop("cloud.google.com/gke-accelerator")


@case("scheduling.taint")
def _(s: Stage) -> None:
    s.pending("0/5 nodes are available: 1 node(s) had untolerated taint(s).")
    s.nodes[-1]["spec"]["taints"].append({"key": "team", "value": "research", "effect": "NoSchedule"})


@case("scheduling.cordoned")
def _(s: Stage) -> None:
    s.pending("0/5 nodes are available: 1 node(s) were unschedulable.")
    s.nodes[-1]["spec"]["unschedulable"] = True


@case("scheduling.rollout-stuck")
def _(s: Stage) -> None:
    owner = s.one("ReplicaSet", f"{s.svc}-kserve-1")["metadata"]["ownerReferences"]
    newer = s.add("ReplicaSet", f"{s.svc}-kserve-2", NS, spec={"replicas": 1})
    newer["metadata"] |= {"ownerReferences": owner, "annotations": {"deployment.kubernetes.io/revision": "2"}}
    pod = s.pending(full(s))
    pod["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": newer["metadata"]["name"]}]


@case("scheduling.pool-too-small")
def _(s: Stage) -> None:
    s.pending(full(s))
    s.remove("Node", s.nodes[-1]["metadata"]["name"])


simple("scheduling.other", lambda s: s.pending("0/5 nodes are available: 5 Insufficient cpu."))


def _short_of(s: Stage, message: str) -> None:
    s.google["GKE operations"] = Read((s.operation(13, message),), NOW)
    CASES["scheduling.pool-too-small"](s)


simple("node.quota", lambda s: _short_of(s, "Insufficient regional quota to satisfy request: resource NVIDIA_T4_GPUS"))
simple("node.operation-failed", lambda s: _short_of(s, "Internal error."))


@case("node.stockout")
def _(s: Stage) -> None:
    s.google["instance group errors"] = Read((from_text("ZONE_RESOURCE_POOL_EXHAUSTED: no more"),), NOW)
    CASES["scheduling.pool-too-small"](s)


@case("node.quota-limit")
def _(s: Stage) -> None:
    s.google["region quotas"] = Read(Quotas({"NVIDIA_T4_GPUS": Quota(0, 0)}), NOW)


@case("node.pool-broken")
def _(s: Stage) -> None:
    broken = dataclasses.replace(s.pool, status="ERROR", status_message="it broke")
    s.google["GKE cluster"] = Read(s.cluster_info(broken), NOW)


@case("node.spot-reclaimed")
def _(s: Stage) -> None:
    CASES["scheduling.pool-too-small"](s)
    s.event("Node", f"gke-x-{s.target.pool}-1", "Shutdown", "Instance was preempted: imminent node shutdown")


@case("node.lost")
def _(s: Stage) -> None:
    s.nodes[-1]["status"]["conditions"][0] |= {"status": "Unknown", "reason": "NodeStatusUnknown"}
    s.unready(s.pods[-1])


@case("accelerator.unregistered")
def _(s: Stage) -> None:
    s.pending(full(s))
    s.nodes[-1]["status"] |= {"allocatable": {"cpu": "4"}}


@case("accelerator.refused")
def _(s: Stage) -> None:
    pod = s.unready(s.pods[0])
    pod["status"] |= {"reason": "UnexpectedAdmissionError", "phase": "Failed"}
    s.event("Pod", pod["metadata"]["name"], "UnexpectedAdmissionError", "Allocate failed: UnexpectedAdmissionError")


simple("accelerator.unseen", lambda s: s.crashing("RuntimeError: No CUDA GPUs are available"))


def _waiting(s: Stage, message: str) -> None:
    for pod in s.pods:
        s.unready(pod, main={"state": {"waiting": {"reason": "ImagePullBackOff", "message": message}}})
    s.serving(False)


_PULL = 'failed to pull and unpack image "registry.redhat.io/rhaiis/vllm-cuda-rhel9:3.2.5"'
simple("image.credentials", lambda s: _waiting(s, f"{_PULL}: 401 Unauthorized"))


@case("image.secret-absent")
def _(s: Stage) -> None:
    _waiting(s, f"{_PULL}: 401 Unauthorized")
    s.remove("Secret", "rhaiis-pull-secret")


@case("image.missing")
def _(s: Stage) -> None:
    s.main["image"] = "registry.redhat.io/rhaiis/vllm-cuda-rhel9:3.2.5-rhel9"
    _waiting(s, f"{_PULL}: not found")


@case("image.disk")
def _(s: Stage) -> None:
    s.unready(s.pods[0])
    s.event("Pod", s.pods[0]["metadata"]["name"], "Evicted", "The node was low on resource: ephemeral-storage")


@case("image.sandbox")
def _(s: Stage) -> None:
    s.unready(s.pods[0])
    s.event("Pod", s.pods[0]["metadata"]["name"], "FailedCreatePodSandBox", "Failed to create pod sandbox: cni")


def _download(s: Stage, *lines: str, reason: str = "Error") -> None:
    s.crashing(*lines, container="storage-initializer", reason=reason, code=137 if reason == "OOMKilled" else 1)


simple("download.token", lambda s: _download(s, "401 Client Error: Unauthorized for url: x"))
simple("download.gated", lambda s: _download(s, "403 Client Error: Forbidden for url: x"))
simple("download.memory", lambda s: _download(s, "Fetching 12 files", reason="OOMKilled"))
simple("download.egress", lambda s: _download(s, "Name or service not known"))
simple("download.throttled", lambda s: _download(s, "429 Client Error: Too Many Requests"))
simple("download.disk", lambda s: _download(s, "OSError: No space left on device"))


@case("download.wrong-key")
def _(s: Stage) -> None:
    s.one("Secret", "huggingface-token")["data"] = {"hf-token": ""}
    _download(s, "401 Client Error: Unauthorized for url: x")


@case("download.silent")
def _(s: Stage) -> None:
    pod = s.unready(s.pods[0], storage_initializer={"state": {"running": {}}})
    s.log(pod, "storage-initializer", "Fetching 12 files", ago=3000)


simple("engine.argument", lambda s: _argument(s))


def _argument(s: Stage) -> None:
    s.main["args"].append("--enable-prefix-cache")
    s.crashing("vllm serve: error: unrecognized arguments: --enable-prefix-cache", code=2)


simple("engine.memory", lambda s: s.crashing("torch.OutOfMemoryError: CUDA out of memory."))
simple("engine.kv-cache", lambda s: s.crashing("ValueError: No available memory for the cache blocks."))
simple(
    "engine.dtype",
    lambda s: s.crashing("ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0."),
)
simple("engine.disk", lambda s: s.crashing("OSError: No space left on device"))
simple("engine.killed", lambda s: s.crashing("Loading", code=137, reason="OOMKilled"))
simple("engine.crashes", lambda s: s.crashing("SomethingError: nobody has seen this before"))


@case("compile.stuck")
def _(s: Stage) -> None:
    pod = s.unready(s.pods[0])
    s.log(pod, "main", "Initializing a V1 LLM engine", "Compiling the model with different input shapes.", ago=2000)


@case("probes.http")
def _(s: Stage) -> None:
    s.main["readinessProbe"]["httpGet"]["scheme"] = "HTTP"
    s.unready(s.pods[0])


@case("probes.impatient")
def _(s: Stage) -> None:
    s.main["startupProbe"] |= {"failureThreshold": 6}
    s.event("Pod", s.pods[0]["metadata"]["name"], "Unhealthy", "Startup probe failed: connection refused")


@case("probes.answer")
def _(s: Stage) -> None:
    s.unready(s.pods[0])
    text = "Readiness probe failed: HTTP probe failed with statuscode: 401"
    s.event("Pod", s.pods[0]["metadata"]["name"], "Unhealthy", text)


__all__ = ["CASES"]
