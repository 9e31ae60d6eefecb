"""Which events are worth a line: what changes while somebody watches, not what a first look meets."""

from __future__ import annotations

import pytest

from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.narration import told
from rhaii_tui.deployment.plan import Plan
from rhaii_tui.deployment.reduce import replay

BEGUN, LEFT, AGAIN = 1000.7, 2000.0, 3000.0


@pytest.mark.parametrize(
    ("since", "status", "first", "again"),
    [
        (999.0, "True", False, False),
        (1000.0, "True", True, False),
        (2500.0, "True", True, True),
        (0.0, "True", True, True),
        (999.0, "False", True, True),
    ],
)
def test_a_condition_that_was_true_before_is_no_news(
    diamond: Plan, since: float, status: str, first: bool, again: bool
) -> None:
    begun: list[e.Event] = [e.RunStarted(at=BEGUN, run="r", cloud="google", rate=1.0, plan=diamond)]
    left = [e.RunStopped(at=LEFT, outcome="cancelled"), e.RunResumed(at=AGAIN, run="r")]
    fields = {"kind": "Gateway", "name": "g", "condition": "Programmed", "status": status, "since": since}
    seen = e.ConditionObserved.model_validate({"at": AGAIN, **fields})
    assert bool(told(seen, replay([*begun, seen]))) is first
    assert bool(told(seen, replay([*begun, *left, seen]))) is again


def test_a_warning_of_an_earlier_life_is_no_news(diamond: Plan) -> None:
    begun = e.RunStarted(at=BEGUN, run="r", cloud="google", rate=1.0, plan=diamond)

    def words(at: float) -> str:
        seen = e.ClusterEventSeen(at=at, uid="u", level="Warning", reason="Unhealthy", object="Pod/p", message="m")
        return told(seen, replay([begun, seen]))

    assert words(999.0) == ""
    assert words(1000.0) == words(1500.0) == "event Unhealthy on Pod/p: m"
