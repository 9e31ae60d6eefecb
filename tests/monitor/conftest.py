"""A small API server and a monitor connected to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from served_cluster import NS, SVC, ServedCluster

from rhaii_tui.kube.connect import Cluster
from rhaii_tui.monitor.monitor import Monitor


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[ServedCluster]:
    """Started, empty."""
    server = ServedCluster(tmp_path)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def monitor(served: ServedCluster) -> AsyncIterator[Monitor]:
    """Of service demo/chat; the test starts it."""
    cluster = await Cluster.from_gke(served.address, served.ca_pem, served.endpoints())
    watching = Monitor(cluster, served.endpoints(), NS, SVC, interval=0.5)
    yield watching
    await watching.close()
    await cluster.close()
