"""What scale, stop, wake and teardown have in common on the command line: find, plan, approve, run, tell."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import typer

from rhaii_tui.cli.asking import asked, terminal
from rhaii_tui.cli.opening import opened
from rhaii_tui.cli.order import Order, ServiceOrder, TeardownOrder
from rhaii_tui.cli.output import Exit, Output, clock_text

if TYPE_CHECKING:
    from pathlib import Path

    from rhaii_tui.catalog.bill import Bill
    from rhaii_tui.deployment.plan import Plan
    from rhaii_tui.deployment.session import Session
    from rhaii_tui.deployment.state import RunState
    from rhaii_tui.endpoints import Endpoints
    from rhaii_tui.operations.discovery import Wish

Planner = Callable[["Endpoints", "Path", "Wish"], Awaitable["Plan"]]


def carry_out(order: Order, planner: Planner, *, watch_requests: bool = False) -> None:
    """Run the command to its exit code: 0 done, 1 failed, 2 usage, 3 unknown, 130 interrupted."""
    import asyncio

    if order.as_json and order.plain:
        raise typer.Exit(Output(as_json=False).refuse("--json and --plain exclude each other", "", "Say one of them."))
    out = Output(as_json=order.as_json)
    try:
        code = asyncio.run(_command(order, planner, watch_requests, out))
    except KeyboardInterrupt:
        from rhaii_tui.cli.interruption import broken_off

        code = broken_off(out)
    raise typer.Exit(code)


async def _command(order: Order, planner: Planner, watch_requests: bool, out: Output) -> int:
    from rhaii_tui.cli.cloud import PracticeUnavailable, nobody_practises, open_cloud
    from rhaii_tui.google.errors import CloudError
    from rhaii_tui.kube.errors import KubeError
    from rhaii_tui.operations.trouble import Trouble
    from rhaii_tui.settings import SettingsError

    if not (order.plan_only or order.approval or terminal()):
        return out.refuse(
            "The plan cannot be approved",
            "There is no terminal to ask on.",
            "Say --confirm with the cluster's name, or --plan to see what would go."
            if isinstance(order, TeardownOrder)
            else "Say --yes to approve it beforehand, or --plan to see it.",
        )
    if order.practice and (refused := nobody_practises(out)) is not None:
        return refused
    try:
        async with open_cloud(order.practice, guest=True) as endpoints:
            return await _operate(order, planner, watch_requests, endpoints, out)
    except SettingsError as error:
        return out.refuse(error.what, error.why, error.next)
    except Trouble as error:
        code = Exit.USAGE if error.usage else Exit.UNKNOWN if error.unknown else Exit.FAILED
        return out.refuse(error.what, error.why, error.next, code=code)
    except CloudError as error:
        return out.refuse(error.message, "", error.remedy, code=Exit.UNKNOWN)
    except KubeError as error:
        return out.refuse("The cluster cannot be read", str(error), "Try again.", code=Exit.UNKNOWN)
    except PracticeUnavailable as error:
        return out.refuse("No practice cloud", str(error), code=Exit.FAILED)


async def _operate(order: Order, planner: Planner, watch_requests: bool, endpoints: Endpoints, out: Output) -> int:
    import os
    from pathlib import Path

    from rhaii_tui.operations.discovery import Wish
    from rhaii_tui.operations.running import open_operation
    from rhaii_tui.settings import SettingsError, resolve, state_home

    settings = resolve({"project": order.project}, endpoints, os.environ, Path.cwd()).values
    if "project" not in settings:
        raise SettingsError("No project is set", "Every Google Cloud resource is in one.", "Say --project.")
    about = order if isinstance(order, ServiceOrder) else None
    wish = Wish(
        project=settings["project"].value,
        zone=order.zone or "",
        cluster=order.cluster or "",
        service=(about and about.service) or "",
        pool=(about and about.pool) or "",
    )
    home = state_home(os.environ)
    plan = await planner(endpoints, home, wish)
    if order.plan_only:
        _show(plan, out)
        out.record({"type": "plan", **plan.model_dump(mode="json"), "expected_seconds": plan.expected_seconds})
        out.record({"type": "result", "ok": True, "operation": plan.kind, "expected_seconds": plan.expected_seconds})
        return Exit.OK
    typed = order.confirm if isinstance(order, TeardownOrder) else None
    if typed is not None and typed != plan.target.cluster:
        return out.refuse(
            f"{typed} is not the cluster's name",
            f"This would tear down {plan.target.cluster}.",
            "Say --confirm with exactly that name.",
        )
    session = await opened(open_operation(plan, endpoints, home), out)
    if isinstance(session, int):
        return session
    try:
        return await _run(session, order, watch_requests, out)
    finally:
        await session.close()


async def _run(session: Session, order: Order, watch_requests: bool, out: Output) -> int:
    import asyncio

    from rhaii_tui.cli import interruption
    from rhaii_tui.cli.setup_report import Reporter
    from rhaii_tui.operations.running import perform

    _show(session.plan, out)
    reporter = Reporter(out)
    forget = session.subscribe(reporter)
    reporter.begin(session.state)
    try:
        if session.state.approved_at is None:
            if not _agreed(session.plan, order):
                out.line("Nothing was changed.")
                return Exit.FAILED
            session.approve(order.approval or "terminal")
        state = await perform(session, watch_requests=watch_requests)
    except asyncio.CancelledError:
        interruption.tell(session.state, out)
        raise
    finally:
        forget()
    out.record(result(state))
    for line in _closing(state):
        out.line(line)
    return exit_code(state)


def _agreed(plan: Plan, order: Order) -> bool:
    if order.approval:
        return True
    if not isinstance(order, TeardownOrder):
        return bool(asked(lambda: typer.confirm("Do this?", err=True)))
    wanted = f"Type the name of the cluster to tear it down ({plan.target.cluster})"
    name: str | None = asked(lambda: typer.prompt(wanted, err=True))
    return name is not None and name.strip() == plan.target.cluster


def exit_code(state: RunState) -> Exit:
    """Done is 0, unless a stop's nothing could not be seen as far as its instance group."""
    if state.outcome != "done":
        return Exit.FAILED
    unproven = any(f.rule == "stop.group-unread" for f in state.findings)
    return Exit.UNKNOWN if unproven else Exit.OK


def result(state: RunState) -> dict[str, Any]:
    """The last line for a machine."""
    plan = state.plan
    assert plan is not None
    assert plan.change is not None
    record: dict[str, Any] = {
        "type": "result",
        "ok": exit_code(state) is Exit.OK,
        "exit_code": int(exit_code(state)),
        "operation": plan.kind,
        "replicas": plan.change.replicas_after,
        "replicas_ready": state.replicas_ready,
        "nodes": state.nodes,
        "bill_before": _bill(plan.bill_before),
        "bill_after": _bill(plan.bill),
        "endpoint": state.endpoint,
        "removed": [i.model_dump() for i in plan.change.removes],
        "left": [i.model_dump() for i in plan.change.leaves],
        "findings": [f.model_dump(mode="json") for f in state.findings],
    }
    if state.requests_sent:
        record["requests"] = {"sent": state.requests_sent, "lost": state.requests_lost}
    failed = [s.finding for s in state.steps if s.status == "failed" and s.finding is not None]
    if failed:
        record["failed"] = [f.model_dump(mode="json") for f in failed]
    return record


def _bill(bill: Bill | None) -> dict[str, Any] | None:
    if bill is None:
        return None
    return {"usd_per_hour": bill.usd_per_hour, "usd_per_day": bill.usd_per_day, "complete": bill.complete}


def _money(bill: Bill | None) -> str:
    if bill is None or bill.usd_per_hour is None:
        return "unknown"
    return f"{'' if bill.complete else 'at least '}${bill.usd_per_hour:.2f} per hour"


def _show(plan: Plan, out: Output) -> None:
    change, target = plan.change, plan.target
    assert change is not None
    name = f"{target.namespace}/{target.service}"
    out.line(f"Plan: {plan.kind} {name if plan.kind != 'teardown' else target.cluster} ({target.zone})")
    if plan.kind != "teardown":
        out.line(
            f"  replicas {change.replicas_before} -> {change.replicas_after}, "
            f"nodes {change.nodes_before} -> {change.nodes_after}; usually {clock_text(plan.expected_seconds)}"
        )
    for step in plan.steps:
        out.line(f"  {step.id:<13}{clock_text(step.usual_seconds):>7}  {step.effect.value:<8}{step.title}")
        for command in step.commands:
            out.line(f"      $ {command.text}")
    for item in change.removes:
        out.line(f"  removes {item.kind} {item.name}")
    for item in change.leaves:
        out.line(f"  leaves  {item.kind} {item.name}: {item.why}")
    for note in change.notes:
        out.line(f"  Note: {note}")
    out.line(f"Bill: {_money(plan.bill_before)} before, {_money(plan.bill)} after.")


def _closing(state: RunState) -> list[str]:
    plan = state.plan
    assert plan is not None
    lines: list[str] = []
    for step in state.steps:
        if step.status == "failed" and step.finding is not None:
            found = step.finding
            lines += [f"FAILED  {step.spec.title}: {found.message}", f"        {found.meaning}"]
            lines += [f"        Next: {found.remediation}"]
            lines += [f"        $ {command.text}" for command in found.commands]
            lines += [f"        | {line}" for line in found.raw.splitlines()[-8:]]
    if state.outcome != "done":
        return [*lines, "The same command continues this run."]
    lines += [f"{f.status.value:<8}{f.message} {f.meaning} {f.remediation}" for f in state.findings]
    if state.nodes is not None:
        lines.append(f"Done: {state.replicas_ready} replicas ready, {state.nodes} nodes.")
    if state.requests_sent:
        lines.append(f"Requests meanwhile: {state.requests_sent} sent, {state.requests_lost} lost.")
    if plan.kind in ("stop", "teardown"):
        still = [c for c in plan.bill.components if c.usd_per_hour is None or c.usd_per_hour > 0]
        lines.append("Still billed:" if still else "Nothing of it is billed any more.")
        for part in still:
            cost = "price unknown" if part.usd_per_hour is None else f"${part.usd_per_hour:.3f}/h"
            lines.append(f"  {part.name}: {part.quantity:g} {part.unit}, {cost}")
    lines.append(f"It costs {_money(plan.bill)} now ({_money(plan.bill_before)} before).")
    return lines
