"""A private kubeconfig for a child process: mode 0600, in the run folder, gone when the child is."""

from __future__ import annotations

import base64
import contextlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

from rhaii_tui.deployment.context import RunContext
from rhaii_tui.deployment.patience import patiently
from rhaii_tui.deployment.steps.cluster import look


@contextlib.asynccontextmanager
async def private_kubeconfig(run: RunContext) -> AsyncIterator[Path]:
    """The file's path while the block lasts. The token is in the file only: never in argv or the environment."""
    from rhaii_tui.kube.credentials import FileToken, GoogleToken

    info = await patiently(run, "operators", "google", lambda: look(run))
    assert info is not None
    source = FileToken(run.endpoints) if run.endpoints.token_file else GoogleToken()
    token = await source.token()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "run",
        "clusters": [
            {
                "name": "run",
                "cluster": {
                    "server": f"https://{info.endpoint.removeprefix('https://')}",
                    "certificate-authority-data": base64.b64encode(info.ca_pem).decode(),
                },
            }
        ],
        "users": [{"name": "run", "user": {"token": token}}],
        "contexts": [{"name": "run", "context": {"cluster": "run", "user": "run"}}],
    }
    path = run.folder / "kubeconfig"
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(config, file)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
