"""metrics.k8s.io: what `kubectl top` shows, made up from requests of the running pods."""

from __future__ import annotations

import re
import zlib
from typing import Any

from aiohttp import web

from rhaii_tui.practice.clock import CloudClock
from rhaii_tui.practice.kube import selectors
from rhaii_tui.practice.kube.call import Call

Json = dict[str, Any]

_UNITS = {"": 1, "m": 0.001, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30,
          "Ti": 2**40}  # fmt: skip
_QUANTITY = re.compile(r"^([\d.]+)([a-zA-Z]*)$")


def _number(quantity: Any, default: float) -> float:
    found = _QUANTITY.match(str(quantity or ""))
    return float(found[1]) * _UNITS.get(found[2], 1) if found else default


def _usage(pod: Json, container: Json) -> tuple[float, float]:
    """Cores and bytes: a steady share of the requests that differs from container to container."""
    share = 0.35 + 0.4 * (zlib.crc32((pod["metadata"]["uid"] + container["name"]).encode()) % 100) / 100
    requests = (container.get("resources") or {}).get("requests") or {}
    return _number(requests.get("cpu"), 0.05) * share, _number(requests.get("memory"), 96 * 2**20) * share


def _shown(usage: tuple[float, float]) -> Json:
    return {"cpu": f"{int(usage[0] * 1e9)}n", "memory": f"{int(usage[1] / 1024)}Ki"}


def _running(call: Call) -> list[Json]:
    pods = call.store.list("Pod")
    return [pod for pod in pods if pod.get("status", {}).get("phase") == "Running"]


def _pod(pod: Json) -> Json:
    meta = pod["metadata"]
    return {
        "kind": "PodMetrics",
        "apiVersion": "metrics.k8s.io/v1beta1",
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": meta.get("labels", {}),
            "creationTimestamp": CloudClock.stamp(),
        },
        "timestamp": CloudClock.stamp(),
        "window": "15s",
        "containers": [{"name": c["name"], "usage": _shown(_usage(pod, c))} for c in pod["spec"].get("containers", ())],
    }


def _node(node: Json, pods: list[Json]) -> Json:
    name = node["metadata"]["name"]
    usages = [_usage(p, c) for p in pods if p["spec"].get("nodeName") == name for c in p["spec"].get("containers", ())]
    total = 0.08 + sum(cpu for cpu, _ in usages), 900 * 2**20 + sum(memory for _, memory in usages)
    return {
        "kind": "NodeMetrics",
        "apiVersion": "metrics.k8s.io/v1beta1",
        "metadata": {
            "name": name,
            "labels": node["metadata"].get("labels", {}),
            "creationTimestamp": CloudClock.stamp(),
        },
        "timestamp": CloudClock.stamp(),
        "window": "15s",
        "usage": _shown(total),
    }


def answer(call: Call) -> web.Response:
    """One object or a list."""
    pods = _running(call)
    if call.kind.kind == "PodMetrics":
        wanted = call.path.namespace
        items = [_pod(pod) for pod in pods if not wanted or pod["metadata"]["namespace"] == wanted]
    else:
        items = [_node(node, pods) for node in call.store.list("Node")]
    keep = selectors.labels(call.query("labelSelector"))
    items = [item for item in items if keep is None or keep(item)]
    if call.path.name:
        found = next((item for item in items if item["metadata"]["name"] == call.path.name), None)
        if found is None:
            raise call.missing()
        return web.json_response(found)
    body = {"kind": f"{call.kind.kind}List", "apiVersion": call.api_version, "metadata": {}, "items": items}
    return web.json_response(body)
