"""`rhaii-tui wake`: nodes, replicas, and an answered request as proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from rhaii_tui.cli import operation

if TYPE_CHECKING:
    from pathlib import Path

    from rhaii_tui.deployment.plan import Plan
    from rhaii_tui.endpoints import Endpoints
    from rhaii_tui.operations.discovery import Wish


_REPLICAS = typer.Option(None, "--replicas", help="Replicas wanted; as many as before otherwise.")


def run(
    replicas: int | None = _REPLICAS,
    service: str | None = operation.SERVICE,
    project: str | None = operation.PROJECT,
    zone: str | None = operation.ZONE,
    cluster: str | None = operation.CLUSTER,
    pool: str | None = operation.POOL,
    practice: bool = operation.PRACTICE,
    plan: bool = operation.PLAN,
    yes: bool = operation.YES,
    as_json: bool = operation.JSON,
    plain: bool = operation.PLAIN,
) -> None:
    """Wake a stopped service. Exit 0 done, 1 failed, 2 usage, 3 unknown, 130 interrupted."""

    async def planner(endpoints: Endpoints, home: Path, wish: Wish) -> Plan:
        from rhaii_tui.operations.discovery import find
        from rhaii_tui.operations.memory import place, scaling_to_restore
        from rhaii_tui.operations.planning import wake_plan

        found = await find(endpoints, home, wish)
        scaling = scaling_to_restore(home, endpoints.name, place(found.target), found.pool.name)
        return wake_plan(found, replicas, scaling)

    order = operation.Order(
        practice=practice,
        plan_only=plan,
        yes=yes,
        as_json=as_json,
        plain=plain,
        project=project,
        zone=zone,
        cluster=cluster,
        service=service,
        pool=pool,
    )
    operation.carry_out(order, planner)
