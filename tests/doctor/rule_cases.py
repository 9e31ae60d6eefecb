"""For each rule the one piece of evidence that differs from a healthy deployment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from doctor_stage import GATES, NOW, NS, Stage

from rhaii_tui.doctor.evidence import LogKey, Scrapes
from rhaii_tui.doctor.pieces import Read, Unread
from rhaii_tui.doctor.rolling import ROLLED_FROM
from rhaii_tui.serving import manifests, metrics

CASES: dict[str, Callable[[Stage], None]] = {}
"""By rule id; a gpu-t4-scale-out stage is broken in place."""


def case(rule: str) -> Callable[[Callable[[Stage], None]], Callable[[Stage], None]]:
    def keep(function: Callable[[Stage], None]) -> Callable[[Stage], None]:
        CASES[rule] = function
        return function

    return keep


def simple(rule: str, change: Callable[[Stage], Any]) -> None:
    CASES[rule] = change


def full(s: Stage) -> str:
    return f"0/5 nodes are available: 3 Insufficient {s.resource}, 2 node(s) didn't match Pod's node affinity/selector."


@case("access.api-disabled")
def _(s: Stage) -> None:
    s.google["GKE cluster"] = Unread("GKE cluster", "API_DISABLED: it has not been used in project 1")


simple("access.rbac", lambda s: s.google.update({"may create clusterroles": Read(False, NOW)}))
simple(
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


simple(
    "controllers.presets", lambda s: _condition(s, "PresetsCombined", "ConfigNotFound", "kserve-config-llm not found")
)
simple("gateway.absent", lambda s: s.kinds.update({"Gateway": []}))


@case("gateway.no-address")
def _(s: Stage) -> None:
    gate = s.kinds["Gateway"][0]
    gate["status"]["addresses"] = []
    gate["status"]["conditions"][1] |= {"status": "False", "reason": "AddressNotAssigned", "message": "pending"}


simple("gateway.ca-missing", lambda s: s.remove("ConfigMap", "odh-ca-bundle"))
simple("gateway.unreached", lambda s: s.serving(False, "refused", "connection refused"))
simple("route.absent", lambda s: s.kinds.update({"HTTPRoute": []}))


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


simple("route.filter-wrong-namespace", lambda s: _filter(s, NS))


@case("route.filter-wrong-index")
def _(s: Stage) -> None:
    patch = _filter(s, GATES)["spec"]["configPatches"][0]
    patch["match"]["routeConfiguration"]["vhost"]["route"]["name"] = f"{NS}.{s.route['metadata']['name']}.7"


@case("route.second-route")
def _(s: Stage) -> None:
    s.add("HTTPRoute", "theirs", "elsewhere", spec={"parentRefs": s.route["spec"]["parentRefs"]}, status={})
    s.unmarked()


simple("route.filter-lost", lambda s: s.unmarked())
simple("pool.absent", lambda s: s.kinds.update({"InferencePool": []}))


@case("pool.unclaimed")
def _(s: Stage) -> None:
    s.kinds["InferencePool"][0]["status"]["parents"] = []


@case("pool.selects-nothing")
def _(s: Stage) -> None:
    s.kinds["InferencePool"][0]["spec"]["selector"] = {"matchLabels": {"app": "none"}}


simple(
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


simple("policy.egress", lambda s: _policy(s, {"kserve.io/component": "workload"}, policyTypes=["Egress"]))
simple("service.stopped", lambda s: s.service["metadata"]["annotations"].update({"serving.kserve.io/stop": "true"}))


@case("service.replica-owed")
def _(s: Stage) -> None:
    s.service["metadata"]["annotations"][ROLLED_FROM] = str(s.target.replicas)
    s.service["spec"]["replicas"] = s.target.replicas - 1


@case("service.plain-http")
def _(s: Stage) -> None:
    s.main["args"] = [a for a in s.main["args"] if not a.startswith("--ssl")]


@case("service.sidecar")
def _(s: Stage) -> None:
    s.one("Namespace", NS)["metadata"]["labels"]["istio-injection"] = "enabled"


simple("service.certificates", lambda s: s.remove("Secret", f"{s.svc}-kserve-self-signed-certs"))
simple("service.selects-nothing", lambda s: s.remove("Service", f"{s.svc}-kserve-workload-svc"))


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


simple("vllm.kv-full", lambda s: s.traffic(kv_usage=0.97))
simple("vllm.queueing", lambda s: s.traffic(waiting=12, running=8))


@case("vllm.cache-off")
def _(s: Stage) -> None:
    for pod in s.pods:
        off = metrics.Scrape({"requests": 1.0}, {"enable_prefix_caching": "False"})
        s.metrics[pod["metadata"]["name"]] = Read(Scrapes(off, off), NOW)


@case("vllm.silent")
def _(s: Stage) -> None:
    s.metrics[s.pods[0]["metadata"]["name"]] = Read(Scrapes(None, None, "502: connection refused"), NOW)


simple("vllm.too-few", lambda s: s.unready(s.pods[0]))
simple("vllm.unanswered", lambda s: s.serving(False, "timeout", "504"))


FORBIDDEN = Unread("logs of pods in rhaii-inference", "pods/log is forbidden", "get pods/log")


def no_logs(s: Stage) -> None:
    """Logs may not be read."""
    s.logs = {LogKey(p["metadata"]["name"], "main"): FORBIDDEN for p in s.pods}
