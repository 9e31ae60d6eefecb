"""OpenAPI as far as kubectl reads it: which kinds take which query parameters when patched."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from aiohttp import web

from rhaii_tui.practice.kube.discovery import groups
from rhaii_tui.practice.kube.errors import StatusError
from rhaii_tui.practice.kube.kinds import Kind, KindTable
from rhaii_tui.practice.kube.openapi_schemas import components

Json = dict[str, Any]

# An OpenAPI v2 document with nothing but its version, as protobuf: older kubectl only wants it to parse.
_EMPTY_V2 = b"\x0a\x032.0"
_PATCH_TYPES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/apply-patch+yaml",
)
_PARAMETERS = [
    {"name": name, "in": "query", "schema": {"type": "boolean" if name == "force" else "string", "uniqueItems": True}}
    for name in ("dryRun", "fieldManager", "fieldValidation", "force")
]


def answer(request: web.Request, kinds: KindTable) -> web.Response | None:
    """The answer to an OpenAPI path; None for any other path."""
    if request.path == "/openapi/v2":
        if "protobuf" in request.headers.get("Accept", ""):
            kind = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
            return web.Response(body=_EMPTY_V2, headers={"Content-Type": kind})
        info = {"title": "Kubernetes", "version": "v1"}
        return web.json_response({"swagger": "2.0", "info": info, "paths": {}, "definitions": {}})
    if request.path == "/openapi/v3":
        return web.json_response({"paths": _index(kinds)})
    if request.path.startswith("/openapi/v3/"):
        return _document(request.path.removeprefix("/openapi/v3/"), kinds)
    return None


def _index(kinds: KindTable) -> Json:
    found = {}
    for group, versions in groups(kinds).items():
        for version, served in versions.items():
            path = f"apis/{group}/{version}" if group else f"api/{version}"
            mark = hashlib.sha256(",".join(kind.kind for kind in served).encode()).hexdigest()[:32].upper()
            found[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={mark}"}
    return found


def _document(path: str, kinds: KindTable) -> web.Response:
    parts = path.split("/")
    group, version = ("", parts[1]) if parts[0] == "api" else (parts[1], parts[-1])
    served = groups(kinds).get(group, {}).get(version)
    if served is None:
        raise StatusError(404, "the server could not find the requested resource")
    paths = {}
    for kind in served:
        identity = {"group": group, "version": version, "kind": kind.kind}
        media = _PATCH_TYPES if kind.custom else (*_PATCH_TYPES, "application/strategic-merge-patch+json")
        paths[_path(path, kind)] = {
            "patch": {
                "operationId": f"patch{kind.kind}",
                "parameters": _PARAMETERS,
                "requestBody": {"content": {name: {} for name in media}},
                "responses": {"200": {"description": "OK"}},
                "x-kubernetes-action": "patch",
                "x-kubernetes-group-version-kind": identity,
            }
        }
    api_version = f"{group}/{version}" if group else version
    schemas = components(api_version, {kind.kind: kind.schemas.get(version, {}) for kind in served})
    body = {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1"},
        "paths": paths,
        "components": {"schemas": schemas},
    }
    return web.Response(body=json.dumps(body).encode(), content_type="application/json")


def _path(prefix: str, kind: Kind) -> str:
    return f"/{prefix}/namespaces/{{namespace}}/{kind.plural}/{{name}}" if kind.namespaced else (
        f"/{prefix}/{kind.plural}/{{name}}")  # fmt: skip
