"""`rhaii-tui wake`: nodes, replicas, and an answered request as proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from rhaii_tui.cli.operation import carry_out
from rhaii_tui.cli.order import ServiceOrder, takes

if TYPE_CHECKING:
    from pathlib import Path

    from rhaii_tui.deployment.plan import Plan
    from rhaii_tui.endpoints import Endpoints
    from rhaii_tui.operations.discovery import Wish


_REPLICAS = typer.Option(None, "--replicas", help="Replicas wanted; as many as before otherwise.")


@takes(ServiceOrder)
def run(order: ServiceOrder, replicas: int | None = _REPLICAS) -> None:
    """Wake a stopped service. Exit 0 done, 1 failed, 2 usage, 3 unknown, 130 interrupted."""

    async def planner(endpoints: Endpoints, home: Path, wish: Wish) -> Plan:
        from rhaii_tui.operations.discovery import find
        from rhaii_tui.operations.memory import place, scaling_to_restore
        from rhaii_tui.operations.planning import wake_plan

        found = await find(endpoints, home, wish)
        scaling = scaling_to_restore(home, endpoints.name, place(found.target), found.pool.name)
        return wake_plan(found, replicas, scaling)

    carry_out(order, planner)
