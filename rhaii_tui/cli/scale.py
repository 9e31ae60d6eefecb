"""`rhaii-tui scale N`: service and node pool in the right order, with requests counted meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from rhaii_tui.cli import operation

if TYPE_CHECKING:
    from pathlib import Path

    from rhaii_tui.deployment.plan import Plan
    from rhaii_tui.endpoints import Endpoints
    from rhaii_tui.operations.discovery import Wish

_REPLICAS = typer.Argument(..., metavar="N", help="Replicas wanted, 1 to 16.")
_WATCH = typer.Option(
    True, "--watch-requests/--no-watch-requests", help="Send a light stream of requests and count lost ones."
)


def run(
    replicas: int = _REPLICAS,
    service: str | None = operation.SERVICE,
    project: str | None = operation.PROJECT,
    zone: str | None = operation.ZONE,
    cluster: str | None = operation.CLUSTER,
    pool: str | None = operation.POOL,
    practice: bool = operation.PRACTICE,
    watch_requests: bool = _WATCH,
    plan: bool = operation.PLAN,
    yes: bool = operation.YES,
    as_json: bool = operation.JSON,
    plain: bool = operation.PLAIN,
) -> None:
    """Change the number of replicas. Exit 0 done, 1 failed, 2 usage, 3 unknown, 130 interrupted."""

    async def planner(endpoints: Endpoints, home: Path, wish: Wish) -> Plan:
        from rhaii_tui.operations.discovery import find
        from rhaii_tui.operations.planning import scale_plan

        return scale_plan(await find(endpoints, home, wish), replicas)

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
        watch_requests=watch_requests,
    )
    operation.carry_out(order, planner)
