"""`rhaii-tui scale N`: service and node pool in the right order, with requests counted meanwhile."""

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

_REPLICAS = typer.Argument(..., metavar="N", help="Replicas wanted, 1 to 16.")
_WATCH = typer.Option(
    True, "--watch-requests/--no-watch-requests", help="Send a light stream of requests and count lost ones."
)


@takes(ServiceOrder)
def run(order: ServiceOrder, replicas: int = _REPLICAS, watch_requests: bool = _WATCH) -> None:
    """Change the number of replicas. Exit 0 done, 1 failed, 2 usage, 3 unknown, 130 interrupted."""

    async def planner(endpoints: Endpoints, home: Path, wish: Wish) -> Plan:
        from rhaii_tui.operations.discovery import find
        from rhaii_tui.operations.planning import scale_plan

        return scale_plan(await find(endpoints, home, wish), replicas)

    carry_out(order, planner, watch_requests=watch_requests)
