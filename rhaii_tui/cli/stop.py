"""`rhaii-tui stop`: nothing runs and no accelerator is paid for, until it is woken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rhaii_tui.cli.operation import carry_out
from rhaii_tui.cli.order import ServiceOrder, takes

if TYPE_CHECKING:
    from pathlib import Path

    from rhaii_tui.deployment.plan import Plan
    from rhaii_tui.endpoints import Endpoints
    from rhaii_tui.operations.discovery import Wish


@takes(ServiceOrder)
def run(order: ServiceOrder) -> None:
    """Stop the service and give its nodes back. Exit 0 done, 1 failed, 2 usage, 3 unknown, 130 interrupted."""

    async def planner(endpoints: Endpoints, home: Path, wish: Wish) -> Plan:
        from rhaii_tui.operations.discovery import find
        from rhaii_tui.operations.planning import stop_plan

        return stop_plan(await find(endpoints, home, wish))

    carry_out(order, planner)
