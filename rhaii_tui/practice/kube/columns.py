"""The columns kubectl shows for each built-in kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rhaii_tui.practice.kube.ages import age
from rhaii_tui.practice.kube.podwords import words

Json = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """One column; priority 1 shows with `-o wide` only."""

    name: str
    cell: Callable[[Json], Any]
    type: str = "string"
    format: str = ""
    priority: int = 0


def _at(obj: Json, path: str, default: Any = None) -> Any:
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
        if value is None:
            return default
    return value


def _field(name: str, path: str, default: Any = "", type_: str = "string", priority: int = 0) -> Column:
    return Column(name, lambda obj: _at(obj, path, default), type_, priority=priority)


def _number(name: str, path: str) -> Column:
    return _field(name, path, 0, "integer")


def _wide(name: str, cell: Callable[[Json], Any]) -> Column:
    return Column(name, cell, priority=1)


NAME = Column("Name", lambda obj: obj["metadata"]["name"], "string", "name")
AGE = Column("Age", lambda obj: age(obj["metadata"].get("creationTimestamp")))
CREATED = Column("Created At", lambda obj: obj["metadata"].get("creationTimestamp"), "date")


def selector_text(selector: Json | None) -> str:
    """A LabelSelector as `a=b,c in (d)`."""
    if not selector:
        return "<none>"
    pairs = [f"{k}={v}" for k, v in sorted((selector.get("matchLabels") or {}).items())]
    for item in selector.get("matchExpressions", ()):
        values = f" ({','.join(item['values'])})" if item.get("values") else ""
        pairs.append(f"{item['key']} {item['operator'].lower()}{values}")
    return ",".join(pairs) or "<none>"


def _plain_selector(selector: dict[str, str] | None) -> str:
    return ",".join(f"{k}={v}" for k, v in sorted((selector or {}).items())) or "<none>"


def _containers(field: str) -> Callable[[Json], str]:
    return lambda obj: ",".join(c.get(field, "") for c in _at(obj, "spec.template.spec.containers", []))


WORKLOAD = (
    _wide("Containers", _containers("name")),
    _wide("Images", _containers("image")),
    _wide("Selector", lambda obj: selector_text(_at(obj, "spec.selector"))),
)


def _gates(pod: Json) -> str:
    gates = _at(pod, "spec.readinessGates", [])
    if not gates:
        return "<none>"
    true = {c["type"] for c in _at(pod, "status.conditions", []) if c["status"] == "True"}
    return f"{sum(gate['conditionType'] in true for gate in gates)}/{len(gates)}"


def _node_status(node: Json) -> str:
    ready = next((c for c in _at(node, "status.conditions", []) if c["type"] == "Ready"), None)
    word = "Unknown" if ready is None else "Ready" if ready["status"] == "True" else "NotReady"
    return word + (",SchedulingDisabled" if _at(node, "spec.unschedulable") else "")


def _roles(node: Json) -> str:
    prefix = "node-role.kubernetes.io/"
    roles = [k.removeprefix(prefix) for k in _at(node, "metadata.labels", {}) if k.startswith(prefix)]
    return ",".join(sorted(roles)) or "<none>"


def _node_address(kind: str) -> Callable[[Json], str]:
    def cell(node: Json) -> str:
        return next((a["address"] for a in _at(node, "status.addresses", []) if a["type"] == kind), "<none>")

    return cell


def _external(service: Json) -> str:
    spec = service.get("spec", {})
    addresses = list(spec.get("externalIPs", ()))
    if spec.get("type") == "LoadBalancer":
        ingress = _at(service, "status.loadBalancer.ingress", [])
        addresses += [item.get("ip") or item.get("hostname", "") for item in ingress]
        return ",".join(addresses) or "<pending>"
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName", ""))
    return ",".join(addresses) or "<none>"


def _ports(service: Json) -> str:
    ports = _at(service, "spec.ports", [])
    shown = [
        f"{p['port']}{':' + str(p['nodePort']) if p.get('nodePort') else ''}/{p.get('protocol', 'TCP')}" for p in ports
    ]
    return ",".join(shown) or "<none>"


def _event_time(event: Json) -> str | None:
    return _at(event, "series.lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")


def _event_object(event: Json) -> str:
    involved = event.get("involvedObject", {})
    return f"{involved.get('kind', '').lower()}/{involved.get('name', '')}"


def _desired(node: str) -> Column:
    return _number(node, "status.desiredNumberScheduled")


def _count(*fields: str) -> Callable[[Json], int]:
    return lambda obj: sum(len(obj.get(field) or ()) for field in fields)


def _role(obj: Json) -> str:
    return f"{obj['roleRef']['kind']}/{obj['roleRef']['name']}"


def _quota(part: str) -> Callable[[Json], str]:
    def cell(obj: Json) -> str:
        hard, used = _at(obj, "status.hard", _at(obj, "spec.hard", {})), _at(obj, "status.used", {})
        shown = [k for k in sorted(hard) if k.startswith("limits.") == (part == "limits")]
        return ", ".join(f"{k}: {used.get(k, '0')}/{hard[k]}" for k in shown)

    return cell


def _job_duration(job: Json) -> str:
    return age(_at(job, "status.startTime")) if _at(job, "status.startTime") else ""


COLUMNS: dict[str, Sequence[Column]] = {
    "": (NAME, AGE),
    "Pod": (
        NAME,
        Column("Ready", lambda pod: words(pod).ready),
        Column("Status", lambda pod: words(pod).status),
        Column("Restarts", lambda pod: words(pod).restarts),
        AGE,
        _field("IP", "status.podIP", "<none>", priority=1),
        _field("Node", "spec.nodeName", "<none>", priority=1),
        _field("Nominated Node", "status.nominatedNodeName", "<none>", priority=1),
        _wide("Readiness Gates", _gates),
    ),
    "Node": (
        NAME,
        Column("Status", _node_status),
        Column("Roles", _roles),
        AGE,
        _field("Version", "status.nodeInfo.kubeletVersion"),
        _wide("Internal-IP", _node_address("InternalIP")),
        _wide("External-IP", _node_address("ExternalIP")),
        _field("OS-Image", "status.nodeInfo.osImage", "<unknown>", priority=1),
        _field("Kernel-Version", "status.nodeInfo.kernelVersion", "<unknown>", priority=1),
        _field("Container-Runtime", "status.nodeInfo.containerRuntimeVersion", "<unknown>", priority=1),
    ),
    "Deployment": (
        NAME,
        Column("Ready", lambda obj: f"{_at(obj, 'status.readyReplicas', 0)}/{_at(obj, 'spec.replicas', 1)}"),
        _field("Up-to-date", "status.updatedReplicas", 0, "integer"),
        _number("Available", "status.availableReplicas"),
        AGE,
        *WORKLOAD,
    ),
    "ReplicaSet": (
        NAME,
        _field("Desired", "spec.replicas", 1, "integer"),
        _number("Current", "status.replicas"),
        _number("Ready", "status.readyReplicas"),
        AGE,
        *WORKLOAD,
    ),
    "StatefulSet": (
        NAME,
        Column("Ready", lambda obj: f"{_at(obj, 'status.readyReplicas', 0)}/{_at(obj, 'spec.replicas', 1)}"),
        AGE,
        *WORKLOAD[:2],
    ),
    "DaemonSet": (
        NAME,
        _desired("Desired"),
        _number("Current", "status.currentNumberScheduled"),
        _number("Ready", "status.numberReady"),
        _number("Up-to-date", "status.updatedNumberScheduled"),
        _number("Available", "status.numberAvailable"),
        Column("Node Selector", lambda obj: _plain_selector(_at(obj, "spec.template.spec.nodeSelector"))),
        AGE,
        *WORKLOAD,
    ),
    "Job": (
        NAME,
        Column("Status", lambda obj: "Complete" if _at(obj, "status.completionTime") else "Running"),
        Column("Completions", lambda obj: f"{_at(obj, 'status.succeeded', 0)}/{_at(obj, 'spec.completions', 1)}"),
        Column("Duration", _job_duration),
        AGE,
        *WORKLOAD,
    ),
    "Service": (
        NAME,
        _field("Type", "spec.type", "ClusterIP"),
        _field("Cluster-IP", "spec.clusterIP", "<none>"),
        Column("External-IP", _external),
        Column("Port(s)", _ports),
        AGE,
        _wide("Selector", lambda obj: _plain_selector(_at(obj, "spec.selector"))),
    ),
    "Event": (
        Column("Last Seen", lambda event: age(_event_time(event))),
        _field("Type", "type"),
        _field("Reason", "reason"),
        Column("Object", _event_object),
        _field("Subobject", "involvedObject.fieldPath", priority=1),
        _wide("Source", lambda event: _at(event, "source.component") or event.get("reportingComponent", "")),
        Column("Message", lambda event: (event.get("message") or "").strip()),
        _wide("First Seen", lambda event: age(event.get("firstTimestamp") or event.get("eventTime"))),
        _wide("Count", lambda event: _at(event, "series.count") or event.get("count") or 1),
        Column("Name", lambda event: event["metadata"]["name"], "string", "name", 1),
    ),
    "Namespace": (NAME, _field("Status", "status.phase"), AGE),
    "Secret": (NAME, _field("Type", "type", "Opaque"), Column("Data", _count("data"), "integer"), AGE),
    "ConfigMap": (NAME, Column("Data", _count("data", "binaryData"), "integer"), AGE),
    "ServiceAccount": (NAME, Column("Secrets", _count("secrets"), "integer"), AGE),
    "PersistentVolumeClaim": (
        NAME,
        _field("Status", "status.phase"),
        _field("Volume", "spec.volumeName"),
        _field("Capacity", "status.capacity.storage"),
        Column("Access Modes", lambda obj: ",".join(_at(obj, "status.accessModes", []))),
        _field("StorageClass", "spec.storageClassName"),
        AGE,
    ),
    "ResourceQuota": (NAME, Column("Request", _quota("requests")), Column("Limit", _quota("limits")), AGE),
    "NetworkPolicy": (NAME, Column("Pod-Selector", lambda obj: selector_text(_at(obj, "spec.podSelector"))), AGE),
    "Role": (NAME, CREATED),
    "ClusterRole": (NAME, CREATED),
    "RoleBinding": (NAME, Column("Role", _role), AGE),
    "ClusterRoleBinding": (NAME, Column("Role", _role), AGE),
    "CustomResourceDefinition": (NAME, CREATED),
    "Lease": (NAME, _field("Holder", "spec.holderIdentity"), AGE),
    "PriorityClass": (
        NAME,
        _field("Value", "value", 0, "integer"),
        _field("Global-Default", "globalDefault", False, "boolean"),
        AGE,
    ),
    "StorageClass": (NAME, _field("Provisioner", "provisioner"), _field("ReclaimPolicy", "reclaimPolicy"), AGE),
    "ValidatingWebhookConfiguration": (NAME, Column("Webhooks", _count("webhooks"), "integer"), AGE),
    "MutatingWebhookConfiguration": (NAME, Column("Webhooks", _count("webhooks"), "integer"), AGE),
    "Endpoints": (
        NAME,
        Column(
            "Endpoints",
            lambda obj: (
                ",".join(
                    f"{a['ip']}:{p['port']}"
                    for s in obj.get("subsets", ())
                    for a in s.get("addresses", ())
                    for p in s.get("ports", ())
                )
                or "<none>"
            ),
        ),
        AGE,
    ),
    "HorizontalPodAutoscaler": (
        NAME,
        Column("Reference", lambda o: f"{o['spec']['scaleTargetRef']['kind']}/{o['spec']['scaleTargetRef']['name']}"),
        _field("MinPods", "spec.minReplicas", 1, "integer"),
        _number("MaxPods", "spec.maxReplicas"),
        _number("Replicas", "status.currentReplicas"),
        AGE,
    ),
    "PodDisruptionBudget": (
        NAME,
        _field("Min Available", "spec.minAvailable", "N/A"),
        _field("Max Unavailable", "spec.maxUnavailable", "N/A"),
        _number("Allowed Disruptions", "status.disruptionsAllowed"),
        AGE,
    ),
}
