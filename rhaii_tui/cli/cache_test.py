"""`rhaii-tui cache-test`: does routing keep prefixes together, and does the cache deliver? On what runs now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from rhaii_tui.cli.output import Exit, Output

if TYPE_CHECKING:
    from rhaii_tui.cachetest.records import TestPlan, Verdict
    from rhaii_tui.catalog.target import Target
    from rhaii_tui.endpoints import Endpoints
    from rhaii_tui.kube.connect import Cluster

_PRACTICE = typer.Option(False, "--practice", help="Test what runs on the practice cloud.")
_RUN = typer.Option(None, "--run", help="A run's id; the newest on this cloud otherwise.")
_FAMILIES = typer.Option(8, "--families", min=2, max=64, help="Prefixes to send; each is asked --repeats times.")
_REPEATS = typer.Option(4, "--repeats", min=2, max=16, help="Requests per prefix; the first is cold.")
_LOAD = typer.Option(6.0, "--load-seconds", min=0.0, max=300.0, help="Seconds of closed-loop load; 0 for none.")
_CONCURRENCY = typer.Option(10, "--concurrency", min=1, max=64, help="Requests at once under load.")
_JSON = typer.Option(False, "--json", help="One JSON object per line; the last is the result.")
_PLAIN = typer.Option(False, "--plain", help="Plain lines (the default).")


def run(
    practice: bool = _PRACTICE,
    run_id: str | None = _RUN,
    families: int = _FAMILIES,
    repeats: int = _REPEATS,
    load_seconds: float = _LOAD,
    concurrency: int = _CONCURRENCY,
    as_json: bool = _JSON,
    plain: bool = _PLAIN,
) -> None:
    """Exit 0 when everything that applies is PROVEN, 1 when something is NOT PROVEN, 3 when it cannot be told."""
    import asyncio

    from rhaii_tui.cachetest.records import TestPlan

    if as_json and plain:
        raise typer.Exit(Output(as_json=False).refuse("--json and --plain exclude each other", "", "Say one of them."))
    plan = TestPlan(families, repeats, families, load_seconds, concurrency)
    try:
        code = asyncio.run(_command(practice, run_id, plan, Output(as_json=as_json)))
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    raise typer.Exit(code)


async def _command(practice: bool, run_id: str | None, plan: TestPlan, out: Output) -> int:
    import os

    from rhaii_tui.cli.cloud import PracticeUnavailable, nobody_practises, open_cloud
    from rhaii_tui.deployment.journal import last_run
    from rhaii_tui.settings import state_home

    if practice and (refused := nobody_practises(out)) is not None:
        return refused
    try:
        async with open_cloud(practice, guest=True) as endpoints:
            state = last_run(state_home(os.environ), endpoints.name, run_id)
            if state is None or state.plan is None:
                return out.refuse(
                    "There is nothing to test",
                    "No run on this cloud is known here.",
                    "Deploy one: rhaii-tui setup --help.",
                    code=Exit.FAILED,
                )
            return await _test(state.plan.target, endpoints, plan, out)
    except PracticeUnavailable as error:
        return out.refuse("No practice cloud", str(error), code=Exit.FAILED)


async def _test(target: Target, endpoints: Endpoints, plan: TestPlan, out: Output) -> int:
    from rhaii_tui.google.errors import CloudError
    from rhaii_tui.google.gke import Gke
    from rhaii_tui.kube.connect import Cluster
    from rhaii_tui.kube.errors import KubeError
    from rhaii_tui.serving import conditions

    try:
        info = await Gke(endpoints, target.project).get_cluster(target.zone, target.cluster)
        cluster = await Cluster.from_gke(info.endpoint, info.ca_pem, endpoints)
    except (CloudError, KubeError) as error:
        return out.refuse(
            f"Cluster {target.cluster} cannot be reached", str(error), "Try again: rhaii-tui status.", code=Exit.UNKNOWN
        )
    try:
        service = await cluster.read("LLMInferenceService", target.namespace, target.service)
        url = conditions.service(service).address if service is not None else ""
        if not url:
            return out.refuse(
                f"Service {target.namespace}/{target.service} has no address",
                "It is not there." if service is None else conditions.service(service).why,
                "See how far it is: rhaii-tui status.",
                code=Exit.FAILED,
            )
        return await console(cluster, endpoints, target, url, plan, out)
    except KubeError as error:
        return out.refuse("The Kubernetes API did not answer", str(error), "Try again.", code=Exit.UNKNOWN)
    finally:
        await cluster.close()


async def console(cluster: Cluster, endpoints: Endpoints, target: Target, url: str, plan: TestPlan, out: Output) -> int:
    """Run the console and tell its events; the exit code of its verdict."""
    from contextlib import aclosing

    from rhaii_tui.cachetest.console import Console
    from rhaii_tui.cachetest.records import Concluded, Verdict
    from rhaii_tui.cachetest.report import lines, record

    verdict = Verdict("UNKNOWN", "UNKNOWN", "CANNOT TELL", ())
    tested = Console(cluster, endpoints, target.namespace, target.service, url)
    async with aclosing(tested.run(plan)) as events:
        async for event in events:
            out.record(record(event))
            for line in lines(event):
                out.line(line)
            if isinstance(event, Concluded):
                verdict = event.verdict
    code = exit_code(verdict)
    out.record(
        {
            "type": "result",
            "ok": code is Exit.OK,
            "exit_code": int(code),
            "endpoint": url,
            "verdict": {"routing": verdict.routing, "cache": verdict.cache, "reasons": list(verdict.reasons)},
            "requests": {"sent": verdict.sent, "ok": verdict.ok},
        }
    )
    return code


def exit_code(verdict: Verdict) -> Exit:
    """Proven, or not applicable, is 0; anything NOT PROVEN is 1; what could not be told is 3."""
    words = {verdict.routing, verdict.cache}
    if "NOT PROVEN" in words:
        return Exit.FAILED
    return Exit.UNKNOWN if "UNKNOWN" in words else Exit.OK
