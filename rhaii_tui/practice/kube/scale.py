"""The scale subresource: replicas of a workload as autoscaling/v1 Scale."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from rhaii_tui.practice.clock import CloudClock
from rhaii_tui.practice.kube import admission, bodies, managers, patches
from rhaii_tui.practice.kube.call import Call
from rhaii_tui.practice.kube.columns import selector_text
from rhaii_tui.practice.kube.errors import StatusError
from rhaii_tui.practice.kube.jsonpath import values
from rhaii_tui.practice.kube.managers import Manager

Json = dict[str, Any]


def _shown(call: Call, obj: Json) -> Json:
    meta = {k: obj["metadata"].get(k) for k in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")}
    paths = call.kind.scale_paths
    replicas = values(paths.get("specReplicasPath", ".spec.replicas"), obj)
    current = values(paths.get("statusReplicasPath", ".status.replicas"), obj)
    selector = values(paths.get("labelSelectorPath", ".spec.selector"), obj)
    text = (
        selector[0] if selector and isinstance(selector[0], str) else selector_text(selector[0] if selector else None)
    )
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": meta,
        "spec": {"replicas": replicas[0]} if replicas else {},
        "status": {"replicas": current[0] if current else 0} | ({"selector": text} if selector else {}),
    }


def get(call: Call) -> web.Response:
    """The scale of an object."""
    return web.json_response(_shown(call, call.found().obj))


async def write(call: Call) -> web.Response:
    """PUT or PATCH of the scale."""
    body = await bodies.read(call.request)
    live = call.found().obj
    scale = _shown(call, live)
    if call.request.method == "PUT":
        scale = body
    elif call.request.content_type == "application/json-patch+json":
        scale = patches.json_patch(scale, body)
    else:
        scale = patches.merge(scale, body)
    version = (scale.get("metadata") or {}).get("resourceVersion")
    if version not in (None, "", live["metadata"]["resourceVersion"]):
        text = "the object has been modified; please apply your changes to the latest version and try again"
        raise StatusError(409, f'Operation cannot be fulfilled on {call.where} "{call.path.name}": {text}')
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int) or replicas < 0:
        text = f'Scale.autoscaling "{call.path.name}" is invalid: spec.replicas: Invalid value: {replicas}: '
        raise StatusError(422, text + "must be greater than or equal to 0")
    path = call.kind.scale_paths.get("specReplicasPath", ".spec.replicas").strip(".").split(".")
    shape = admission.shape_of(call.kind, call.path.version)
    who = Manager(call.manager, "Update", call.api_version, "scale", set(), CloudClock.stamp())

    def change(obj: Json) -> None:
        target = obj
        for part in path[:-1]:
            target = target.setdefault(part, {})
        target[path[-1]] = replicas
        managers.updated(live, obj, shape, who)

    if call.dry_run:
        return web.json_response(_shown(call, call.store.revised(live, change)))
    found = call.store.update(call.kind.store_key, call.path.namespace, call.path.name, change)
    if found is None:
        raise call.missing()
    return web.json_response(_shown(call, found))
