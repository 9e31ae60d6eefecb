"""One change of a GKE resource that exists: asked for once, followed to its end, found again after a crash."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import RunContext, intends
from rhaii_tui.deployment.google_operation import Request, ask, follow, running


async def change(run: RunContext, request: Request) -> AsyncIterator[e.Event]:
    """Follow what is under way, ask unless it is settled then, and follow that. Raises StepStopped, CloudError."""
    async with run.google_lock:
        begun = await running(run, request.step, request.path)
        if begun is not None:
            yield e.OperationStarted(at=time.time(), step=request.step, operation=begun.name, target=request.path)
            await follow(run, request, begun)
        if await request.settled():
            return
        yield intends(request.step, request.action, request.kind, request.name)
        operation = await ask(run, request)
        if operation is not None:
            yield e.OperationStarted(at=time.time(), step=request.step, operation=operation.name, target=request.path)
            await follow(run, request, operation)
