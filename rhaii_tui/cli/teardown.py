"""`rhaii-tui teardown`: everything that the ledger knows, in order, seen gone; nothing that it does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from rhaii_tui.cli import operation

if TYPE_CHECKING:
    from pathlib import Path

    from rhaii_tui.deployment.plan import Plan
    from rhaii_tui.endpoints import Endpoints
    from rhaii_tui.operations.discovery import Wish


_CONFIRM = typer.Option(None, "--confirm", metavar="NAME", help="The cluster's name, typed: the approval.")


def run(
    project: str | None = operation.PROJECT,
    zone: str | None = operation.ZONE,
    cluster: str | None = operation.CLUSTER,
    practice: bool = operation.PRACTICE,
    plan: bool = operation.PLAN,
    confirm: str | None = _CONFIRM,
    as_json: bool = operation.JSON,
    plain: bool = operation.PLAIN,
) -> None:
    """Remove what setup created. Exit 0 done, 1 failed, 2 usage, 3 unknown, 130 interrupted."""

    async def planner(endpoints: Endpoints, home: Path, wish: Wish) -> Plan:
        from rhaii_tui.operations.teardown import plan_teardown

        return await plan_teardown(endpoints, home, wish)

    order = operation.Order(
        practice=practice,
        plan_only=plan,
        yes=False,
        as_json=as_json,
        plain=plain,
        project=project,
        zone=zone,
        cluster=cluster,
        teardown=True,
        confirm=confirm,
    )
    operation.carry_out(order, planner)
