"""What the tests of the practice Google APIs share: plain calls and the real Python client."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

PROJECT = "practice-project"
ZONE = "us-central1-a"
PLACE = f"projects/{PROJECT}/locations/{ZONE}"
_direct = build_opener(ProxyHandler({}))


def call(base: str, method: str, path: str, body: Any = None, token: str | None = None) -> tuple[int, dict[str, Any]]:
    """One request; the status and the JSON answer, also of errors."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    data = None if body is None else json.dumps(body).encode()
    try:
        with _direct.open(Request(base + path, data, headers, method=method), timeout=30) as response:
            return response.status, json.load(response)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def switch(control: str, fault: str, on: bool) -> None:
    """Turn a fault on or off."""
    status, _ = call(control, "POST", f"/faults/{fault}", {"on": on})
    assert status == 200


def container_client(base: str, token: str) -> Any:
    """The real client of the Kubernetes Engine API over REST."""
    from google.api_core.client_options import ClientOptions
    from google.cloud import container_v1
    from google.oauth2.credentials import Credentials

    return container_v1.ClusterManagerClient(
        transport="rest", credentials=Credentials(token=token), client_options=ClientOptions(api_endpoint=base)
    )


def finish(client: Any, operation: Any, place: str = PLACE, within: float = 30.0) -> Any:
    """Poll an operation as its users do, until DONE; fails after `within` seconds."""
    deadline = time.monotonic() + within
    while operation.status != 3:
        assert time.monotonic() < deadline, f"{operation.name} is still {operation.status}"
        operation = client.get_operation(name=f"{place}/operations/{operation.name}")
    return operation


def cluster(name: str) -> dict[str, Any]:
    """A Cluster as the product sends it, as keyword arguments of the message."""
    pool = {
        "name": "default-pool",
        "initial_node_count": 2,
        "config": {"machine_type": "e2-standard-4", "disk_size_gb": 50},
    }
    return {"name": name, "resource_labels": {"managed-by": "rhaii-tui"}, "node_pools": [pool]}


def t4_pool(count: int, name: str = "gpu-t4") -> dict[str, Any]:
    """A T4 pool."""
    driver = {"gpu_driver_version": 2}
    accelerator = {
        "accelerator_count": 1,
        "accelerator_type": "nvidia-tesla-t4",
        "gpu_driver_installation_config": driver,
    }
    config = {"machine_type": "n1-standard-4", "accelerators": [accelerator]}
    return {"name": name, "initial_node_count": count, "locations": [ZONE], "config": config}
