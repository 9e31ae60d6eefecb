"""The kubeconfig of the practice cloud: one context per cluster, rewritten as clusters come and go."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import yaml

from rhaii_tui.practice.credentials import write_private
from rhaii_tui.practice.world import PROJECT, World


def write_kubeconfig(world: World, path: Path) -> None:
    """Contexts are named as gcloud names them; the newest cluster's is the current one."""
    clusters, contexts, users = [], [], []
    name = ""
    for cluster in world.clusters.values():
        name = f"gke_{PROJECT}_{cluster.location}_{cluster.name}"
        ca = base64.b64encode(cluster.ca_pem).decode()
        address = {"server": f"https://{cluster.address}", "certificate-authority-data": ca}
        clusters.append({"name": name, "cluster": address})
        contexts.append({"name": name, "context": {"cluster": name, "user": name}})
        users.append({"name": name, "user": {"token": world.token}})
    config: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "clusters": clusters,
        "contexts": contexts,
        "users": users,
        "current-context": name,
    }
    write_private(path, yaml.safe_dump(config, sort_keys=False))
