"""How to be let in: Application Default Credentials, or a token file that is read anew whenever it is refused."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from rhaii_tui.endpoints import Endpoints
from rhaii_tui.google.errors import CloudError, Kind

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_loading = threading.Lock()


def prepare(*, loopback: bool = False) -> None:
    """Environment that must be set before any Google package is imported; harmless to repeat.

    grpc is loaded even where REST is spoken and would write to the terminal behind the screen; the search for a
    metadata server delays a logged-out user; and a proxy variable must not capture 127.0.0.1.
    """
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    os.environ.setdefault("NO_GCE_CHECK", "true")
    if loopback:
        for name in ("NO_PROXY", "no_proxy"):
            listed = [h for h in os.environ.get(name, "").split(",") if h.strip()]
            missing = [h for h in ("127.0.0.1", "localhost") if h not in listed]
            if missing:
                os.environ[name] = ",".join([*listed, *missing])


def credentials(endpoints: Endpoints) -> Any:
    """google-auth credentials for these endpoints. Blocking: call it in a thread. Raises CloudError(AUTH)."""
    with _loading:
        prepare(loopback=not endpoints.trust_env)
        if endpoints.token_file is not None:
            return _from_file(endpoints.token_file)
        import google.auth

        found, _ = google.auth.default(scopes=[SCOPE])
        return found


def describe(found: Any) -> str:
    """Whose credentials these are, without anything secret."""
    account = getattr(found, "service_account_email", None) or getattr(found, "account", None)
    return f"{type(found).__module__.rsplit('.', 1)[-1]} {account or ''}".strip()


def _from_file(path: Path) -> Any:
    from google.auth.credentials import Credentials

    class TokenFile(Credentials):  # type: ignore[misc]
        """A bearer token kept in a file by someone else."""

        def refresh(self, request: Any) -> None:
            """Read the file again. Raises CloudError(AUTH) when there is nothing to read."""
            try:
                self.token = path.read_text("utf-8").strip()
            except OSError as error:
                raise CloudError(Kind.AUTH, f"The token file {path} cannot be read.", raw=str(error.strerror)) from None
            if not self.token:
                raise CloudError(Kind.AUTH, f"The token file {path} is empty.")

        @property
        def expired(self) -> bool:
            """Unknown beforehand: a 401 makes the client call `refresh`."""
            return False

    return TokenFile()
