"""Routes of cloudbilling.googleapis.com v1: services, SKUs, and whether the project pays."""

from __future__ import annotations

from aiohttp import web

from rhaii_tui.practice.google import admission
from rhaii_tui.practice.google.errors import GoogleError
from rhaii_tui.practice.google.listing import page
from rhaii_tui.practice.google.skus import services, skus
from rhaii_tui.practice.world import PROJECT


class Billing:
    """The price catalogue."""

    def add_to(self, app: web.Application) -> None:
        """Register every route."""
        app.router.add_get("/v1/services", self._list_services)
        app.router.add_get("/v1/services/{service}/skus", self._list_skus)
        app.router.add_get("/v1/projects/{project}/billingInfo", self._project)

    async def _list_services(self, request: web.Request) -> web.Response:
        shown, token = page(services(), request, "pageSize")
        return web.json_response({"services": shown, "nextPageToken": token})

    async def _list_skus(self, request: web.Request) -> web.Response:
        service = request.match_info["service"]
        if service not in {s["serviceId"] for s in services()}:
            raise GoogleError(404, f"Service services/{service} was not found.")
        shown, token = page(skus(service), request, "pageSize")
        return web.json_response({"skus": shown, "nextPageToken": token})

    async def _project(self, request: web.Request) -> web.Response:
        admission.check_project(request.match_info["project"])
        account = "billingAccounts/012345-6789AB-CDEF01"
        name = f"projects/{PROJECT}/billingInfo"
        return web.json_response(
            {"name": name, "projectId": PROJECT, "billingAccountName": account, "billingEnabled": True}
        )
