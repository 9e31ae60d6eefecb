"""What is sent to create things in GKE. Each choice has its reason beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rhaii_tui.catalog.accelerators import CPU_DISK_GB, CPU_MACHINE_TYPE, CPU_NODES, accelerator_facts
from rhaii_tui.catalog.prices import Provisioning
from rhaii_tui.catalog.target import Target

MANAGED_BY = {"managed-by": "rhaii-tui"}
RUN_LABEL = "rhaii-tui-run"
"""The run that asked for a resource: after a lost answer it tells ours from what somebody made under the same name."""
_SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
_FLEX_DURATION = "604800s"
"""Seven days: the longest that flex-start grants."""


def cluster_body(target: Target, labels: Mapping[str, str]) -> dict[str, Any]:
    """A zonal cluster with its operators' nodes; the accelerator pool comes later, so that a stockout spares it.

    Dataplane V2, or network policies would be ignored. GKE's own Gateway API stays off: the operators bring
    theirs, and the two would fight over the CRDs.
    """
    return {
        "name": target.cluster,
        "resource_labels": {**MANAGED_BY, **labels},
        "release_channel": {"channel": "REGULAR"},
        "workload_identity_config": {"workload_pool": f"{target.project}.svc.id.goog"},
        "ip_allocation_policy": {"use_ip_aliases": True},
        "network_config": {"datapath_provider": "ADVANCED_DATAPATH"},
        "logging_config": {"component_config": {"enable_components": ["SYSTEM_COMPONENTS", "WORKLOADS"]}},
        "monitoring_config": {"component_config": {"enable_components": ["SYSTEM_COMPONENTS"]}},
        "node_pools": [
            {
                "name": "default-pool",
                "initial_node_count": CPU_NODES,
                "management": {"auto_repair": True, "auto_upgrade": True},
                "config": {
                    "machine_type": CPU_MACHINE_TYPE,
                    "disk_size_gb": CPU_DISK_GB,
                    "disk_type": "pd-balanced",
                    "oauth_scopes": _SCOPES,
                    "resource_labels": {**MANAGED_BY, **labels},
                    "workload_metadata_config": {"mode": "GKE_METADATA"},
                },
            }
        ],
    }


def pool_body(target: Target, labels: Mapping[str, str]) -> dict[str, Any]:
    """One accelerator node per replica, in the target's zone only.

    No tpu_topology: GKE refuses it for single-host slices. No taints: GKE sets them. No surge: an upgrade would
    want one accelerator more than there is quota for. No metadata mode: GKE's default follows the cluster's, and an
    adopted cluster may lack Workload Identity.
    """
    facts = accelerator_facts(target.accelerator)
    config: dict[str, Any] = {
        "machine_type": facts.machine_type,
        "oauth_scopes": _SCOPES,
        "resource_labels": {**MANAGED_BY, **labels},
    }
    if facts.disk_gb:
        config |= {"disk_size_gb": facts.disk_gb, "disk_type": facts.disk_type}
    if facts.gke_accelerator:
        config["accelerators"] = [
            {
                "accelerator_count": facts.units_per_node,
                "accelerator_type": facts.gke_accelerator,
                "gpu_driver_installation_config": {"gpu_driver_version": "DEFAULT"},
            }
        ]
    body: dict[str, Any] = {
        "name": target.pool,
        "initial_node_count": target.replicas,
        "locations": [target.zone],
        "management": {"auto_repair": True, "auto_upgrade": True},
        "upgrade_settings": {"max_surge": 0, "max_unavailable": 1},
        "config": config,
    }
    if target.provisioning == Provisioning.SPOT:
        config["spot"] = True
    elif target.provisioning == Provisioning.FLEX_START:
        # Nodes come when a pod asks for them, so the pool starts empty and may grow to one node per replica.
        config |= {
            "flex_start": True,
            "max_run_duration": _FLEX_DURATION,
            "reservation_affinity": {"consume_reservation_type": "NO_RESERVATION"},
        }
        body |= {
            "initial_node_count": 0,
            "autoscaling": {"enabled": True, "total_max_node_count": target.replicas, "location_policy": "ANY"},
            "management": {"auto_repair": False, "auto_upgrade": True},
        }
    return body
