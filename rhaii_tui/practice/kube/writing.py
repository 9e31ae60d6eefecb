"""Create, replace, patch, apply and delete."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from rhaii_tui.practice.clock import CloudClock
from rhaii_tui.practice.kube import admission, bodies, managers, patches
from rhaii_tui.practice.kube.call import Call
from rhaii_tui.practice.kube.errors import StatusError
from rhaii_tui.practice.kube.eventforms import stored
from rhaii_tui.practice.kube.journal import Version
from rhaii_tui.practice.kube.managers import Manager
from rhaii_tui.practice.kube.reading import match, present

Json = dict[str, Any]

PATCHES = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
# Subresources that write a part of the object and keep the rest.
PARTS = ("status",)


def _who(call: Call, operation: str) -> Manager:
    return Manager(call.manager, operation, call.api_version, call.path.subresource, set(), CloudClock.stamp())


def _answer(call: Call, obj: Json, warnings: list[str], status: int = 200) -> web.Response:
    response = present(call, Version({"metadata": {}, **obj}), status)
    for text in warnings:
        escaped = text.replace('"', '\\"')
        response.headers.add("Warning", f'299 - "{escaped}"')
    return response


async def create(call: Call) -> web.Response:
    """POST to a collection."""
    obj = await bodies.mapping(call.request)
    admission.identify(call, obj)
    obj, warnings = admission.decode(call, stored(obj) if call.kind.store_key == "Event" else obj)
    return _answer(call, _create(call, obj, "Update"), warnings, 201)


def _create(call: Call, obj: Json, operation: str) -> Json:
    if "status" in call.kind.subresources:
        obj.pop("status", None)
    obj["metadata"].pop("resourceVersion", None)
    obj = admission.complete(call, obj, None)
    if operation == "Update":
        shape = admission.shape_of(call.kind, call.path.version)
        obj["metadata"].pop("managedFields", None)
        managers.updated(None, obj, shape, _who(call, "Update"))
    if call.dry_run:
        draft = call.store.draft(obj)
        return draft | {"metadata": draft["metadata"] | {"resourceVersion": "0"}}
    return call.store.create(obj)


async def replace(call: Call) -> web.Response:
    """PUT of an object or of a part of it."""
    obj = await bodies.mapping(call.request)
    admission.identify(call, obj)
    obj, warnings = admission.decode(call, stored(obj) if call.kind.store_key == "Event" else obj)
    live = call.found().obj
    return _answer(call, _update(call, live, obj), warnings)


def _check_version(call: Call, live: Json, obj: Json) -> None:
    meta = obj["metadata"]
    if meta.get("uid") not in (None, "", live["metadata"]["uid"]):
        text = f"Precondition failed: UID in precondition: {meta['uid']}, UID in object meta: {live['metadata']['uid']}"
        raise StatusError(409, _conflict(call, text))
    if meta.get("resourceVersion") not in (None, "", live["metadata"]["resourceVersion"]):
        text = "the object has been modified; please apply your changes to the latest version and try again"
        raise StatusError(409, _conflict(call, text), details={"name": call.path.name, "kind": call.kind.plural})


def _conflict(call: Call, text: str) -> str:
    return f'Operation cannot be fulfilled on {call.where} "{call.path.name}": {text}'


def _update(call: Call, live: Json, obj: Json, operation: str = "Update") -> Json:
    """Store a new version of a live object."""
    _check_version(call, live, obj)
    part = call.path.subresource
    if part in PARTS:
        obj = {**live, "status": obj.get("status", {}), "metadata": {**live["metadata"], "managedFields": obj[
            "metadata"].get("managedFields") or []}}  # fmt: skip
    elif "status" in call.kind.subresources:
        obj = {k: v for k, v in obj.items() if k != "status"}
        if "status" in live:
            obj["status"] = live["status"]
    obj = {**obj, "apiVersion": call.api_version}
    if part not in PARTS:
        obj = admission.complete(call, obj, live)
    if operation == "Update":
        shape = admission.shape_of(call.kind, call.path.version)
        if not obj["metadata"].get("managedFields") and live["metadata"].get("managedFields"):
            obj["metadata"]["managedFields"] = live["metadata"]["managedFields"]
        managers.updated(live, obj, shape, _who(call, "Update"))
    obj["apiVersion"] = live["apiVersion"]

    def change(target: Json) -> None:
        target.clear()
        target.update(obj)

    if call.dry_run:
        return call.store.revised(live, change)
    found = call.store.update(call.kind.store_key, call.path.namespace, call.path.name, change)
    if found is None:
        raise call.missing()
    return found


async def patch(call: Call) -> web.Response:
    """PATCH in any of its forms."""
    body = await bodies.read(call.request)
    kind = call.request.content_type
    if kind == "application/apply-patch+yaml":
        return _apply(call, body)
    live = {**call.found().obj, "apiVersion": call.api_version}
    shape = admission.shape_of(call.kind, call.path.version)
    if kind == "application/json-patch+json":
        obj = patches.json_patch(live, body)
    elif kind == "application/merge-patch+json":
        obj = patches.merge(live, body)
    elif kind == "application/strategic-merge-patch+json" and not call.kind.custom:
        obj = patches.strategic(live, body, shape)
    else:
        text = f"the body of the request was in an unknown format - accepted media types include: {PATCHES}"
        raise StatusError(415, text)
    admission.identify(call, obj)
    obj, warnings = admission.decode(call, obj, patched=True)
    return _answer(call, _update(call, live, obj), warnings)


def _apply(call: Call, body: Any) -> web.Response:
    """Server-side apply."""
    if not call.query("fieldManager"):
        raise StatusError(400, "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required "
                               "for apply patch")  # fmt: skip
    if not isinstance(body, dict) or "kind" not in body or "apiVersion" not in body:
        raise StatusError(400, "error decoding YAML: apiVersion and kind must be set")
    if (body.get("metadata") or {}).get("managedFields"):
        raise StatusError(400, "metadata.managedFields must be nil")
    admission.identify(call, body)
    version = call.store.version(call.kind.store_key, call.path.namespace, call.path.name)
    if version is None and call.path.subresource:
        raise call.missing()
    if version is None and call.kind.namespaced:
        call.store.check_namespace(call.kind, call.path.namespace, call.path.name)
    admission.check_apply(call, body)
    shape, who = admission.shape_of(call.kind, call.path.version), _who(call, "Apply")
    live = {**version.obj, "apiVersion": call.api_version} if version else None
    obj = managers.applied(live, body, shape, who, force=call.flag("force"))
    if live is None:
        return _answer(call, _create(call, obj, "Apply"), [], 201)
    obj["metadata"]["resourceVersion"] = body["metadata"].get("resourceVersion")
    return _answer(call, _update(call, live, obj, "Apply"), [])


async def delete(call: Call) -> web.Response:
    """DELETE of one object."""
    options = await bodies.mapping(call.request)
    live = call.found().obj
    wanted = options.get("preconditions") or {}
    for field in ("uid", "resourceVersion"):
        if wanted.get(field) and wanted[field] != live["metadata"][field]:
            text = f"the {field} in the precondition ({wanted[field]}) does not match ({live['metadata'][field]})"
            raise StatusError(409, _conflict(call, f"Precondition failed: {text}"))
    if not call.dry_run and not options.get("dryRun"):
        _delete(call, call.path.namespace, call.path.name, options)
    remaining = call.store.version(call.kind.store_key, call.path.namespace, call.path.name)
    if remaining is not None and "deletionTimestamp" in remaining.obj["metadata"]:
        return present(call, remaining)
    details = {"name": call.path.name, "kind": call.kind.plural, "uid": live["metadata"]["uid"]}
    if call.kind.group:
        details["group"] = call.kind.group
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
    return web.json_response(status)


async def evict(call: Call) -> web.Response:
    """POST of an Eviction: a delete that a drain asks for."""
    body = await bodies.mapping(call.request)
    call.found()
    if not call.dry_run:
        _delete(call, call.path.namespace, call.path.name, body.get("deleteOptions") or {})
    return web.json_response({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}, status=201)


def _delete(call: Call, namespace: str, name: str, options: Json) -> None:
    grace = options.get("gracePeriodSeconds", call.query("gracePeriodSeconds") or None)
    policy = options.get("propagationPolicy") or call.query("propagationPolicy") or "Background"
    if options.get("orphanDependents"):
        policy = "Orphan"
    seconds = None if grace is None else int(grace)
    call.store.delete(call.kind.store_key, namespace, name, grace=seconds, policy=policy)


async def delete_collection(call: Call) -> web.Response:
    """DELETE of everything a selector finds."""
    options = await bodies.mapping(call.request)
    keep = match(call)
    versions = call.store.versions(call.kind.store_key, call.path.namespace)
    chosen = [version.obj for version in versions if keep is None or keep(version.obj)]
    for obj in chosen:
        if not call.dry_run:
            _delete(call, obj["metadata"].get("namespace", ""), obj["metadata"]["name"], options)
    meta = {"resourceVersion": str(call.store.rv)}
    body = {"kind": f"{call.kind.kind}List", "apiVersion": call.api_version, "metadata": meta, "items": chosen}
    return web.json_response(body)
