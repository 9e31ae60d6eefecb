"""For each rule the one piece of evidence that differs from a healthy deployment."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from doctor_stage import GATES, NOW, NS, Stage

from rhaii_tui.doctor.evidence import LogKey, Scrapes
from rhaii_tui.doctor.pieces import Read, Unread
from rhaii_tui.google.compute import Quota, Quotas
from rhaii_tui.google.errors import from_text
from rhaii_tui.serving import manifests, metrics

CASES: dict[str, Callable[[Stage], None]] = {}
"""By rule id; a gpu-t4-scale-out stage is broken in place."""


def case(rule: str) -> Callable[[Callable[[Stage], None]], Callable[[Stage], None]]:
    def keep(function: Callable[[Stage], None]) -> Callable[[Stage], None]:
        CASES[rule] = function
        return function

    return keep


def _simple(rule: str, change: Callable[[Stage], Any]) -> None:
    CASES[rule] = change


def _full(s: Stage) -> str:
    return f"0/5 nodes are available: 3 Insufficient {s.resource}, 2 node(s) didn't match Pod's node affinity/selector."


@case("access.api-disabled")
def _(s: Stage) -> None:
    s.google["GKE cluster"] = Unread("GKE cluster", "API_DISABLED: it has not been used in project 1")


_simple("access.rbac", lambda s: s.google.update({"may create clusterroles": Read(False, NOW)}))
_simple(
    "access.cluster-broken", lambda s: s.google.update({"GKE cluster": Read(s.cluster_info(s.pool, "DEGRADED"), NOW)})
)


@case("controllers.webhook")
def _(s: Stage) -> None:
    pod = s.one("Pod", "kserve-controller-manager-x")
    pod["status"]["conditions"][-1]["status"] = "False"


@case("controllers.unavailable")
def _(s: Stage) -> None:
    s.one("Deployment", "kserve-controller-manager")["status"]["conditions"][0]["status"] = "False"


def _condition(s: Stage, type_: str, reason: str, message: str) -> None:
    (told,) = (c for c in s.service["status"]["conditions"] if c["type"] == type_)
    told |= {"status": "False", "reason": reason, "message": message}


_simple(
    "controllers.presets", lambda s: _condition(s, "PresetsCombined", "ConfigNotFound", "kserve-config-llm not found")
)
_simple("gateway.absent", lambda s: s.kinds.update({"Gateway": []}))


@case("gateway.no-address")
def _(s: Stage) -> None:
    gate = s.kinds["Gateway"][0]
    gate["status"]["addresses"] = []
    gate["status"]["conditions"][1] |= {"status": "False", "reason": "AddressNotAssigned", "message": "pending"}


_simple("gateway.ca-missing", lambda s: s.remove("ConfigMap", "odh-ca-bundle"))
_simple("gateway.unreached", lambda s: s.serving(False, "refused", "connection refused"))
_simple("route.absent", lambda s: s.kinds.update({"HTTPRoute": []}))


@case("route.not-accepted")
def _(s: Stage) -> None:
    told = s.route["status"]["parents"][0]["conditions"][0]
    told |= {"status": "False", "reason": "NotAllowedByListeners", "message": "namespace not allowed"}


@case("route.not-resolved")
def _(s: Stage) -> None:
    s.route["status"]["parents"][0]["conditions"][1] |= {"status": "False", "reason": "BackendNotFound"}
    s.route["spec"]["rules"][2]["backendRefs"][0]["name"] = "another"


def _filter(s: Stage, namespace: str) -> dict[str, Any]:
    document = manifests.body_forwarding(s.target, s.route)
    document["metadata"] |= {"namespace": namespace, "uid": "filter"}
    s.kinds["EnvoyFilter"].append(document)
    s.unmarked()
    return document


_simple("route.filter-wrong-namespace", lambda s: _filter(s, NS))


@case("route.filter-wrong-index")
def _(s: Stage) -> None:
    patch = _filter(s, GATES)["spec"]["configPatches"][0]
    patch["match"]["routeConfiguration"]["vhost"]["route"]["name"] = f"{NS}.{s.route['metadata']['name']}.7"


@case("route.second-route")
def _(s: Stage) -> None:
    s.add("HTTPRoute", "theirs", "elsewhere", spec={"parentRefs": s.route["spec"]["parentRefs"]}, status={})
    s.unmarked()


_simple("route.filter-lost", lambda s: s.unmarked())
_simple("pool.absent", lambda s: s.kinds.update({"InferencePool": []}))


@case("pool.unclaimed")
def _(s: Stage) -> None:
    s.kinds["InferencePool"][0]["status"]["parents"] = []


@case("pool.selects-nothing")
def _(s: Stage) -> None:
    s.kinds["InferencePool"][0]["spec"]["selector"] = {"matchLabels": {"app": "none"}}


_simple(
    "picker.not-written",
    lambda s: _condition(s, "SchedulerWorkloadReady", "SchedulerReconcileError", "containers: Required value"),
)


def _picker(s: Stage) -> dict[str, Any]:
    return s.one("Pod", f"{s.svc}-epp-x")


@case("picker.pending")
def _(s: Stage) -> None:
    pod = _picker(s)
    del pod["spec"]["nodeName"]
    text = "0/5 nodes are available: 5 Insufficient cpu."
    pod["status"] = {"conditions": [{"type": "PodScheduled", "status": "False", "message": text}]}
    s.metrics.pop(pod["metadata"]["name"])


@case("picker.dead")
def _(s: Stage) -> None:
    s.metrics[f"{s.svc}-epp-x"] = Read(Scrapes(None, None, "503: no endpoints"), NOW)
    s.unmarked()


def _policy(s: Stage, labels: dict[str, str], **spec: Any) -> None:
    s.add("NetworkPolicy", "theirs", NS, spec={"podSelector": {"matchLabels": labels}, **spec})


@case("policy.gateway-to-replicas")
def _(s: Stage) -> None:
    s.kinds["NetworkPolicy"] = []
    _policy(s, {}, policyTypes=["Ingress"])
    s.serving(False)


@case("policy.gateway-to-picker")
def _(s: Stage) -> None:
    s.kinds["NetworkPolicy"] = []
    _policy(s, {"app.kubernetes.io/component": "llminferenceservice-router-scheduler"}, policyTypes=["Ingress"])
    s.unmarked()


@case("policy.picker-egress")
def _(s: Stage) -> None:
    s.kinds["NetworkPolicy"] = []
    _policy(s, {"app.kubernetes.io/component": "llminferenceservice-router-scheduler"}, policyTypes=["Egress"])


_simple("policy.egress", lambda s: _policy(s, {"kserve.io/component": "workload"}, policyTypes=["Egress"]))
_simple("service.stopped", lambda s: s.service["metadata"]["annotations"].update({"serving.kserve.io/stop": "true"}))


@case("service.plain-http")
def _(s: Stage) -> None:
    s.main["args"] = [a for a in s.main["args"] if not a.startswith("--ssl")]


@case("service.sidecar")
def _(s: Stage) -> None:
    s.one("Namespace", NS)["metadata"]["labels"]["istio-injection"] = "enabled"


_simple("service.certificates", lambda s: s.remove("Secret", f"{s.svc}-kserve-self-signed-certs"))
_simple("service.selects-nothing", lambda s: s.remove("Service", f"{s.svc}-kserve-workload-svc"))


@case("service.absent")
def _(s: Stage) -> None:
    s.service = {}
    s.kinds |= {"HTTPRoute": [], "InferencePool": []}
    s.kinds["Pod"] = [p for p in s.kinds["Pod"] if p["metadata"].get("namespace") != NS]
    s.answers = Unread("the gateway's answers", "no service", absent=True)


@case("client.prompts-too-short")
def _(s: Stage) -> None:
    s.traffic(requests=6, prompt_tokens=40, prefix_queries=40)


@case("client.prefixes-not-shared")
def _(s: Stage) -> None:
    s.traffic(requests=6, prompt_tokens=6000, prefix_queries=6000, prefix_hits=100)


_simple("vllm.kv-full", lambda s: s.traffic(kv_usage=0.97))
_simple("vllm.queueing", lambda s: s.traffic(waiting=12, running=8))


@case("vllm.cache-off")
def _(s: Stage) -> None:
    for pod in s.pods:
        off = metrics.Scrape({"requests": 1.0}, {"enable_prefix_caching": "False"})
        s.metrics[pod["metadata"]["name"]] = Read(Scrapes(off, off), NOW)


@case("vllm.silent")
def _(s: Stage) -> None:
    s.metrics[s.pods[0]["metadata"]["name"]] = Read(Scrapes(None, None, "502: connection refused"), NOW)


_simple("vllm.too-few", lambda s: s.unready(s.pods[0]))
_simple("vllm.unanswered", lambda s: s.serving(False, "timeout", "504"))


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
    pod = s.pending(_full(s))
    pod["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": newer["metadata"]["name"]}]


@case("scheduling.pool-too-small")
def _(s: Stage) -> None:
    s.pending(_full(s))
    s.remove("Node", s.nodes[-1]["metadata"]["name"])


_simple("scheduling.other", lambda s: s.pending("0/5 nodes are available: 5 Insufficient cpu."))


def _short_of(s: Stage, message: str) -> None:
    s.google["GKE operations"] = Read((s.operation(13, message),), NOW)
    CASES["scheduling.pool-too-small"](s)


_simple("node.quota", lambda s: _short_of(s, "Insufficient regional quota to satisfy request: resource NVIDIA_T4_GPUS"))
_simple("node.operation-failed", lambda s: _short_of(s, "Internal error."))


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
    s.pending(_full(s))
    s.nodes[-1]["status"] |= {"allocatable": {"cpu": "4"}}


@case("accelerator.refused")
def _(s: Stage) -> None:
    pod = s.unready(s.pods[0])
    pod["status"] |= {"reason": "UnexpectedAdmissionError", "phase": "Failed"}
    s.event("Pod", pod["metadata"]["name"], "UnexpectedAdmissionError", "Allocate failed: UnexpectedAdmissionError")


_simple("accelerator.unseen", lambda s: s.crashing("RuntimeError: No CUDA GPUs are available"))


def _waiting(s: Stage, message: str) -> None:
    for pod in s.pods:
        s.unready(pod, main={"state": {"waiting": {"reason": "ImagePullBackOff", "message": message}}})
    s.serving(False)


_PULL = 'failed to pull and unpack image "registry.redhat.io/rhaiis/vllm-cuda-rhel9:3.2.5"'
_simple("image.credentials", lambda s: _waiting(s, f"{_PULL}: 401 Unauthorized"))


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


_simple("download.token", lambda s: _download(s, "401 Client Error: Unauthorized for url: x"))
_simple("download.gated", lambda s: _download(s, "403 Client Error: Forbidden for url: x"))
_simple("download.memory", lambda s: _download(s, "Fetching 12 files", reason="OOMKilled"))
_simple("download.egress", lambda s: _download(s, "Name or service not known"))
_simple("download.throttled", lambda s: _download(s, "429 Client Error: Too Many Requests"))
_simple("download.disk", lambda s: _download(s, "OSError: No space left on device"))


@case("download.wrong-key")
def _(s: Stage) -> None:
    s.one("Secret", "huggingface-token")["data"] = {"hf-token": ""}
    _download(s, "401 Client Error: Unauthorized for url: x")


@case("download.silent")
def _(s: Stage) -> None:
    pod = s.unready(s.pods[0], storage_initializer={"state": {"running": {}}})
    s.log(pod, "storage-initializer", "Fetching 12 files", ago=3000)


_simple("engine.argument", lambda s: _argument(s))


def _argument(s: Stage) -> None:
    s.main["args"].append("--enable-prefix-cache")
    s.crashing("vllm serve: error: unrecognized arguments: --enable-prefix-cache", code=2)


_simple("engine.memory", lambda s: s.crashing("torch.OutOfMemoryError: CUDA out of memory."))
_simple("engine.kv-cache", lambda s: s.crashing("ValueError: No available memory for the cache blocks."))
_simple(
    "engine.dtype",
    lambda s: s.crashing("ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0."),
)
_simple("engine.disk", lambda s: s.crashing("OSError: No space left on device"))
_simple("engine.killed", lambda s: s.crashing("Loading", code=137, reason="OOMKilled"))
_simple("engine.crashes", lambda s: s.crashing("SomethingError: nobody has seen this before"))


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


FORBIDDEN = Unread("logs of pods in rhaii-inference", "pods/log is forbidden", "get pods/log")


def no_logs(s: Stage) -> None:
    """Logs may not be read."""
    s.logs = {LogKey(p["metadata"]["name"], "main"): FORBIDDEN for p in s.pods}
