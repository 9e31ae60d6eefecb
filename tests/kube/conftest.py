"""A TLS API server whose every answer a test scripts, and a Cluster connected to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from scripted_api import ScriptedApi

from rhaii_tui.kube.connect import Cluster


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ScriptedApi]:
    """Started; answers 404 until the test sets `answer`."""
    server = ScriptedApi(tmp_path)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def cluster(api: ScriptedApi) -> AsyncIterator[Cluster]:
    """Connected with the token of `api`."""
    connection = await Cluster.from_gke(api.address, api.ca_pem, api.endpoints())
    yield connection
    await connection.close()
