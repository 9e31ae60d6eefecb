"""Bearer tokens for the API server: a file, Google's own libraries, or a kubeconfig's exec plugin. Never logged."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from rhaii_tui.endpoints import Endpoints
from rhaii_tui.kube import background
from rhaii_tui.kube.errors import CredentialsFailed

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
REFRESH_SECONDS = 60.0
PLUGIN_SECONDS = 30.0


class Credentials(Protocol):
    """A source of tokens. Both raise CredentialsFailed."""

    async def token(self) -> str | None:
        """The token to send now; None when the connection needs none."""

    def invalidate(self) -> None:
        """The server answered 401: the next token must be a fresh one."""


class NoToken:
    """Client certificates, or a cluster that lets anybody in."""

    async def token(self) -> str | None:
        """No bearer token is sent."""
        return None

    def invalidate(self) -> None:
        """There is nothing to renew."""


class FixedToken:
    """A token written into a kubeconfig."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str | None:
        """Always the same."""
        return self._token

    def invalidate(self) -> None:
        """It cannot be renewed."""


class FileToken:
    """The token in `endpoints.token_file`, read anew for each request."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    async def token(self) -> str | None:
        """The file's content."""
        try:
            return self._endpoints.token()
        except OSError as e:
            raise CredentialsFailed(f"The token file cannot be read: {e.strerror}.", "Check its path and mode.") from e

    def invalidate(self) -> None:
        """The file is read each time anyway."""


class GoogleToken:
    """Application Default Credentials, refreshed in a thread, one refresh at a time."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._credentials: Any = None
        self._stale = False

    async def token(self) -> str | None:
        """A valid access token."""
        async with self._lock:
            if self._stale or self._credentials is None or not self._credentials.valid:
                try:
                    async with asyncio.timeout(REFRESH_SECONDS):
                        await background.run(self._refresh)
                except TimeoutError as e:
                    raise CredentialsFailed(
                        f"Google did not renew the access token within {REFRESH_SECONDS:.0f} s.",
                        "Check the network, then retry.",
                    ) from e
                self._stale = False
            return str(self._credentials.token)

    def invalidate(self) -> None:
        """Refresh before the next request."""
        self._stale = True

    def _refresh(self) -> None:
        import google.auth
        import google.auth.exceptions
        import google.auth.transport.requests

        again = "Run: gcloud auth application-default login"
        try:
            if self._credentials is None:
                self._credentials, _ = google.auth.default(scopes=[SCOPE])
            self._credentials.refresh(google.auth.transport.requests.Request())
        except google.auth.exceptions.DefaultCredentialsError as e:
            raise CredentialsFailed("No Google credentials were found on this machine.", again) from e
        except google.auth.exceptions.TransportError as e:
            raise CredentialsFailed("Google's token service cannot be reached.", "Check the network.") from e
        except google.auth.exceptions.GoogleAuthError as e:
            raise CredentialsFailed("Google refused to renew the access token.", again) from e


class ExecPlugin:
    """A kubeconfig's exec plugin, without our keyboard, with a time limit and with its own words when it fails."""

    def __init__(self, spec: Mapping[str, Any], cluster: Mapping[str, Any]) -> None:
        self._spec = spec
        self._cluster = cluster
        self._lock = asyncio.Lock()
        self._token: str | None = None
        self._expires: datetime | None = None

    async def token(self) -> str | None:
        """The plugin's token, kept until five minutes before it expires."""
        async with self._lock:
            soon = datetime.now(UTC) + timedelta(minutes=5)
            if self._token is None or (self._expires is not None and self._expires <= soon):
                await self._run()
            return self._token

    def invalidate(self) -> None:
        """Run the plugin again before the next request."""
        self._token = None

    async def _run(self) -> None:
        command = str(self._spec.get("command", ""))
        hint = " ".join(str(self._spec.get("installHint") or "").split())
        info = {
            "apiVersion": self._spec.get("apiVersion", "client.authentication.k8s.io/v1beta1"),
            "kind": "ExecCredential",
            "spec": {"interactive": False, "cluster": dict(self._cluster)},
        }
        env = dict(os.environ) | {"KUBERNETES_EXEC_INFO": json.dumps(info)}
        env |= {str(e["name"]): str(e["value"]) for e in self._spec.get("env") or []}
        try:
            process = await asyncio.create_subprocess_exec(
                command,
                *[str(a) for a in self._spec.get("args") or []],
                env=env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as e:
            raise CredentialsFailed(f"The credential plugin {command} cannot be started: {e.strerror}.", hint) from e
        try:
            async with asyncio.timeout(PLUGIN_SECONDS):
                out, err = await process.communicate()
        except TimeoutError as e:
            raise CredentialsFailed(
                f"The credential plugin {command} gave no answer in {PLUGIN_SECONDS:.0f} s.", hint
            ) from e
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            said = " ".join(err.decode("utf-8", "replace").split())[-400:]
            raise CredentialsFailed(f"The credential plugin {command} failed ({process.returncode}): {said}", hint)
        try:
            status = json.loads(out)["status"]
            self._token = str(status["token"])
            stamp = status.get("expirationTimestamp")
            self._expires = datetime.fromisoformat(stamp.replace("Z", "+00:00")) if stamp else None
        except (ValueError, KeyError, TypeError, AttributeError) as e:
            raise CredentialsFailed(f"The credential plugin {command} printed no token.", hint) from e
