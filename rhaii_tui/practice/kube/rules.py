"""What a real server refuses beyond types: names, required parts, references, immutable fields, quota."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from rhaii_tui.practice.kube.checks import Cause
from rhaii_tui.practice.kube.errors import StatusError

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.store import Store

Json = dict[str, Any]

_SUBDOMAIN = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
_LABEL = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
_QUALIFIED = re.compile(r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-\w.]*[A-Za-z0-9])?$")
_VALUE = re.compile(r"^([A-Za-z0-9]([-\w.]*[A-Za-z0-9])?)?$")
_QUANTITY = re.compile(r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+|[KMGTPE]i|[numkMGTPE])?$")

POD_UPDATES = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
CHANGEABLE = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "schedulingGates")
PORT_RANGE = "must be between 1 and 65535, inclusive"
LABEL_NAMES = ("Namespace", "Service")
PATH_NAMES = ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")


def violations(obj: Json, live: Json | None) -> Iterator[Cause]:
    """Reasons to refuse an object that is about to be stored."""
    yield from _metadata(obj)
    kind, spec = obj["kind"], obj.get("spec") or {}
    if kind == "Pod":
        yield from _pod(spec, "spec")
        if live and _fixed(spec) != _fixed(live.get("spec") or {}):
            yield Cause("FieldValueForbidden", f"Forbidden: {POD_UPDATES}", "spec")
    elif kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"):
        yield from _workload(obj, live)
    elif kind == "Secret":
        yield from _secret(obj, live)
    elif kind == "ConfigMap" and live and live.get("immutable"):
        yield from _immutable_data(obj, live)
    elif kind == "Service":
        yield from _service(spec)
    elif kind == "NetworkPolicy":
        yield from _policy(spec)
    elif kind in ("RoleBinding", "ClusterRoleBinding") and live and obj.get("roleRef") != live.get("roleRef"):
        shown = json.dumps(obj.get("roleRef"), separators=(",", ":"))
        yield Cause("FieldValueInvalid", f"Invalid value: {shown}: cannot change roleRef", "roleRef")


def _fixed(spec: Json) -> Json:
    """The part of a pod's spec that never changes."""
    fixed = {k: v for k, v in spec.items() if k not in CHANGEABLE}
    for field in ("containers", "initContainers"):
        fixed[field] = [
            {k: v for k, v in c.items() if k not in ("image", "imagePullPolicy")} for c in spec.get(field) or ()
        ]
    return fixed


def _invalid(value: Any, text: str, field: str) -> Cause:
    shown = json.dumps(value, separators=(",", ":"))
    return Cause("FieldValueInvalid", f"Invalid value: {shown}: {text}", field)


def _metadata(obj: Json) -> Iterator[Cause]:
    meta = obj["metadata"]
    name = meta.get("name", "")
    if not name and not meta.get("generateName"):
        yield Cause("FieldValueRequired", "Required value: name or generateName is required", "metadata.name")
    if name and obj["kind"] in LABEL_NAMES and (not _LABEL.match(name) or len(name) > 63):
        text = (
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and "
            "end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
            "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
        )
        yield _invalid(name, text, "metadata.name")
    elif name and obj["kind"] not in PATH_NAMES and (not _SUBDOMAIN.match(name) or len(name) > 253):
        text = (
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
            "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
            "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
        )
        yield _invalid(name, text, "metadata.name")
    for key, value in (meta.get("labels") or {}).items():
        if not _QUALIFIED.match(key):
            yield _invalid(key, "name part must consist of alphanumeric characters, '-', '_' or '.'", "metadata.labels")
        if not isinstance(value, str) or not _VALUE.match(value) or len(value) > 63:
            text = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.'"
            yield _invalid(value, text, "metadata.labels")


def _pod(spec: Json, path: str) -> Iterator[Cause]:
    volumes = {volume.get("name") for volume in spec.get("volumes") or ()}
    if not spec.get("containers"):
        yield Cause("FieldValueRequired", "Required value", f"{path}.containers")
    for field in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(field) or ()):
            at = f"{path}.{field}[{index}]"
            if not container.get("image"):
                yield Cause("FieldValueRequired", "Required value", f"{at}.image")
            if not _LABEL.match(container.get("name") or "-"):
                yield _invalid(container.get("name"), "a lowercase RFC 1123 label is required", f"{at}.name")
            yield from _ports(container.get("ports") or (), f"{at}.ports")
            for number, mount in enumerate(container.get("volumeMounts") or ()):
                if mount.get("name") not in volumes:
                    name = json.dumps(mount.get("name"))
                    yield Cause("FieldValueNotFound", f"Not found: {name}", f"{at}.volumeMounts[{number}].name")
            yield from _resources(container.get("resources") or {}, f"{at}.resources")
            for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
                yield from _probe(container.get(probe), f"{at}.{probe}")


def _ports(ports: Iterable[Json], path: str) -> Iterator[Cause]:
    names = set()
    for index, port in enumerate(ports):
        for field in ("containerPort", "hostPort"):
            number = port.get(field) or 1
            if not 1 <= number <= 65535:
                yield _invalid(number, PORT_RANGE, f"{path}[{index}].{field}")
        name = port.get("name")
        if name is not None and name in names:
            yield Cause("FieldValueDuplicate", f"Duplicate value: {json.dumps(name)}", f"{path}[{index}].name")
        names.add(name)


def _probe(probe: Json | None, path: str) -> Iterator[Cause]:
    handlers = ("httpGet", "exec", "tcpSocket", "grpc")
    if probe is None:
        return
    if not any(probe.get(handler) for handler in handlers):
        yield Cause("FieldValueRequired", "Required value: must specify a handler type", path)
    if path.endswith(("livenessProbe", "startupProbe")) and probe.get("successThreshold", 1) != 1:
        yield _invalid(probe["successThreshold"], "must be 1", f"{path}.successThreshold")


def _resources(resources: Json, path: str) -> Iterator[Cause]:
    for part in ("limits", "requests"):
        for name, value in (resources.get(part) or {}).items():
            if not _QUANTITY.match(str(value)):
                text = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
                yield _invalid(value, text, f"{path}.{part}[{name}]")
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    for name in requests:
        if "." in name and "/" in name and name in limits and str(requests[name]) != str(limits[name]):
            text = f"must be equal to {name} limit of {limits[name]}"
            yield _invalid(str(requests[name]), text, f"{path}.requests")


def _workload(obj: Json, live: Json | None) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    selector, template = spec.get("selector") or {}, spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    wanted = selector.get("matchLabels") or {}
    if not wanted and not selector.get("matchExpressions"):
        yield Cause("FieldValueRequired", "Required value", "spec.selector")
    if not selector or not wanted.items() <= labels.items():
        yield _invalid(labels, "`selector` does not match template `labels`", "spec.template.metadata.labels")
    if live and live.get("spec", {}).get("selector") != spec.get("selector"):
        yield _invalid(selector, "field is immutable", "spec.selector")
    if isinstance(spec.get("replicas"), int) and spec["replicas"] < 0:
        yield _invalid(spec["replicas"], "must be greater than or equal to 0", "spec.replicas")
    yield from _pod(template.get("spec") or {}, "spec.template.spec")


def _immutable_data(obj: Json, live: Json) -> Iterator[Cause]:
    for field in ("data", "binaryData", "stringData"):
        if obj.get(field) != live.get(field):
            yield Cause("FieldValueForbidden", "Forbidden: field is immutable when `immutable` is set", field)
    if not obj.get("immutable"):
        yield Cause("FieldValueForbidden", "Forbidden: field is immutable when `immutable` is set", "immutable")


def _secret(obj: Json, live: Json | None) -> Iterator[Cause]:
    data = obj.get("data") or {}
    for key, value in data.items():
        try:
            base64.b64decode(value or "", validate=True)
        except (binascii.Error, TypeError):
            yield Cause("FieldValueInvalid", "Invalid value: illegal base64 data", f"data[{key}]")
    if live and live.get("immutable"):
        yield from _immutable_data(obj, live)
    if live and obj.get("type", "Opaque") != live.get("type", "Opaque"):
        yield _invalid(obj.get("type"), "field is immutable", "type")
    if obj.get("type") == "kubernetes.io/dockerconfigjson":
        if ".dockerconfigjson" not in data:
            yield Cause("FieldValueRequired", "Required value", "data[.dockerconfigjson]")
        else:
            try:
                json.loads(base64.b64decode(data[".dockerconfigjson"]))
            except ValueError:
                text = 'Invalid value: "<secret contents redacted>": invalid character in string literal'
                yield Cause("FieldValueInvalid", text, "data[.dockerconfigjson]")
    if obj.get("type") == "kubernetes.io/tls":
        for key in ("tls.crt", "tls.key"):
            if key not in data:
                yield Cause("FieldValueRequired", "Required value", f"data[{key}]")


def _service(spec: Json) -> Iterator[Cause]:
    ports = spec.get("ports") or []
    if not ports and spec.get("clusterIP") != "None" and spec.get("type") != "ExternalName":
        yield Cause("FieldValueRequired", "Required value", "spec.ports")
    for index, port in enumerate(ports):
        number = port.get("port")
        if not isinstance(number, int) or not 1 <= number <= 65535:
            yield _invalid(number, PORT_RANGE, f"spec.ports[{index}].port")
        if len(ports) > 1 and not port.get("name"):
            yield Cause("FieldValueRequired", "Required value", f"spec.ports[{index}].name")


def _policy(spec: Json) -> Iterator[Cause]:
    for index, name in enumerate(spec.get("policyTypes") or ()):
        if name not in ("Ingress", "Egress"):
            text = f'Unsupported value: {json.dumps(name)}: supported values: "Ingress", "Egress"'
            yield Cause("FieldValueNotSupported", text, f"spec.policyTypes[{index}]")
    for side, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(side) or ()):
            for number, port in enumerate(rule.get("ports") or ()):
                value, at = port.get("port"), f"spec.{side}[{index}].ports[{number}].port"
                if isinstance(value, int) and not 1 <= value <= 65535:
                    yield _invalid(value, PORT_RANGE, at)
            for number, peer in enumerate(rule.get(peers) or ()):
                yield from _peer(peer, f"spec.{side}[{index}].{peers}[{number}]")


def _peer(peer: Json, path: str) -> Iterator[Cause]:
    if not peer:
        yield Cause("FieldValueRequired", "Required value: must specify a peer", path)
    block = peer.get("ipBlock")
    if block is not None:
        if peer.keys() & {"podSelector", "namespaceSelector"}:
            text = "Forbidden: may not specify both ipBlock and another peer"
            yield Cause("FieldValueForbidden", text, path)
        try:
            ipaddress.ip_network(block.get("cidr", ""))
        except ValueError:
            text = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
            yield _invalid(block.get("cidr", ""), text, f"{path}.ipBlock.cidr")


def check_quota(store: Store, obj: Json, namespace: str) -> None:
    """Refuse a pod beyond the namespace's ResourceQuota on pods. Raises 403."""
    for quota in store.list("ResourceQuota", namespace):
        hard = (quota.get("spec") or {}).get("hard") or {}
        limit = hard.get("pods", hard.get("count/pods"))
        if limit is None or (quota["spec"].get("scopes") or quota["spec"].get("scopeSelector")):
            continue
        used = sum(
            p.get("status", {}).get("phase") not in ("Succeeded", "Failed") for p in store.list("Pod", namespace)
        )
        if used + 1 > int(limit):
            name, what = obj["metadata"].get("name", ""), quota["metadata"]["name"]
            text = f"exceeded quota: {what}, requested: pods=1, used: pods={used}, limited: pods={limit}"
            details = {"name": name, "kind": "pods"}
            raise StatusError(403, f'pods "{name}" is forbidden: {text}', details=details)
