"""Routes of cloudresourcemanager (v1, v3) and serviceusage (v1): the project, permissions on it, and its APIs."""

from __future__ import annotations

import uuid
from typing import Any

from aiohttp import web

from rhaii_tui.practice.faults import Faults
from rhaii_tui.practice.google import admission
from rhaii_tui.practice.google.errors import GoogleError
from rhaii_tui.practice.google.messages import json_body
from rhaii_tui.practice.world import PROJECT, PROJECT_NUMBER, World

_TITLES = {
    "container.googleapis.com": "Kubernetes Engine API",
    "compute.googleapis.com": "Compute Engine API",
    "cloudquotas.googleapis.com": "Cloud Quotas API",
    "cloudbilling.googleapis.com": "Cloud Billing API",
    "serviceusage.googleapis.com": "Service Usage API",
    "cloudresourcemanager.googleapis.com": "Cloud Resource Manager API",
    "iam.googleapis.com": "Identity and Access Management (IAM) API",
    "logging.googleapis.com": "Cloud Logging API",
    "monitoring.googleapis.com": "Cloud Monitoring API",
}
_OWNED = ("container.", "compute.", "iam.", "serviceusage.", "cloudquotas.", "resourcemanager.", "billing.")
_MISSING = frozenset({"container.clusters.create", "container.clusters.update"})
_MOST_PERMISSIONS = 100


class Projects:
    """The one project, whose account owns it unless a fault says otherwise."""

    def __init__(self, world: World) -> None:
        self._faults: Faults = world.faults
        self._enabled: set[str] = set(_TITLES)
        self._operations: dict[str, dict[str, Any]] = {}

    def add_to(self, app: web.Application) -> None:
        """Register every route."""
        project = r"/{version:v1|v3}/projects/{project:[^:/]+}"
        services = "/v1/projects/{project}/services"
        add = app.router.add_route
        add("GET", "/v1/projects", self._list)
        add("GET", project, self._get)
        add("POST", project + ":testIamPermissions", self._test_permissions)
        add("GET", services, self._list_services)
        add("GET", services + ":batchGet", self._batch_get)
        add("GET", services + "/{service:[^:/]+}", self._get_service)
        add("POST", services + "/{service:[^:/]+}:enable", self._enable)
        add("POST", services + ":batchEnable", self._enable)
        add("GET", "/v1/operations/{operation}", self._get_operation)

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response({"projects": [_project("v1")]})

    async def _get(self, request: web.Request) -> web.Response:
        admission.check_project(request.match_info["project"])
        return web.json_response(_project(request.match_info["version"]))

    async def _test_permissions(self, request: web.Request) -> web.Response:
        admission.check_project(request.match_info["project"])
        asked = (await json_body(request)).get("permissions", [])
        if not isinstance(asked, list) or len(asked) > _MOST_PERMISSIONS:
            raise GoogleError(400, f"At most {_MOST_PERMISSIONS} permissions can be tested at once.")
        for permission in asked:
            if not str(permission).startswith(_OWNED):
                raise GoogleError(400, f"Permission {permission} is not valid for this resource.")
        lost = _MISSING if self._faults.on("permission-missing") else frozenset()
        held = [p for p in asked if p not in lost]
        return web.json_response({"permissions": held} if held else {})

    def _service(self, name: str) -> dict[str, Any]:
        if name not in _TITLES:
            raise GoogleError(403, f"Not found or permission denied for service(s): {name}.")
        off = name not in self._enabled or (name.startswith("container.") and self._faults.on("api-disabled"))
        return {
            "name": f"projects/{PROJECT_NUMBER}/services/{name}",
            "parent": f"projects/{PROJECT_NUMBER}",
            "config": {"name": name, "title": _TITLES[name]},
            "state": "DISABLED" if off else "ENABLED",
        }

    async def _list_services(self, request: web.Request) -> web.Response:
        admission.check_project(request.match_info["project"])
        wanted = request.query.get("filter", "").removeprefix("state:")
        services = [s for s in map(self._service, _TITLES) if wanted in ("", s["state"])]
        return web.json_response({"services": services})

    async def _batch_get(self, request: web.Request) -> web.Response:
        admission.check_project(request.match_info["project"])
        names = [name.rpartition("/")[2] for name in request.query.getall("names", [])]
        return web.json_response({"services": [self._service(name) for name in names]})

    async def _get_service(self, request: web.Request) -> web.Response:
        admission.check_project(request.match_info["project"])
        return web.json_response(self._service(request.match_info["service"]))

    async def _enable(self, request: web.Request) -> web.Response:
        admission.check_project(request.match_info["project"])
        one = request.match_info.get("service")
        names = [one] if one else list((await json_body(request)).get("serviceIds", []))
        services = [self._service(name) for name in names]
        if self._faults.on("permission-missing"):
            raise GoogleError(403, f"Permission denied to enable service [{', '.join(names)}]")
        self._enabled.update(names)
        if "container.googleapis.com" in names:
            self._faults.mend("api-disabled")
        operation: dict[str, Any] = {"name": f"operations/acf.p2-{PROJECT_NUMBER}-{uuid.uuid4()}", "done": True}
        enabled = [{**service, "state": "ENABLED"} for service in services]
        kind = "EnableServiceResponse" if one else "BatchEnableServicesResponse"
        operation["response"] = {
            "@type": f"type.googleapis.com/google.api.serviceusage.v1.{kind}",
            **({"service": enabled[0]} if one else {"services": enabled}),
        }
        self._operations[operation["name"]] = operation
        return web.json_response(operation)

    async def _get_operation(self, request: web.Request) -> web.Response:
        name = f"operations/{request.match_info['operation']}"
        if name not in self._operations:
            raise GoogleError(404, f"Operation not found: {name}.")
        return web.json_response(self._operations[name])


def _project(version: str) -> dict[str, Any]:
    if version == "v1":
        return {
            "projectNumber": PROJECT_NUMBER,
            "projectId": PROJECT,
            "lifecycleState": "ACTIVE",
            "name": "Practice project",
            "createTime": "2026-01-05T10:14:11.000Z",
        }
    return {
        "name": f"projects/{PROJECT_NUMBER}",
        "projectId": PROJECT,
        "state": "ACTIVE",
        "displayName": "Practice project",
        "createTime": "2026-01-05T10:14:11.000Z",
        "etag": 'W/"a0c5b7f8c72b1f91"',
    }
