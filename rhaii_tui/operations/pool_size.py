"""How large a node pool is: its instance groups know; its Node objects are what one sees of it."""

from __future__ import annotations

from dataclasses import dataclass

from rhaii_tui.catalog.findings import Evidence
from rhaii_tui.deployment.context import RunContext, evidence
from rhaii_tui.deployment.patience import patiently
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.google.errors import CloudError, Kind
from rhaii_tui.google.values import PoolInfo
from rhaii_tui.kube.nodes import in_pool


@dataclass(frozen=True, slots=True)
class PoolSize:
    """`target` nodes over all groups; `stable` when no machine is on its way in or out; `known` False when the groups
    were not named or could not be read, and Node objects were counted instead."""

    info: PoolInfo
    target: int
    stable: bool
    known: bool
    evidence: tuple[Evidence, ...]


async def pool_size(run: RunContext, step: str) -> PoolSize:
    """The target's pool. Raises CloudError NOT_FOUND when it is gone."""
    target = run.target
    info = await patiently(run, step, "google", lambda: run.gke.get_node_pool(target.zone, target.cluster, target.pool))
    if not info.instance_groups:
        return await _by_its_nodes(run, step, info, "GKE names no instance group")
    try:
        sizes = [
            await patiently(run, step, "google", lambda url=url: run.compute.group_size(url))  # type: ignore[misc]
            for url in info.instance_groups
        ]
    except CloudError as error:
        if error.kind is not Kind.PERMISSION:
            raise
        return await _by_its_nodes(run, step, info, "the instance group is not readable")
    total = sum(s.target for s in sizes)
    stable = all(s.stable for s in sizes)
    text = f"target size {total}, {'stable' if stable else 'changing'}"
    return PoolSize(info, total, stable, True, (evidence(f"instance group of {target.pool}", text),))


async def _by_its_nodes(run: RunContext, step: str, info: PoolInfo, why: str) -> PoolSize:
    nodes = await pool_nodes(run, step)
    return PoolSize(info, len(nodes), True, False, (evidence(f"nodes of {run.target.pool}", f"{len(nodes)} ({why})"),))


async def group_target(endpoints: Endpoints, project: str, pool: PoolInfo) -> int | None:
    """How many machines the pool's groups want, those that are still to come included; None where that cannot be read,
    for then the operation's own steps say so."""
    from rhaii_tui.google.compute import Compute

    if not pool.instance_groups:
        return None
    compute = Compute(endpoints, project)
    try:
        return sum([(await compute.group_size(url)).target for url in pool.instance_groups])
    except CloudError:
        return None


async def pool_nodes(run: RunContext, step: str) -> list[dict[str, object]]:
    """Node objects of the target's pool; empty while there is no connection."""
    if not run.connected:
        return []
    return await patiently(run, step, "kubernetes", lambda: run.kube.items("Node", labels=in_pool(run.target.pool)))
