"""`rhaii-tui teardown`: everything that the ledger knows, in order, seen gone; nothing that it does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rhaii_tui.cli.operation import carry_out
from rhaii_tui.cli.order import TeardownOrder, takes

if TYPE_CHECKING:
    from pathlib import Path

    from rhaii_tui.deployment.plan import Plan
    from rhaii_tui.endpoints import Endpoints
    from rhaii_tui.operations.discovery import Wish


@takes(TeardownOrder)
def run(order: TeardownOrder) -> None:
    """Remove what setup created. Exit 0 done, 1 failed, 2 usage, 3 unknown, 130 interrupted."""

    async def planner(endpoints: Endpoints, home: Path, wish: Wish) -> Plan:
        from rhaii_tui.operations.teardown import plan_teardown

        return await plan_teardown(endpoints, home, wish)

    carry_out(order, planner)
