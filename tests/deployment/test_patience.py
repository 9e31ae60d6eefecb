"""Weather clears up, is told while it lasts, and stops a step only when it stays."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rhaii_tui.clock import Clock
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment import patience
from rhaii_tui.deployment.context import RunContext
from rhaii_tui.deployment.logbook import LogBook
from rhaii_tui.deployment.patience import patiently, weather
from rhaii_tui.deployment.plan import Plan
from rhaii_tui.deployment.reduce import reduce
from rhaii_tui.deployment.state import RunState
from rhaii_tui.endpoints import google_cloud
from rhaii_tui.google.errors import CloudError, Kind
from rhaii_tui.kube.errors import ApiError, CredentialsFailed, Unreachable


class Run:
    def __init__(self, plan: Plan) -> None:
        self.events: list[e.Event] = []
        self.state = reduce(RunState(), e.RunStarted(at=time.time(), run="r", cloud="c", rate=1.0, plan=plan))
        self.context = RunContext(plan.target, google_cloud(), Path(), LogBook(), self.record, lambda: self.state)

    def record(self, event: e.Event) -> None:
        self.events.append(event)
        self.state = reduce(self.state, event)


def failing(*errors: Exception) -> Callable[[], object]:
    left = list(errors)

    async def ask() -> str:
        if left:
            raise left.pop(0)
        return "answer"

    return ask


WEATHER = [
    ApiError(503, "<html>upstream connect error</html>"),
    ApiError(429, "slow down"),
    ApiError(410, '{"kind": "Status", "message": "too old resource version: 1 (719)"}'),
    ApiError(500, '{"kind": "Status", "message": "Internal error occurred: failed calling webhook \\"x\\": refused"}'),
    Unreachable("refused", "127.0.0.1:1", "connection refused"),
    CloudError(Kind.NETWORK, "No answer in time."),
    CloudError(Kind.UNKNOWN, "Internal error.", code=500),
    TimeoutError(),
]
OURS = [
    ApiError(403, "forbidden"),
    ApiError(404, "not found"),
    ApiError(
        500,
        '{"kind": "Status", "message": "failed to create typed patch object (a/b; v1, Kind=K): '
        '.spec.replikas: field not declared in schema"}',
    ),
    Unreachable("tls", "127.0.0.1:1", "certificate verify failed"),
    CloudError(Kind.QUOTA, "Quota exceeded."),
    CloudError(Kind.PERMISSION, "Required permission."),
    ValueError("a defect"),
]


@pytest.mark.parametrize("error", WEATHER, ids=str)
async def test_weather_is_waited_out_and_told(diamond: Plan, error: Exception) -> None:
    run = Run(diamond)
    assert await patiently(run.context, "a", "kubernetes", failing(error)) == "answer"  # type: ignore[arg-type]
    assert [type(x) for x in run.events] == [e.LinkLost, e.LinkRestored]
    assert run.state.lost_links == ()


@pytest.mark.parametrize("error", OURS, ids=str)
async def test_what_asking_again_does_not_change_is_raised_at_once(diamond: Plan, error: Exception) -> None:
    run = Run(diamond)
    assert weather(error) is None
    with pytest.raises(type(error)):
        await patiently(run.context, "a", "kubernetes", failing(error))  # type: ignore[arg-type]
    assert run.events == []


@pytest.mark.parametrize(
    "error",
    [ApiError(401, "Unauthorized"), CredentialsFailed("expired.", "Sign in."), CloudError(Kind.AUTH, "expired")],
    ids=str,
)
async def test_expired_credentials_are_a_finding_that_clears_itself(diamond: Plan, error: Exception) -> None:
    run = Run(diamond)
    await patiently(run.context, "a", "kubernetes", failing(error))  # type: ignore[arg-type]
    raised = [x.finding.rule for x in run.events if isinstance(x, e.FindingRaised)]
    assert raised == ["credentials.expired"]
    assert run.state.findings == ()


def test_every_wait_leaves_the_network_wall_time() -> None:
    assert patience.wall_limit(Clock(600.0), 60.0) == patience.LEAST
    assert patience.wall_limit(Clock(1.0), 600.0) == 600.0
