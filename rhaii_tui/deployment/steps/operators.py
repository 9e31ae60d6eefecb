"""The operators: the stack's own installer as a child process, and every part of it verified against the API."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from rhaii_tui.catalog.findings import Finding, Status
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment import installer
from rhaii_tui.deployment.context import RunContext, evidence, finished, intends, progressed
from rhaii_tui.deployment.failures import failure
from rhaii_tui.deployment.journal import first_event, run_folders
from rhaii_tui.deployment.kubeconfig import private_kubeconfig
from rhaii_tui.deployment.observe import watch_until
from rhaii_tui.deployment.patience import patiently, wall_limit
from rhaii_tui.deployment.stack_parts import DEPLOYMENTS, available, missing_parts
from rhaii_tui.deployment.step import Probe, StepStopped
from rhaii_tui.serving.profile import detect

STREAM = "operators"
SILENCE = 1200.0
"""Cloud seconds without a word from the installer after which it is taken for stuck: all of it usually takes 5 to 10
minutes, but it may repeat itself through bad weather for longer."""
SETTLE = 600.0
"""Cloud seconds for everything to be Available after the installer ended (wait budget: 10 min)."""
EARLIER = 600.0
EARLIER_LEAST = 3.0
"""Cloud seconds, and at least so many of the wall, that an installer left behind gets to end by itself."""
_TELL_EVERY = 0.5


class OperatorsStep:
    """Done when all parts of the stack are there and Available, whoever put them there."""

    id = "operators"

    async def probe(self, run: RunContext) -> Probe:
        """First whose stack it is; then which parts are missing."""
        profile = await patiently(run, self.id, "kubernetes", lambda: detect(run.kube))
        if profile.finding is not None:
            unread = profile.finding.status is Status.UNKNOWN
            return Probe("unknown" if unread else "blocked", evidence=profile.evidence, finding=profile.finding)
        missing = await missing_parts(run, self.id)
        if not missing:
            return Probe("already", "complete", (evidence("Deployments, CRDs, issuers, presets", "all there"),))
        return Probe("needed", evidence=(evidence("stack", f"{len(missing)} parts missing, first: {missing[0]}"),))

    async def act(self, run: RunContext) -> AsyncIterator[e.Event]:
        """Run the installer with a private kubeconfig, then wait for every part."""
        yield intends(self.id, "install", "Stack", "operators")
        waited = False
        async for event in _earlier(run):
            waited = True
            yield event
        if not waited or await missing_parts(run, self.id):
            async for event in self._install(run):
                yield event
        told = -1

        def judge(deployments: list[dict[str, Any]]) -> int | None:
            nonlocal told
            count = len(available(deployments))
            if count != told:
                told = count
                run.record(progressed(self.id, "Deployments Available", count, len(DEPLOYMENTS), "Deployments"))
            return count if count == len(DEPLOYMENTS) else None

        await watch_until(
            run,
            "Deployment",
            None,
            judge,
            limit=SETTLE,
            late=lambda found: _incomplete(
                [f"{ns}/{name}" for ns, name in DEPLOYMENTS if (ns, name) not in available(found)]
            ),
        )
        deadline = time.monotonic() + wall_limit(run.clock, SETTLE)
        while missing := await missing_parts(run, self.id):
            if time.monotonic() > deadline:
                raise StepStopped(_incomplete(missing))
            run.record(progressed(self.id, f"waiting for {missing[0]}"))
            await run.clock.sleep(10, least=0.3)
        yield e.ResourceCreated(at=time.time(), step=self.id, kind="Stack", name="operators")
        yield finished(self.id, "complete", evidence("Deployments, CRDs, issuers, presets", "all there"))

    async def _install(self, run: RunContext) -> AsyncIterator[e.Event]:
        command = run.endpoints.operators_command
        directory = run.target.operators_directory or run.endpoints.operators_directory
        if directory is None:
            raise StepStopped(_no_checkout(None))
        async with private_kubeconfig(run) as kubeconfig:
            last: deque[str] = deque(maxlen=30)
            environ = {**os.environ, "KUBECONFIG": str(kubeconfig)}
            async with contextlib.AsyncExitStack() as stack:
                try:
                    process = await stack.enter_async_context(
                        installer.started(run.folder, command, directory, environ)
                    )
                except OSError as error:
                    if error.filename == str(directory):
                        raise StepStopped(_no_checkout(directory)) from error
                    raise StepStopped(_cannot_start(command[0], error)) from error
                try:
                    async for event in _output(run, process, last):
                        yield event
                    code = await process.wait()
                except TimeoutError:
                    raise StepStopped(_failed(f"has said nothing for {SILENCE / 60:.0f} minutes", last)) from None
            if code:
                raise StepStopped(_failed(f"ended with exit code {code}", last))


async def _earlier(run: RunContext) -> AsyncIterator[e.Event]:
    """An installer that goes on since an earlier process of ours was killed: two at once would be in each other's way.
    It is waited for, and ended when it takes too long. No event where there is none."""
    home = run.folder.parent.parent
    others = [f for f in run_folders(home) if f != run.folder and _same_cluster(run, f)]
    for folder in (run.folder, *others):
        group = installer.running(folder)
        if group is None:
            continue
        which = f"the installer that an earlier run has begun (process {group})"
        yield progressed("operators", f"waiting for {which}")
        if not await installer.ended(folder, max(run.clock.wall(EARLIER), EARLIER_LEAST)):
            yield progressed("operators", f"ending {which}: it still runs after {EARLIER / 60:.0f} minutes")
            await installer.end(folder)


def _same_cluster(run: RunContext, folder: Path) -> bool:
    begun = first_event(folder)
    if not isinstance(begun, e.RunStarted) or begun.cloud != run.endpoints.name:
        return False
    there, here = begun.plan.target, run.target
    return (there.project, there.zone, there.cluster) == (here.project, here.zone, here.cluster)


async def _output(run: RunContext, process: asyncio.subprocess.Process, last: deque[str]) -> AsyncIterator[e.Event]:
    """Every line into the log book; the newest, now and then, as progress. Raises TimeoutError after a long silence."""
    assert process.stdout is not None
    patience = wall_limit(run.clock, SILENCE)
    told = 0.0
    rest = b""
    while chunk := await asyncio.wait_for(process.stdout.read(65536), patience):
        *lines, rest = (rest + chunk).split(b"\n")
        rest = rest[-8192:]
        texts = [line.decode("utf-8", "replace").rstrip() for line in lines]
        run.logbook.extend(STREAM, texts)
        last.extend(t for t in texts if t.strip())
        if last and time.monotonic() - told > _TELL_EVERY:
            told = time.monotonic()
            yield progressed("operators", last[-1][:160])
    if rest:
        run.logbook.extend(STREAM, [rest.decode("utf-8", "replace")])
        last.append(rest.decode("utf-8", "replace"))


def _no_checkout(directory: Path | None) -> Finding:
    return failure(
        "operators.no-checkout",
        "operators",
        f"There is no checkout of rhaii-on-xks at {directory}." if directory else "No checkout of rhaii-on-xks is set.",
        meaning="The operators are installed by that repository's make deploy-all.",
        remediation="Clone it and name the folder with --operators-directory; then retry.",
        category="settings",
    )


def _cannot_start(command: str, error: OSError) -> Finding:
    return failure(
        "operators.no-tool",
        "operators",
        f"{command} cannot be started: {error.strerror}.",
        meaning="The installer needs make, kubectl, helm and helmfile.",
        remediation=f"Install {command}; then retry.",
        category="tools",
    )


def _failed(what: str, last: deque[str]) -> Finding:
    return failure(
        "operators.failed",
        "operators",
        f"The operators' installer {what}.",
        meaning="Some of the stack may be installed; the installer can be run again over it.",
        remediation="Read its last lines below (all of them: log operators); retry runs it again.",
        raw="\n".join(last),
    )


def _incomplete(missing: list[str]) -> Finding:
    return failure(
        "operators.incomplete",
        "operators",
        f"The stack is not complete: {missing[0]} is missing" + (f" and {len(missing) - 1} more." * (len(missing) > 1)),
        meaning="The installer ended well, but the cluster does not say so.",
        remediation="Retry checks again and runs the installer again over what is there.",
        raw="\n".join(missing),
        category="kubernetes",
    )
