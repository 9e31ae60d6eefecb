"""Reads the protobuf bodies that kubectl sends for a few kinds; a wire reader with just their field numbers."""

from __future__ import annotations

import base64
from typing import Any

from rhaii_tui.practice.kube.errors import StatusError

MAGIC = b"k8s\x00"

# A message maps field numbers to (name, type). Types: "str", "int", "bool", "bytes", a message, or one of these in a
# list (repeated); "either" is an integer or a string; "map" is a string map, "bytesmap" one of bytes (base64 in JSON),
# "quantities" one of quantities.
Message = dict[int, tuple[str, Any]]

_OWNER: Message = {1: ("kind", "str"), 3: ("name", "str"), 4: ("uid", "str"), 5: ("apiVersion", "str"),
                   6: ("controller", "bool"), 7: ("blockOwnerDeletion", "bool")}  # fmt: skip
_META: Message = {1: ("name", "str"), 2: ("generateName", "str"), 3: ("namespace", "str"), 5: ("uid", "str"),
                  6: ("resourceVersion", "str"), 11: ("labels", "map"), 12: ("annotations", "map"),
                  13: ("ownerReferences", [_OWNER]), 14: ("finalizers", ["str"])}  # fmt: skip
_PRECONDITIONS: Message = {1: ("uid", "str"), 2: ("resourceVersion", "str")}
_DELETE: Message = {1: ("gracePeriodSeconds", "int"), 2: ("preconditions", _PRECONDITIONS),
                    3: ("orphanDependents", "bool"), 4: ("propagationPolicy", "str"),
                    5: ("dryRun", ["str"])}  # fmt: skip
_ATTRIBUTES: Message = {1: ("namespace", "str"), 2: ("verb", "str"), 3: ("group", "str"), 4: ("version", "str"),
                        5: ("resource", "str"), 6: ("subresource", "str"), 7: ("name", "str")}  # fmt: skip
_URL: Message = {1: ("path", "str"), 2: ("verb", "str")}

_PORT: Message = {1: ("name", "str"), 2: ("hostPort", "int"), 3: ("containerPort", "int"), 4: ("protocol", "str")}
_ENV: Message = {1: ("name", "str"), 2: ("value", "str")}
_CONTAINER: Message = {1: ("name", "str"), 2: ("image", "str"), 3: ("command", ["str"]), 4: ("args", ["str"]),
                       5: ("workingDir", "str"), 6: ("ports", [_PORT]), 7: ("env", [_ENV])}  # fmt: skip
_TEMPLATE: Message = {
    1: ("metadata", _META),
    2: ("spec", {2: ("containers", [_CONTAINER]), 3: ("restartPolicy", "str")}),
}
_SELECTOR: Message = {1: ("matchLabels", "map")}
_RULE: Message = {1: ("verbs", ["str"]), 2: ("apiGroups", ["str"]), 3: ("resources", ["str"]),
                  4: ("resourceNames", ["str"]), 5: ("nonResourceURLs", ["str"])}  # fmt: skip
_SUBJECT: Message = {1: ("kind", "str"), 2: ("apiGroup", "str"), 3: ("name", "str"), 4: ("namespace", "str")}
_ROLE: Message = {1: ("metadata", _META), 2: ("rules", [_RULE])}
_BINDING: Message = {1: ("metadata", _META), 2: ("subjects", [_SUBJECT]),
                     3: ("roleRef", {1: ("apiGroup", "str"), 2: ("kind", "str"), 3: ("name", "str")})}  # fmt: skip
_SERVICE_PORT: Message = {1: ("name", "str"), 2: ("protocol", "str"), 3: ("port", "int"), 4: ("targetPort", "either")}

MESSAGES: dict[str, Message] = {
    "Namespace": {1: ("metadata", _META), 2: ("spec", {1: ("finalizers", ["str"])})},
    "ConfigMap": {1: ("metadata", _META), 2: ("data", "map"), 3: ("binaryData", "bytesmap"), 4: ("immutable", "bool")},
    "Secret": {
        1: ("metadata", _META),
        2: ("data", "bytesmap"),
        3: ("type", "str"),
        4: ("stringData", "map"),
        5: ("immutable", "bool"),
    },
    "ServiceAccount": {1: ("metadata", _META)},
    "DeleteOptions": _DELETE,
    "SelfSubjectAccessReview": {
        1: ("metadata", _META),
        2: ("spec", {1: ("resourceAttributes", _ATTRIBUTES), 2: ("nonResourceAttributes", _URL)}),
    },
    "SelfSubjectRulesReview": {1: ("metadata", _META), 2: ("spec", {1: ("namespace", "str")})},
    "SelfSubjectReview": {1: ("metadata", _META)},
    "TokenRequest": {
        1: ("metadata", _META),
        2: ("spec", {1: ("audiences", ["str"]), 4: ("expirationSeconds", "int")}),
    },
    "Deployment": {
        1: ("metadata", _META),
        2: ("spec", {1: ("replicas", "int"), 2: ("selector", _SELECTOR), 3: ("template", _TEMPLATE)}),
    },
    "Job": {1: ("metadata", _META), 2: ("spec", {6: ("template", _TEMPLATE), 7: ("backoffLimit", "int")})},
    "ResourceQuota": {1: ("metadata", _META), 2: ("spec", {1: ("hard", "quantities"), 2: ("scopes", ["str"])})},
    "Role": _ROLE,
    "ClusterRole": _ROLE,
    "RoleBinding": _BINDING,
    "ClusterRoleBinding": _BINDING,
    "Service": {
        1: ("metadata", _META),
        2: (
            "spec",
            {
                1: ("ports", [_SERVICE_PORT]),
                2: ("selector", "map"),
                3: ("clusterIP", "str"),
                4: ("type", "str"),
                10: ("externalName", "str"),
            },
        ),
    },
    "PodDisruptionBudget": {
        1: ("metadata", _META),
        2: ("spec", {1: ("minAvailable", "either"), 2: ("selector", _SELECTOR), 3: ("maxUnavailable", "either")}),
    },
    "Scale": {1: ("metadata", _META), 2: ("spec", {1: ("replicas", "int")})},
    "Eviction": {1: ("metadata", _META), 2: ("deleteOptions", _DELETE)},
}


def read(body: bytes) -> dict[str, Any]:
    """The object in a protobuf body. Raises 415 for a kind without field numbers here."""
    if not body.startswith(MAGIC):
        raise StatusError(400, "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    envelope = dict(_fields(body[4:]))
    meta = dict(_fields(envelope.get(1, b"")))
    api_version, kind = meta.get(1, b"").decode(), meta.get(2, b"").decode()
    if kind not in MESSAGES:
        raise StatusError(415, f"the body of the request was in an unknown format - protobuf of {kind} is not accepted")
    return {"apiVersion": api_version, "kind": kind} | _message(envelope.get(2, b""), MESSAGES[kind])


_MAPS = {"map": "str", "bytesmap": "bytes", "quantities": "quantity"}


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _fields(data: bytes) -> list[tuple[int, Any]]:
    """Field numbers with varints as int and length-delimited values as bytes."""
    found: list[tuple[int, Any]] = []
    at = 0
    try:
        while at < len(data):
            tag, at = _varint(data, at)
            number, wire = tag >> 3, tag & 7
            if wire == 0:
                value, at = _varint(data, at)
                found.append((number, value))
            elif wire == 2:
                size, at = _varint(data, at)
                found.append((number, data[at : at + size]))
                at += size
            else:
                at += 8 if wire == 1 else 4
    except IndexError:
        raise StatusError(400, "unexpected EOF in protobuf body") from None
    return found


def _message(data: bytes, message: Message) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for number, raw in _fields(data):
        if number not in message:
            continue
        name, kind = message[number]
        if isinstance(kind, str) and kind in _MAPS:
            pair = dict(_fields(raw))
            result.setdefault(name, {})[pair.get(1, b"").decode()] = _value(pair.get(2, b""), _MAPS[kind])
        elif isinstance(kind, list):
            result.setdefault(name, []).append(_value(raw, kind[0]))
        else:
            value = _value(raw, kind)
            if value != "":
                result[name] = value
    return result


def _value(raw: Any, kind: Any) -> Any:
    if isinstance(kind, dict):
        return _message(raw, kind)
    if kind == "str":
        return raw.decode()
    if kind == "either":
        parts = dict(_fields(raw))
        return parts.get(3, b"").decode() if parts.get(1) else parts.get(2, 0)
    if kind == "quantity":
        return dict(_fields(raw)).get(1, b"").decode()
    if kind == "bytes":
        return base64.b64encode(raw).decode()
    if kind == "bool":
        return bool(raw)
    return raw - (1 << 64) if raw >= 1 << 63 else raw
