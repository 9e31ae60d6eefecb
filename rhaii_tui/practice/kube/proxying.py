"""The pod and service proxy: requests handed to whatever listens in a pod."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from rhaii_tui.practice.kube.call import Call
from rhaii_tui.practice.kube.errors import StatusError, not_found

Json = dict[str, Any]


def _target(call: Call) -> tuple[str, str]:
    """Name and port of `[scheme:]name[:port]`."""
    parts = call.path.name.split(":")
    if len(parts) == 3:
        return parts[1], parts[2]
    return parts[0], parts[1] if len(parts) == 2 else ""


async def proxy(call: Call) -> web.StreamResponse:
    """Hand the request on. Raises 404 without the object, 503 when nothing listens."""
    name, port = _target(call)
    obj = call.store.get(call.kind.store_key, call.path.namespace, name)
    if obj is None:
        raise not_found(call.kind.plural, call.kind.group, name)
    if call.kind.kind == "Service":
        pod, number = _behind(call, obj, port)
    else:
        pod, number = obj, _pod_port(obj, port)
    address = f"{pod.get('status', {}).get('podIP', '')}:{number}"
    traffic = call.cluster.world.traffic
    try:
        if traffic is None or not pod.get("status", {}).get("podIP"):
            raise ConnectionRefusedError
        return await traffic.pod_request(call.cluster, pod, number, f"/{call.path.tail}", call.request)
    except TimeoutError:
        text = f"error trying to reach service: dial tcp {address}: i/o timeout"
        raise StatusError(503, text) from None
    except ConnectionRefusedError:
        text = f"error trying to reach service: dial tcp {address}: connect: connection refused"
        raise StatusError(503, text) from None


def _pod_port(pod: Json, port: str) -> int:
    if port.isdigit():
        return int(port)
    ports = [p for c in pod["spec"].get("containers", ()) for p in c.get("ports", ())]
    found = next((p["containerPort"] for p in ports if not port or p.get("name") == port), None)
    return int(found) if found else 80


def _behind(call: Call, service: Json, port: str) -> tuple[Json, int]:
    """A ready pod behind a service, and the port it is reached on."""
    name, spec = service["metadata"]["name"], service["spec"]
    ports = spec.get("ports", [])
    chosen = next((p for p in ports if not port or port in (str(p["port"]), p.get("name"))), None)
    if chosen is None:
        raise StatusError(503, f'no service port {port!r} found for service "{name}"')
    selector = spec.get("selector") or {}
    pods = call.store.list("Pod", call.path.namespace, selector) if selector else []
    ready = [pod for pod in pods if _ready(pod)]
    if not ready:
        raise StatusError(503, f'no endpoints available for service "{name}"')
    pod = call.cluster.world.rng.choice(ready)
    return pod, _pod_port(pod, str(chosen.get("targetPort", chosen["port"])))


def _ready(pod: Json) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
