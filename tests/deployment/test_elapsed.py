"""How long a run took, when it was broken off in between."""

from __future__ import annotations

import pytest

from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.plan import Plan
from rhaii_tui.deployment.reduce import replay


@pytest.mark.parametrize("told", [True, False], ids=["cancelled", "killed"])
def test_the_time_in_which_nobody_went_on_is_told_apart(diamond: Plan, told: bool) -> None:
    stopped = [e.RunStopped(at=30, outcome="cancelled")] if told else [e.StepStarted(at=30, step="a")]
    state = replay(
        [
            e.RunStarted(at=0, run="r", cloud="c", rate=10, plan=diamond),
            e.Approved(at=20, by="test"),
            *stopped,
            e.RunResumed(at=100, run="r"),
            e.ServiceReady(at=120, url="http://x", model="m", replicas=3, replicas_ready=3),
        ]
    )
    assert state.ready_at is not None
    assert state.cloud_elapsed(state.approved_at, state.ready_at) == 10 * (10 + 20)
    assert state.cloud_missed(state.approved_at, state.ready_at) == 10 * 70
    assert state.cloud_elapsed(110, 120) == 100
    assert state.cloud_missed(state.approved_at, 25) == 0
    assert state.cloud_elapsed(None, 120) == 0
