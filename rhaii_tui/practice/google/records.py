"""GKE clusters and node pools as the practice cloud keeps them, and as the API shows them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from rhaii_tui.practice.actors.nodes import KUBELET, node_name
from rhaii_tui.practice.clock import CloudClock
from rhaii_tui.practice.google.errors import GoogleError
from rhaii_tui.practice.google.geography import MACHINES, region_of
from rhaii_tui.practice.google.operations import CONTAINER, Operation
from rhaii_tui.practice.google.quota import Holding
from rhaii_tui.practice.kube.cluster import KubeCluster
from rhaii_tui.practice.world import PROJECT, PROJECT_NUMBER

VERSION = KUBELET.removeprefix("v")
_COMPUTE = "https://www.googleapis.com/compute/v1"
_SCOPES = [
    "https://www.googleapis.com/auth/devstorage.read_only",
    "https://www.googleapis.com/auth/logging.write",
    "https://www.googleapis.com/auth/monitoring",
    "https://www.googleapis.com/auth/service.management.readonly",
    "https://www.googleapis.com/auth/servicecontrol",
    "https://www.googleapis.com/auth/trace.append",
]


@dataclass
class Pool:
    """A node pool. `nodes` are the places that have a machine, `going` those of them whose machine is being
    deleted; `wanted` is the instance group's target size."""

    cluster: Cluster
    record: dict[str, Any]
    wanted: int
    nodes: set[int] = field(default_factory=set)
    status: str = "PROVISIONING"
    message: str = ""
    condition: str = ""
    errors: list[dict[str, Any]] = field(default_factory=list)
    going: set[int] = field(default_factory=set)

    @property
    def name(self) -> str:
        """The pool's name."""
        return str(self.record["name"])

    @property
    def config(self) -> dict[str, Any]:
        """Its NodeConfig."""
        config: dict[str, Any] = self.record["config"]
        return config

    @property
    def kind(self) -> str:
        """`gpu`, `tpu` or `cpu`."""
        if MACHINES[self.config["machineType"]].chips:
            return "tpu"
        return "gpu" if self.config.get("accelerators") else "cpu"

    @property
    def group(self) -> str:
        """The name of its managed instance group."""
        return node_name(self.cluster.name, self.name, 0).rpartition("-")[0] + "-grp"

    def machine(self, index: int) -> str:
        """The name of the machine at a place."""
        return node_name(self.cluster.name, self.name, index)

    def free(self) -> list[int]:
        """The places to fill until the group has its size: the lowest that have no machine."""
        count = max(0, self.wanted - len(self.nodes - self.going))
        return [place for place in range(self.wanted + len(self.nodes)) if place not in self.nodes][:count]

    def holding(self) -> Holding:
        """What counts into quota usage."""
        return Holding(self.config, max(self.wanted, len(self.nodes)), region_of(self.cluster.location))

    def view(self) -> dict[str, Any]:
        """The NodePool as JSON."""
        shown = {
            **self.record,
            "status": self.status,
            "version": VERSION,
            "selfLink": f"{self.cluster.link}/nodePools/{self.name}",
            "instanceGroupUrls": [
                f"{_COMPUTE}/projects/{PROJECT}/zones/{self.cluster.location}/instanceGroupManagers/{self.group}"
            ],
        }
        if self.message:
            shown["statusMessage"] = self.message
            shown["conditions"] = [{"code": self.condition or "UNKNOWN", "message": self.message}]
        return shown


@dataclass
class Cluster:
    """A GKE cluster. `holder` is the operation that holds its lock."""

    name: str
    location: str
    record: dict[str, Any]
    pools: dict[str, Pool] = field(default_factory=dict)
    status: str = "PROVISIONING"
    kube: KubeCluster | None = None
    holder: Operation | None = None
    created: str = field(default_factory=CloudClock.stamp)
    uid: str = field(default_factory=lambda: secrets.token_hex(32))

    @property
    def link(self) -> str:
        """Its selfLink: zonal clusters are shown under the project's number."""
        return f"{CONTAINER}/projects/{PROJECT_NUMBER}/zones/{self.location}/clusters/{self.name}"

    @property
    def resource(self) -> str:
        """Its name in error texts."""
        return f"projects/{PROJECT}/locations/{self.location}/clusters/{self.name}"

    def check_lock(self) -> None:
        """Raises GoogleError 400 while another operation holds the lock."""
        if self.holder is not None:
            raise GoogleError(
                400,
                f"Cluster is running incompatible operation {self.holder.name}.",
                status="FAILED_PRECONDITION",
                reason="failedPrecondition",
            )

    def pool(self, name: str) -> Pool:
        """Raises GoogleError 404."""
        if name not in self.pools:
            raise GoogleError(404, f"Not found: {self.resource}/nodePools/{name}.")
        return self.pools[name]

    def view(self) -> dict[str, Any]:
        """The Cluster as JSON."""
        shown: dict[str, Any] = {
            **self.record,
            "name": self.name,
            "location": self.location,
            "zone": self.location,
            "locations": [self.location],
            "id": self.uid,
            "etag": self.uid[:8],
            "selfLink": self.link,
            "createTime": self.created,
            "status": self.status,
            "initialClusterVersion": VERSION,
            "currentMasterVersion": VERSION,
            "currentNodeVersion": VERSION,
            "currentNodeCount": sum(len(p.nodes) for p in self.pools.values()),
            "nodePools": [p.view() for p in self.pools.values()],
            "instanceGroupUrls": [u for p in self.pools.values() for u in p.view()["instanceGroupUrls"]],
        }
        if self.kube is not None:
            import base64

            shown["endpoint"] = self.kube.address
            shown["masterAuth"] = {"clusterCaCertificate": base64.b64encode(self.kube.ca_pem).decode()}
        return shown


def with_pool_defaults(pool: dict[str, Any], location: str) -> dict[str, Any]:
    """What GKE fills in where a request says nothing."""
    config = dict(pool.get("config", {}))
    config.setdefault("machineType", "e2-medium")
    tpu = config["machineType"].startswith("ct6e-")
    config.setdefault("diskType", "hyperdisk-balanced" if tpu else "pd-balanced")
    config.setdefault("diskSizeGb", 100)
    config.setdefault("imageType", "COS_CONTAINERD")
    config.setdefault("oauthScopes", list(_SCOPES))
    config.setdefault("serviceAccount", "default")
    config.setdefault("metadata", {"disable-legacy-endpoints": "true"})
    config.setdefault("shieldedInstanceConfig", {"enableIntegrityMonitoring": True})
    for accelerator in config.get("accelerators", ()):
        accelerator.setdefault("gpuDriverInstallationConfig", {"gpuDriverVersion": "DEFAULT"})
    return {
        **pool,
        "initialNodeCount": int(pool.get("initialNodeCount", 0)),
        "config": config,
        "locations": pool.get("locations") or [location],
        "management": pool.get("management") or {"autoUpgrade": True, "autoRepair": True},
        "upgradeSettings": pool.get("upgradeSettings") or {"maxSurge": 1, "strategy": "SURGE"},
        "maxPodsConstraint": pool.get("maxPodsConstraint") or {"maxPodsPerNode": "110"},
        "podIpv4CidrSize": pool.get("podIpv4CidrSize", 24),
        "networkConfig": {"podRange": "gke-pods", "podIpv4CidrBlock": "10.16.0.0/14"},
        "etag": secrets.token_hex(4),
    }


def with_cluster_defaults(cluster: dict[str, Any]) -> dict[str, Any]:
    """What GKE fills in where a request says nothing."""
    network = {
        "network": f"projects/{PROJECT}/global/networks/default",
        "subnetwork": "default",
        "serviceExternalIpsConfig": {},
    }
    return {
        "network": "default",
        "subnetwork": "default",
        "clusterIpv4Cidr": "10.16.0.0/14",
        "servicesIpv4Cidr": "34.118.224.0/20",
        "loggingService": "logging.googleapis.com/kubernetes",
        "monitoringService": "monitoring.googleapis.com/kubernetes",
        "releaseChannel": {"channel": "REGULAR"},
        "defaultMaxPodsConstraint": {"maxPodsPerNode": "110"},
        "databaseEncryption": {"state": "DECRYPTED", "currentState": "CURRENT_STATE_DECRYPTED"},
        "shieldedNodes": {"enabled": True},
        "labelFingerprint": secrets.token_hex(4),
        **{k: v for k, v in cluster.items() if k not in ("nodePools", "initialNodeCount", "nodeConfig")},
        "networkConfig": {**network, **cluster.get("networkConfig", {})},
    }
