"""Readings of Kubernetes objects that the data plane needs: readiness, addresses, selectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]


def key(obj: Object) -> str:
    """`namespace/name`."""
    meta = obj["metadata"]
    return f"{meta.get('namespace', '')}/{meta['name']}"


def condition(obj: Object, kind: str) -> str | None:
    """The status of a condition, None when it has not been written."""
    for entry in obj.get("status", {}).get("conditions") or ():
        if entry.get("type") == kind:
            return str(entry.get("status"))
    return None


def is_ready(pod: Object) -> bool:
    """Whether a pod is an endpoint: it has an address, is Ready and is not being deleted."""
    return (
        bool(pod.get("status", {}).get("podIP"))
        and condition(pod, "Ready") == "True"
        and not pod["metadata"].get("deletionTimestamp")
    )


def selects(selector: Mapping[str, str], obj: Object) -> bool:
    """Whether equality selectors match an object's labels; an empty selector matches nothing, as for a Service."""
    labels = obj["metadata"].get("labels") or {}
    return bool(selector) and all(labels.get(name) == value for name, value in selector.items())


def has_sidecar(pod: Object) -> bool:
    """Whether Istio put its proxy into a pod."""
    return any(c.get("name") == "istio-proxy" for c in pod["spec"].get("containers") or ())


def main_container(pod: Object) -> Object:
    """The container `main`, else the first one."""
    containers: list[Object] = pod["spec"].get("containers") or [{}]
    return next((c for c in containers if c.get("name") == "main"), containers[0])
