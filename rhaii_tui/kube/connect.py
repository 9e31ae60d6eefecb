"""A connection to one cluster: the official package's HTTP client with raw paths, our errors, our retries.

The package's API classes and models are never touched: naming one costs a second and 110 MB (kubernetes 37.0.2).
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rhaii_tui.endpoints import Endpoints
from rhaii_tui.kube import background, kinds
from rhaii_tui.kube.credentials import Credentials, FileToken, GoogleToken
from rhaii_tui.kube.errors import ApiError, KubeError, Unreachable, retry_after_seconds

if TYPE_CHECKING:
    from aiohttp import ClientResponse

T = TypeVar("T")
Query = Sequence[tuple[str, str]]

FIELD_MANAGER = "rhaii-tui"
PAGE = 250
"""Objects per list request: larger pages block the event loop while they are decoded."""
PATIENCE = 20.0
"""Wall seconds a read or an apply is repeated against an overloaded or restarting server."""
CONNECT_SECONDS = 10.0
HEADER_SECONDS = 30.0
"""A stream's headers are flushed before its first event; a server that owes them this long is not answering."""


class Cluster:
    """One API server. Close it; all methods raise KubeError (ApiError, Unreachable, CredentialsFailed)."""

    def __init__(self, client: Any, credentials: Credentials) -> None:
        self._client = client
        self._credentials = credentials
        self.address: str = client.configuration.host

    @classmethod
    async def from_gke(cls, endpoint: str, ca_pem: str | bytes | None, endpoints: Endpoints) -> Cluster:
        """The cluster GKE describes: `endpoint` is `host[:port]`; no CA means a public certificate (DNS endpoint)."""
        credentials: Credentials = FileToken(endpoints) if endpoints.token_file else GoogleToken()
        pem = ca_pem.decode() if isinstance(ca_pem, bytes) else ca_pem

        def build() -> Any:
            from kubernetes.aio.client.configuration import Configuration

            return Configuration(host=f"https://{endpoint.removeprefix('https://')}", ca_cert_data=pem or None)

        return await cls._open(build, credentials, endpoints.trust_env)

    @classmethod
    async def from_kubeconfig(cls, path: Path, context: str | None = None, *, trust_env: bool = True) -> Cluster:
        """The cluster of a kubeconfig's context (default: the current one)."""
        from rhaii_tui.kube.kubeconfig import load

        build, credentials = await background.run(lambda: load(path, context))
        return await cls._open(build, credentials, trust_env)

    @classmethod
    async def _open(cls, build: Callable[[], Any], credentials: Credentials, trust_env: bool) -> Cluster:
        token = await credentials.token()

        async def refresh(configuration: Any) -> None:
            fresh = await credentials.token()
            if fresh is not None:
                configuration.api_key["BearerToken"] = f"Bearer {fresh}"

        def connect() -> Any:
            from kubernetes.aio.client.api_client import ApiClient

            configuration = build()
            # Without trust_env=False a proxy variable would capture loopback traffic.
            configuration.client_session_kwargs = {"trust_env": trust_env}
            if token is not None:
                # The hook is only consulted when a key is there already.
                configuration.api_key["BearerToken"] = f"Bearer {token}"
                configuration.refresh_api_key_hook = refresh
            return ApiClient(configuration)

        client = await background.run(connect)
        client.user_agent = FIELD_MANAGER
        return cls(client, credentials)

    async def close(self) -> None:
        """Close all connections; running watches and logs end."""
        await self._client.close()

    async def call(
        self,
        method: str,
        path: str,
        query: Query = (),
        body: Any = None,
        *,
        accept: str = "application/json",
        ctype: str = "application/json",
        timeout: float | None = 30.0,
    ) -> ClientResponse:
        """One request, never repeated except after a 401 with a fresh token (a 401 has done nothing).

        Returns the unread response (`read()`, `content`, `close()`); `timeout` None is for streams, which are limited
        only until their headers have come.
        """
        try:
            return await self._send(method, path, query, body, accept, ctype, timeout)
        except ApiError as e:
            if e.status != 401:
                raise
            self._credentials.invalidate()
            return await self._send(method, path, query, body, accept, ctype, timeout)

    async def _send(
        self, method: str, path: str, query: Query, body: Any, accept: str, ctype: str, timeout: float | None
    ) -> ClientResponse:
        import aiohttp

        limit = aiohttp.ClientTimeout(total=timeout, sock_connect=CONNECT_SECONDS)
        try:
            request = await self._client.param_serialize(
                method,
                path,
                query_params=list(query),
                body=body,
                header_params={"Accept": accept, "Content-Type": ctype},
                auth_settings=["BearerToken"],
            )
            answer = await self._answer(request, limit)
            if answer.status >= 400:
                raise ApiError(
                    answer.status,
                    await answer.read(),
                    retry_after=retry_after_seconds(answer.headers.get("Retry-After")),
                )
        except (aiohttp.ClientError, TimeoutError, OSError) as e:
            raise self.unreachable(e) from e
        response: ClientResponse = answer
        return response

    async def _answer(self, request: Any, limit: Any) -> Any:
        import aiohttp

        async def ask() -> Any:
            async with asyncio.timeout(HEADER_SECONDS if limit.total is None else None):
                return (await self._client.call_api(*request, _request_timeout=limit)).response

        try:
            return await ask()
        except aiohttp.ClientConnectorCertificateError as e:
            # Python 3.13 verifies strictly by default, which old cluster CAs fail by lacking one identifier.
            if "Authority Key Identifier" not in str(e) or self._client.configuration.disable_strict_ssl_verification:
                raise
        await self._accept_old_ca()
        return await ask()

    async def _accept_old_ca(self) -> None:
        from kubernetes.aio.client.api_client import ApiClient

        old = self._client
        old.configuration.disable_strict_ssl_verification = True
        self._client = await background.run(lambda: ApiClient(old.configuration))
        self._client.user_agent = FIELD_MANAGER
        await old.close()

    def unreachable(self, error: Exception) -> Unreachable:
        """A network error of aiohttp in our words; also for those met while reading a stream."""
        import aiohttp

        kind = "reset"
        if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
            kind = "tls"
        elif isinstance(error, aiohttp.ClientConnectorDNSError):
            kind = "dns"
        elif isinstance(error, TimeoutError):
            kind = "timeout"
        elif isinstance(error, aiohttp.ClientConnectorError):
            kind = "refused"
        return Unreachable(kind, self.address, str(error) or type(error).__name__)

    async def text(self, path: str, query: Query = (), *, accept: str = "*/*", timeout: float = 30.0) -> str:
        """Body of a GET, once, as text: metrics and health through a proxy path, logs that are not followed."""
        return (await self._body("GET", path, query, accept=accept, timeout=timeout)).decode("utf-8", "replace")

    async def get(self, path: str, query: Query = ()) -> dict[str, Any]:
        """A JSON object, repeated for a while against overload, restarts and cut connections."""
        return await self._patiently(lambda: self._json("GET", path, query))

    async def read(self, kind: str, namespace: str | None, name: str) -> dict[str, Any] | None:
        """An object by kind, or None when it does not exist (or its whole kind does not)."""
        try:
            return await self.get(kinds.KINDS[kind].path(namespace, name))
        except ApiError as e:
            if e.is_not_found:
                return None
            raise

    async def items(
        self, kind: str, namespace: str | None = None, *, labels: str = "", fields: str = ""
    ) -> list[dict[str, Any]]:
        """All objects of a kind in pages, without managedFields. Raises ApiError 404 when the kind is not served."""
        selectors = [(k, v) for k, v in (("labelSelector", labels), ("fieldSelector", fields)) if v]
        found, _ = await self.listing(kinds.KINDS[kind].path(namespace), selectors)
        return found

    async def listing(self, path: str, selectors: Query = ()) -> tuple[list[dict[str, Any]], str]:
        """All objects behind a collection path and the resource version to watch from."""
        found: list[dict[str, Any]] = []
        token = ""
        while True:
            query = [*selectors, ("limit", str(PAGE)), *([("continue", token)] if token else [])]
            try:
                page = await self.get(path, query)
            except ApiError as e:
                if not (e.is_expired and token):
                    raise
                found, token = [], ""  # the continue token outlived the server's history: from the start
                continue
            found += [trimmed(item) for item in page.get("items") or []]
            meta = page.get("metadata") or {}
            token = str(meta.get("continue") or "")
            if not token:
                return found, str(meta.get("resourceVersion") or "")

    async def apply(self, obj: Mapping[str, Any], *, dry_run: bool = False, force: bool = False) -> dict[str, Any]:
        """Strict server-side apply; returns the object as the server has it.

        It is repeated against overload and cut connections: the request carries the whole intent of one field
        manager, so that receiving it twice changes nothing more. `force` takes fields over from other managers.
        """
        path, query, ctype = _applying(obj)
        query += [("force", "true")] if force else []
        query += [("dryRun", "All")] if dry_run else []
        return await self._patiently(lambda: self._json("PATCH", path, query, dict(obj), ctype))

    async def put(self, obj: Mapping[str, Any]) -> tuple[dict[str, Any], bool | None]:
        """`apply`, and whether this request has made the object (201, not 200); None when that cannot be told, because
        an earlier try was left without an answer."""
        tries = 0

        async def send() -> tuple[int, bytes]:
            nonlocal tries
            tries += 1
            return await self._answered("PATCH", path, query, dict(obj), ctype=ctype)

        path, query, ctype = _applying(obj)
        status, raw = await self._patiently(send)
        made = True if status == 201 else False if tries == 1 else None
        return _json_object(raw), made

    async def patch(self, kind: str, namespace: str | None, name: str, change: Mapping[str, Any]) -> dict[str, Any]:
        """JSON merge patch (None removes a field); repeated against overload: sent twice, it changes nothing more."""
        path = kinds.KINDS[kind].path(namespace, name)
        query = [("fieldManager", FIELD_MANAGER), ("fieldValidation", "Strict")]
        ctype = "application/merge-patch+json"
        return await self._patiently(lambda: self._json("PATCH", path, query, dict(change), ctype))

    async def create(self, obj: Mapping[str, Any]) -> dict[str, Any]:
        """POST, sent once: for reviews and other objects that are answers rather than state."""
        return await self._json("POST", kinds.of(obj).path(obj["metadata"].get("namespace")), (), dict(obj))

    async def delete(self, kind: str, namespace: str | None, name: str, *, uid: str = "") -> bool:
        """Ask for deletion in the background; False when there was nothing. With `uid`, only that very object.

        Sent once: after an unclear answer, read the object before asking again.
        """
        body: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if uid:
            body["preconditions"] = {"uid": uid}
        try:
            await self._json("DELETE", kinds.KINDS[kind].path(namespace, name), (), body)
        except ApiError as e:
            if e.is_not_found:
                return False
            raise
        return True

    async def _json(
        self, method: str, path: str, query: Query = (), body: Any = None, ctype: str = "application/json"
    ) -> dict[str, Any]:
        return _json_object(await self._body(method, path, query, body, ctype=ctype))

    async def _body(
        self,
        method: str,
        path: str,
        query: Query = (),
        body: Any = None,
        *,
        accept: str = "application/json",
        ctype: str = "application/json",
        timeout: float = 30.0,
    ) -> bytes:
        return (await self._answered(method, path, query, body, accept=accept, ctype=ctype, timeout=timeout))[1]

    async def _answered(
        self,
        method: str,
        path: str,
        query: Query,
        body: Any,
        *,
        accept: str = "application/json",
        ctype: str,
        timeout: float = 30.0,
    ) -> tuple[int, bytes]:
        """Status and body."""
        import aiohttp

        response = await self.call(method, path, query, body, accept=accept, ctype=ctype, timeout=timeout)
        try:
            return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as e:
            raise self.unreachable(e) from e

    async def _patiently(self, request: Callable[[], Awaitable[T]]) -> T:
        deadline = time.monotonic() + PATIENCE
        pause = 0.1
        while True:
            try:
                return await request()
            except ApiError as e:
                if not e.is_transient or e.is_webhook_unready:
                    raise
                failure: KubeError = e
                wait = e.retry_after
            except Unreachable as e:
                if e.kind in ("tls", "dns"):
                    raise
                failure, wait = e, None
            delay = max(wait or 0.0, pause * random.uniform(0.8, 1.2))
            if time.monotonic() + delay > deadline:
                raise failure
            await asyncio.sleep(delay)
            pause = min(pause * 2, 2.0)


def _applying(obj: Mapping[str, Any]) -> tuple[str, list[tuple[str, str]], str]:
    """Path, query and content type of a strict server-side apply."""
    meta = obj["metadata"]
    query = [("fieldManager", FIELD_MANAGER), ("fieldValidation", "Strict")]
    return kinds.of(obj).path(meta.get("namespace"), meta["name"]), query, "application/apply-patch+yaml"


def _json_object(raw: bytes) -> dict[str, Any]:
    """A JSON object. Raises ApiError 502 for what else a proxy may answer."""
    try:
        answer = json.loads(raw)
    except ValueError as e:
        raise ApiError(502, raw) from e
    if not isinstance(answer, dict):
        raise ApiError(502, raw)
    return answer


def trimmed(obj: dict[str, Any]) -> dict[str, Any]:
    """The object without `managedFields`, a third of its size that nobody reads."""
    if isinstance(meta := obj.get("metadata"), dict):
        meta.pop("managedFields", None)
    return obj
