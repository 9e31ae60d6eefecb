"""The APIs we ask a question or two: plain HTTP with a google-auth token, in the same daemon threads.

Cloud Quotas, Service Usage, Resource Manager and Billing each have a client package; one GET needs none of them.
"""

from __future__ import annotations

import os
import ssl
import threading
from typing import Any

from rhaii_tui.endpoints import Endpoints
from rhaii_tui.google.calls import read
from rhaii_tui.google.credentials import credentials
from rhaii_tui.google.errors import CloudError, Kind
from rhaii_tui.google.packages import load
from rhaii_tui.google.translate import of_response

_LARGEST = 64 * 1024 * 1024
"""A page of 5,000 prices is about 6 MB."""


class Rest:
    """Reads JSON objects; raises CloudError. `project` pays for the call where the log-in names none."""

    def __init__(self, endpoints: Endpoints, project: str) -> None:
        self._endpoints = endpoints
        self._project = project
        self._making = threading.Lock()
        self._client: Any = None
        self._who: Any = None

    async def get(self, url: str, query: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
        """GET, repeated over passing trouble."""
        return await read(self._send, "GET", url, query, None)

    async def ask(self, url: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST of a question that changes nothing, hence repeated like a GET."""
        return await read(self._send, "POST", url, (), body)

    def _send(
        self,
        method: str,
        url: str,
        query: tuple[tuple[str, str], ...],
        body: dict[str, Any] | None,
        *,
        timeout: float,
        retry: None,
    ) -> dict[str, Any]:
        """One attempt; takes the same options as a client's method."""
        client, who = self._connect()
        response = client.request(
            method, url, params=query, json=body, headers=self._headers(who, method, url), timeout=timeout
        )
        if response.status_code == 401:
            # The token may have been replaced since it was read.
            who.refresh(self._auth_request())
            response = client.request(
                method, url, params=query, json=body, headers=self._headers(who, method, url), timeout=timeout
            )
        if response.status_code >= 400:
            raise of_response(response.status_code, response.text[:_LARGEST])
        answer = response.json()
        if not isinstance(answer, dict):
            raise CloudError(Kind.NETWORK, "The answer is not a JSON object.", raw=response.text[:1000])
        return answer

    def _headers(self, who: Any, method: str, url: str) -> dict[str, str]:
        headers: dict[str, str] = {}
        who.before_request(self._auth_request(), method, url, headers)
        if type(who).__module__ == "google.oauth2.credentials" and not getattr(who, "quota_project_id", None):
            # A person's own log-in is refused by Cloud Quotas and Billing unless it says who pays for the call.
            headers["x-goog-user-project"] = self._project
        return headers

    def _auth_request(self) -> Any:
        return load("google.auth.transport.requests").Request()

    def _connect(self) -> tuple[Any, Any]:
        with self._making:
            if self._client is None:
                import httpx

                self._who = credentials(self._endpoints)
                bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")
                trust: Any = ssl.create_default_context(cafile=bundle) if bundle else True
                self._client = httpx.Client(trust_env=self._endpoints.trust_env, verify=trust)
            return self._client, self._who
