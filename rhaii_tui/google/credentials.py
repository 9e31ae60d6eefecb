"""How to be let in: Application Default Credentials, or a token file that is read anew whenever it is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rhaii_tui.endpoints import Endpoints
from rhaii_tui.google.errors import CloudError, Kind
from rhaii_tui.google.packages import load, prepare

SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def credentials(endpoints: Endpoints) -> Any:
    """google-auth credentials for these endpoints. Blocking: call it in a thread. Raises CloudError(AUTH)."""
    prepare(loopback=not endpoints.trust_env)
    auth = load("google.auth")
    if endpoints.token_file is not None:
        return _from_file(endpoints.token_file)
    found, _ = auth.default(scopes=[SCOPE])
    return found


def signed_in(endpoints: Endpoints) -> str:
    """Makes sure that the credentials give a token now; whose they are, in words. Blocking. Raises CloudError."""
    found = credentials(endpoints)
    if not found.valid:
        found.refresh(load("google.auth.transport.requests").Request())
    if endpoints.token_file is not None:
        return "a token file"
    account = getattr(found, "service_account_email", None) or getattr(found, "account", None)
    kind = "service account" if getattr(found, "service_account_email", None) else "a person's log-in"
    return f"{kind} {account}" if account else kind


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
