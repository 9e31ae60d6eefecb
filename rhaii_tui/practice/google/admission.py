"""What GKE refuses before it starts an operation."""

from __future__ import annotations

import re
from typing import Any

from rhaii_tui.practice.google.errors import GoogleError, error_info
from rhaii_tui.practice.google.geography import MACHINES, T4_ZONES, ZONES, is_offered
from rhaii_tui.practice.world import PROJECT, PROJECT_NUMBER

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")
MAX_NODES = 1000
"""Nodes per node pool and zone (GKE quotas page)."""


def check_project(project: str) -> None:
    """Raises GoogleError 403 for any other project than this cloud's."""
    if project not in (PROJECT, PROJECT_NUMBER):
        raise GoogleError(
            403,
            f"Permission denied on resource project {project}.",
            details=(error_info("CONSUMER_INVALID", "googleapis.com", consumer=f"projects/{project}"),),
        )


def check_location(location: str) -> None:
    """Raises GoogleError 400 for a place that does not exist; regional clusters are not imitated."""
    if location not in ZONES:
        raise GoogleError(400, f'Location "{location}" does not exist.')


def check_name(kind: str, name: str) -> None:
    """Raises GoogleError 400."""
    if not _NAME.fullmatch(name):
        raise GoogleError(
            400,
            f'Invalid value for field "{kind}.name": "{name}". Must be a match of regex '
            "'(?:[a-z](?:[-a-z0-9]{0,38}[a-z0-9])?)' (only alphanumerics and '-' allowed, must start with a letter and "
            "end with an alphanumeric, and must be no longer than 40 characters).",
        )


def check_permission(permission: str, missing: bool) -> None:
    """Raises GoogleError 403."""
    if missing:
        raise GoogleError(
            403,
            f'Required "{permission}" permission(s) for "projects/{PROJECT}".',
            details=(
                error_info("IAM_PERMISSION_DENIED", "container.googleapis.com", permission=permission),
                {"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": "0x8d5e4a2f6b1c3d70"},
            ),
        )


def check_size(count: int) -> None:
    """Raises GoogleError 400 for a size that no node pool can have."""
    if not 0 <= count <= MAX_NODES:
        raise GoogleError(400, f"Node pool size must be between 0 and {MAX_NODES} nodes per zone; {count} requested.")


def check_pool(pool: dict[str, Any], location: str, cluster: dict[str, Any]) -> None:
    """A NodePool with its defaults filled in. Raises GoogleError 400."""
    check_name("node_pool", str(pool.get("name", "")))
    check_size(pool["initialNodeCount"])
    config = pool["config"]
    machine = config["machineType"]
    if not is_offered(machine, location):
        raise GoogleError(400, f'Machine type with name "{machine}" does not exist in zone "{location}".')
    if pool["locations"] != [location]:
        raise GoogleError(400, f"Node locations {pool['locations']} are not in the cluster's location {location}.")
    for accelerator in config.get("accelerators", ()):
        _check_accelerator(accelerator, machine, location)
    _check_topology(pool, machine)
    _check_autoscaling(pool)
    metadata_mode = config.get("workloadMetadataConfig", {}).get("mode")
    if metadata_mode == "GKE_METADATA" and not cluster.get("workloadIdentityConfig", {}).get("workloadPool"):
        raise GoogleError(400, "Workload Identity must be enabled on the cluster before GKE_METADATA on a node pool.")


def _check_accelerator(accelerator: dict[str, Any], machine: str, location: str) -> None:
    name = accelerator.get("acceleratorType", "")
    if name != "nvidia-tesla-t4" or location not in T4_ZONES:
        raise GoogleError(400, f'Accelerator type "{name}" does not exist in zone {location}.')
    if not machine.startswith("n1-"):
        raise GoogleError(400, f'Accelerator type "{name}" cannot be attached to machine type "{machine}".')
    if int(accelerator.get("acceleratorCount", 0)) not in (1, 2, 4):
        raise GoogleError(400, f'Accelerator type "{name}" must have count 1, 2 or 4.')


def _check_topology(pool: dict[str, Any], machine: str) -> None:
    if MACHINES[machine].chips and pool.get("placementPolicy", {}).get("tpuTopology"):
        raise GoogleError(
            400,
            "TPU topology can't be specified with single-host TPU slice pool; please remove the tpu_topology from the "
            "node pool creation request",
        )


def _check_autoscaling(pool: dict[str, Any]) -> None:
    scaling = pool.get("autoscaling", {})
    if not scaling.get("enabled"):
        return
    most = int(scaling.get("maxNodeCount", 0) or scaling.get("totalMaxNodeCount", 0))
    least = int(scaling.get("minNodeCount", 0) or scaling.get("totalMinNodeCount", 0))
    check_size(most)
    if most < 1 or least > most or pool["initialNodeCount"] > most:
        raise GoogleError(
            400, "Autoscaling limits are invalid: min_node_count <= initial size <= max_node_count, max > 0."
        )


def check_cluster(cluster: dict[str, Any]) -> None:
    """A Cluster of a create request. Raises GoogleError 400."""
    check_name("cluster", str(cluster.get("name", "")))
    pools = cluster.get("nodePools", [])
    if pools and (cluster.get("initialNodeCount") or cluster.get("nodeConfig")):
        raise GoogleError(
            400, "Cannot set both cluster.node_pools and cluster.initial_node_count or cluster.node_config."
        )
    if not pools and not cluster.get("initialNodeCount"):
        raise GoogleError(400, "Cluster.initial_node_count must be greater than zero.")
    workload_pool = cluster.get("workloadIdentityConfig", {}).get("workloadPool")
    if workload_pool not in (None, f"{PROJECT}.svc.id.goog"):
        raise GoogleError(400, f'Workload Identity pool must be "{PROJECT}.svc.id.goog", got "{workload_pool}".')
