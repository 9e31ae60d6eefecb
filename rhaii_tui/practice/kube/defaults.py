"""Values a real server fills in when it stores a built-in kind."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.store import Store

Json = dict[str, Any]

PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}


def apply(obj: Json, store: Store) -> None:
    """Fill defaults into a built-in object that is about to be created or replaced."""
    kind, spec = obj["kind"], obj.get("spec")
    if kind == "Pod" and spec:
        pod_spec(spec)
        if not spec.get("serviceAccountName"):
            spec["serviceAccountName"] = "default"
        spec.setdefault("serviceAccount", spec["serviceAccountName"])
        _tolerations(spec)
    elif kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job") and spec:
        if kind not in ("DaemonSet", "Job"):
            spec.setdefault("replicas", 1)
        if kind != "Job":
            _template(spec.setdefault("template", {}))
        if kind == "Deployment":
            _deployment(spec)
    elif kind == "Service" and spec:
        _service(obj, store)
    elif kind == "Secret":
        obj.setdefault("type", "Opaque")
        _string_data(obj)
    elif kind == "NetworkPolicy" and spec:
        if not spec.get("policyTypes"):
            spec["policyTypes"] = ["Ingress", *(["Egress"] if spec.get("egress") else [])]
        for rule in [*(spec.get("ingress") or ()), *(spec.get("egress") or ())]:
            for port in rule.get("ports") or ():
                port.setdefault("protocol", "TCP")
    elif kind in ("RoleBinding", "ClusterRoleBinding"):
        obj.get("roleRef", {}).setdefault("apiGroup", "rbac.authorization.k8s.io")


def _template(template: Json) -> None:
    """Defaults of a pod template. Typed clients send a null creationTimestamp, which must not make a new revision."""
    meta = template.get("metadata") or {}
    if "creationTimestamp" in meta and meta["creationTimestamp"] is None:
        del meta["creationTimestamp"]
    pod_spec(template.setdefault("spec", {}))


def pod_spec(spec: Json) -> None:
    """Defaults of a pod's spec."""
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        _container(container)
    for volume in spec.get("volumes") or ():
        for source, default in (("secret", 420), ("configMap", 420), ("projected", 420)):
            if isinstance(volume.get(source), dict):
                volume[source].setdefault("defaultMode", default)


def _container(container: Json) -> None:
    image = container.get("image", "")
    tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
    latest = tag == "latest" or (not tag and "@" not in image)
    container.setdefault("imagePullPolicy", "Always" if latest else "IfNotPresent")
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    resources = container.setdefault("resources", {})
    for name, value in (resources.get("limits") or {}).items():
        resources.setdefault("requests", {}).setdefault(name, value)
    for port in container.get("ports") or ():
        port.setdefault("protocol", "TCP")
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if isinstance(container.get(probe), dict):
            _probe(container[probe])
    for env in container.get("env") or ():
        reference = (env.get("valueFrom") or {}).get("fieldRef")
        if reference:
            reference.setdefault("apiVersion", "v1")


def _probe(probe: Json) -> None:
    for field, value in PROBE.items():
        probe.setdefault(field, value)
    if isinstance(probe.get("httpGet"), dict):
        probe["httpGet"].setdefault("path", "/")
        probe["httpGet"].setdefault("scheme", "HTTP")


def _tolerations(spec: Json) -> None:
    tolerations = spec.setdefault("tolerations", []) or []
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(t.get("key") == key or (not t.get("key") and t.get("operator") == "Exists") for t in tolerations):
            tolerations.append({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300})
    spec["tolerations"] = tolerations


def _deployment(spec: Json) -> None:
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxSurge", "25%")
        rolling.setdefault("maxUnavailable", "25%")
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)


def _service(obj: Json, store: Store) -> None:
    spec = obj["spec"]
    kind = spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))
        if kind in ("LoadBalancer", "NodePort"):
            port.setdefault("nodePort", 30000 + (port.get("port") or 0) % 2767)
    if kind == "ExternalName" or obj["kind"] != "Service":
        return
    spec.setdefault("internalTrafficPolicy", "Cluster")
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    if not spec.get("clusterIP"):
        number = len(store.list("Service")) + store.rv
        spec["clusterIP"] = f"34.118.{224 + number // 250 % 16}.{number % 250 + 2}"
    if spec["clusterIP"] != "None":
        spec["clusterIPs"] = [spec["clusterIP"]]


def _string_data(secret: Json) -> None:
    for key, text in (secret.pop("stringData", None) or {}).items():
        secret.setdefault("data", {})[key] = base64.b64encode(str(text).encode()).decode()
