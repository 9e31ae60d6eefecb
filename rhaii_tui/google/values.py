"""What GKE says, as small values; protos stay in the threads that read them. Enum values are kept as their names."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from rhaii_tui.google.errors import CloudError, of_operation


@dataclass(frozen=True, slots=True)
class PoolInfo:
    """A node pool. GKE tells the number of nodes it began with, not the present one: count Node objects for that."""

    name: str
    status: str
    status_message: str
    machine_type: str
    accelerator: str
    accelerators_per_node: int
    initial_nodes: int
    locations: tuple[str, ...]
    version: str
    provisioning: str
    autoscaled: bool
    most_nodes: int
    instance_groups: tuple[str, ...]
    labels: dict[str, str]
    conditions: tuple[str, ...]
    scaling: dict[str, int | str] = field(default_factory=dict)
    """The autoscaler's settings while it is on, as `set_node_pool_autoscaling` takes them back."""

    @property
    def ours(self) -> bool:
        """True when it bears this product's label."""
        return self.labels.get("managed-by") == "rhaii-tui"

    @property
    def broken(self) -> bool:
        """True when GKE itself calls the pool an error."""
        return self.status in ("ERROR", "RUNNING_WITH_ERROR")


@dataclass(frozen=True, slots=True)
class ClusterInfo:
    """A cluster. `endpoint` may carry a port, `ca_pem` is the certificate authority of its API server."""

    name: str
    location: str
    status: str
    status_message: str
    endpoint: str
    ca_pem: bytes = field(repr=False)
    labels: dict[str, str]
    version: str
    nodes: int
    pools: tuple[PoolInfo, ...]
    dataplane_v2: bool
    gateway_api: bool
    conditions: tuple[str, ...]
    id: str = ""
    """Google's own, which tells it from a namesake."""

    @property
    def ours(self) -> bool:
        """True when this product created it."""
        return self.labels.get("managed-by") == "rhaii-tui"

    def pool(self, name: str) -> PoolInfo | None:
        """A pool by name."""
        return next((p for p in self.pools if p.name == name), None)


@dataclass(frozen=True, slots=True)
class OperationInfo:
    """An operation. DONE means it has ended, well or badly: `error` tells. `progress` is {metric: (done, total)}."""

    name: str
    type: str
    status: str
    location: str
    target: str
    detail: str
    started: str
    ended: str
    progress: dict[str, tuple[int, int]]
    conditions: tuple[str, ...]
    error_code: int
    error_message: str

    @property
    def done(self) -> bool:
        """True when it has ended either way."""
        return self.status == "DONE"

    @property
    def error(self) -> CloudError | None:
        """How it failed, None when it did not (or not yet)."""
        if not self.error_code and not self.error_message:
            return None
        return of_operation(self.error_code, " ".join((self.error_message, *self.conditions)))

    def targets(self, suffix: str) -> bool:
        """True when the operation's target link ends with `suffix`, such as `clusters/a/nodePools/b`."""
        return self.target == suffix or self.target.endswith("/" + suffix)


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What GKE offers in a location."""

    default_version: str
    channels: dict[str, str]


def enum_name(value: Any) -> str:
    """The name of an enum value; a number this client does not know yet stays a number."""
    return str(getattr(value, "name", value))


def pool_info(pool: Any) -> PoolInfo:
    """From the client's NodePool."""
    config = pool.config
    accelerator = config.accelerators[0] if config.accelerators else None
    bought = "spot" if config.spot else "flex-start" if config.flex_start else "on-demand"
    scaling = pool.autoscaling
    return PoolInfo(
        name=pool.name,
        status=enum_name(pool.status),
        status_message=pool.status_message,
        machine_type=config.machine_type,
        accelerator=accelerator.accelerator_type if accelerator else "",
        accelerators_per_node=int(accelerator.accelerator_count) if accelerator else 0,
        initial_nodes=int(pool.initial_node_count),
        locations=tuple(pool.locations),
        version=pool.version,
        provisioning=bought,
        autoscaled=bool(scaling.enabled),
        most_nodes=int(scaling.total_max_node_count or scaling.max_node_count),
        instance_groups=tuple(pool.instance_group_urls),
        labels=dict(config.resource_labels),
        conditions=_conditions(pool.conditions),
        scaling=_scaling(scaling),
    )


def _scaling(scaling: Any) -> dict[str, int | str]:
    counts = ("min_node_count", "max_node_count", "total_min_node_count", "total_max_node_count")
    if not scaling.enabled:
        return {}
    found: dict[str, int | str] = {name: int(getattr(scaling, name)) for name in counts if getattr(scaling, name)}
    if policy := int(scaling.location_policy):
        found["location_policy"] = policy
    return found


def cluster_info(cluster: Any) -> ClusterInfo:
    """From the client's Cluster. Raises ValueError when the certificate is not base64."""
    network = cluster.network_config
    return ClusterInfo(
        name=cluster.name,
        location=cluster.location or cluster.zone,
        status=enum_name(cluster.status),
        status_message=cluster.status_message,
        endpoint=cluster.endpoint,
        ca_pem=base64.b64decode(cluster.master_auth.cluster_ca_certificate),
        labels=dict(cluster.resource_labels),
        version=cluster.current_master_version,
        nodes=int(cluster.current_node_count),
        pools=tuple(pool_info(p) for p in cluster.node_pools),
        dataplane_v2=enum_name(network.datapath_provider) == "ADVANCED_DATAPATH",
        gateway_api=enum_name(network.gateway_api_config.channel) in ("CHANNEL_STANDARD", "CHANNEL_EXPERIMENTAL"),
        conditions=_conditions(cluster.conditions),
        id=cluster.id,
    )


def operation_info(operation: Any) -> OperationInfo:
    """From the client's Operation."""
    metrics = {m.name: int(m.int_value) for m in operation.progress.metrics}
    for stage in operation.progress.stages:
        metrics |= {m.name: int(m.int_value) for m in stage.metrics}
    conditions = _conditions([*operation.cluster_conditions, *operation.nodepool_conditions])
    return OperationInfo(
        name=operation.name,
        type=enum_name(operation.operation_type),
        status=enum_name(operation.status),
        location=operation.location or operation.zone,
        target=operation.target_link,
        detail=operation.detail,
        started=operation.start_time,
        ended=operation.end_time,
        progress={n: (v, metrics[f"{n}_TOTAL"]) for n, v in metrics.items() if f"{n}_TOTAL" in metrics},
        conditions=conditions,
        error_code=int(operation.error.code),
        error_message=operation.error.message,
    )


def server_info(config: Any) -> ServerInfo:
    """From the client's ServerConfig."""
    return ServerInfo(
        default_version=config.default_cluster_version,
        channels={enum_name(c.channel): c.default_version for c in config.channels},
    )


def _conditions(conditions: Any) -> tuple[str, ...]:
    return tuple(f"{enum_name(c.code)}: {c.message}" if c.message else enum_name(c.code) for c in conditions)
