"""Children of an LLMInferenceService that lead requests to it: picker, pool, route, TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rhaii_tui.practice.actors.kserve_preset import child_name
from rhaii_tui.practice.actors.kserve_workload import labels, meta, pod_labels
from rhaii_tui.practice.actors.objects import Obj

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.store import Store

SCHEDULER = "llminferenceservice-router-scheduler"
POOL_GROUP, OLD_POOL_GROUP = "inference.networking.k8s.io", "inference.networking.x-k8s.io"
CA_FILE = "/var/run/secrets/opendatahub/ca.crt"
_PORTS = (("grpc", 9002), ("grpc-health", 9003), ("metrics", 9090), ("zmq", 5557))


def scheduler(store: Store, service: Obj, spec: Obj) -> list[Obj]:
    """The endpoint picker and its pool, in the order the controller makes them."""
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    own = labels(service, SCHEDULER)
    account = child_name(name, "-epp-sa")
    template = {**(spec["router"]["scheduler"].get("template") or {})}
    template.setdefault("serviceAccountName", account)
    subject = {"kind": "ServiceAccount", "name": account, "namespace": namespace}
    role = child_name(name, "-epp-role")
    epp = child_name(name, "-epp-service")
    rbac = "rbac.authorization.k8s.io"
    children: list[Obj] = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta(service, account, own)},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "Role",
            "metadata": meta(service, role, own),
            "rules": [
                {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]},
                {"apiGroups": [POOL_GROUP, OLD_POOL_GROUP], "resources": ["*"], "verbs": ["get", "list", "watch"]},
            ],
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": meta(service, child_name(name, "-epp-rb"), own),
            "subjects": [subject],
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": role},
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": auth_binding(service), "labels": own},
            "subjects": [subject],
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "system:auth-delegator"},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": meta(service, child_name(name, "-kserve-router-scheduler"), own),
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": own},
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
                "progressDeadlineSeconds": 600,
                "template": {"metadata": {"labels": own}, "spec": template},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": meta(service, epp, own),
            "spec": {
                "type": "ClusterIP",
                "selector": own,
                "ports": [{"name": n, "port": p, "protocol": "TCP", "targetPort": p} for n, p in _PORTS],
            },
        },
        {
            "apiVersion": f"{POOL_GROUP}/v1",
            "kind": "InferencePool",
            "metadata": meta(service, child_name(name, "-inference-pool"), own),
            "spec": {
                "selector": {"matchLabels": pod_labels(service)},
                "targetPorts": [{"number": 8000}],
                "endpointPickerRef": {
                    "group": "",
                    "kind": "Service",
                    "name": epp,
                    "port": {"number": 9002},
                    "failureMode": "FailOpen",
                },
            },
        },
    ]
    if store.has_kind(f"InferencePool.{OLD_POOL_GROUP}"):
        children.append(
            {
                "apiVersion": f"{OLD_POOL_GROUP}/v1alpha2",
                "kind": "InferencePool",
                "metadata": meta(service, child_name(name, "-inference-pool"), own),
                "spec": {
                    "selector": pod_labels(service),
                    "targetPortNumber": 8000,
                    "extensionRef": {"name": epp, "portNumber": 9002, "failureMode": "FailOpen"},
                },
            }
        )
    if store.has_kind("InferenceModel"):
        pool = {"group": OLD_POOL_GROUP, "kind": "InferencePool", "name": child_name(name, "-inference-pool")}
        children.append(
            {
                "apiVersion": f"{OLD_POOL_GROUP}/v1alpha2",
                "kind": "InferenceModel",
                "metadata": meta(service, child_name(name, "-inference-model"), own),
                "spec": {"modelName": spec["model"]["name"], "criticality": "Standard", "poolRef": pool},
            }
        )
    return children


def auth_binding(service: Obj) -> str:
    """The one cluster-wide child: no owner reference can hold it, the finalizer removes it."""
    return child_name(f"{service['metadata']['namespace']}-{service['metadata']['name']}", "-epp-auth-rb")


def route(service: Obj, spec: Obj, gateways: list[tuple[str, str]]) -> Obj:
    """The HTTPRoute: completions and chat through the pool (or the Service), everything else to the Service."""
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    plain = {
        "group": "",
        "kind": "Service",
        "name": child_name(name, "-kserve-workload-svc"),
        "port": 8000,
        "weight": 1,
    }
    pool = {
        "group": POOL_GROUP,
        "kind": "InferencePool",
        "name": child_name(name, "-inference-pool"),
        "port": 8000,
        "weight": 1,
    }
    routed = pool if "scheduler" in (spec.get("router") or {}) else plain
    paths = (("/v1/completions", routed), ("/v1/chat/completions", routed), ("", plain))
    http = (spec["router"]["route"] or {}).get("http") or {}
    made = meta(service, child_name(name, "-kserve-route"), labels(service, "llminferenceservice-router"))
    if routed is pool:
        made["annotations"] = {"serving.kserve.io/inferencepool-migrated": "v1"}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": made,
        "spec": {
            "parentRefs": [
                {"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": ns, "name": n}
                for ns, n in gateways
            ],
            **({"hostnames": http["spec"]["hostnames"]} if (http.get("spec") or {}).get("hostnames") else {}),
            # Rules of the user's own replace the preset's.
            "rules": (http.get("spec") or {}).get("rules")
            or [_rule(f"/{namespace}/{name}{path}", path or "/", backend) for path, backend in paths],
        },
    }


def _rule(path: str, rewritten: str, backend: Obj) -> Obj:
    replace = {"type": "ReplacePrefixMatch", "replacePrefixMatch": rewritten}
    return {
        "matches": [{"path": {"type": "PathPrefix", "value": path}}],
        "filters": [{"type": "URLRewrite", "urlRewrite": {"path": replace}}],
        "backendRefs": [backend],
        "timeouts": {"request": "0s", "backendRequest": "0s"},
    }


def destination_rules(service: Obj, spec: Obj) -> list[Obj]:
    """How the gateway speaks TLS to the replicas and to the picker; reconciled back when edited."""
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]

    def rule(suffix: str, host: str, tls: dict[str, Any]) -> Obj:
        return {
            "apiVersion": "networking.istio.io/v1",
            "kind": "DestinationRule",
            "metadata": meta(service, child_name(name, suffix), labels(service, "llminferenceservice-router")),
            "spec": {"host": f"{host}.{namespace}.svc.cluster.local", "trafficPolicy": {"tls": tls}},
        }

    target = child_name(name, "-kserve-workload-svc")
    rules = [rule("-kserve-workload-svc", target, {"mode": "SIMPLE", "caCertificates": CA_FILE})]
    if "scheduler" in (spec.get("router") or {}):
        skip = {"mode": "SIMPLE", "insecureSkipVerify": True}
        rules.append(rule("-kserve-scheduler", child_name(name, "-epp-service"), skip))
        rules.append(rule("-kserve-workload", child_name(name, "-inference-pool-ip"), skip))
    return rules
