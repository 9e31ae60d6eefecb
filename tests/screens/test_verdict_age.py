"""The last page says of what its verdict is: of so many replicas, at that time, before or after a change."""

from __future__ import annotations

import pytest

from rhaii_tui.deployment.state import CacheVerdict, RunState
from screens.done_pages import summary


@pytest.mark.parametrize(
    ("tested_at", "replicas", "changed", "expected"),
    [
        (50.0, 3, RunState(), "with 3 replicas."),
        (50.0, 3, RunState(approved_at=60.0, outcome="done", replicas_ready=5), "with 3 replicas, 5 now: not proven"),
        (50.0, 3, RunState(approved_at=60.0, outcome="done", replicas_ready=3), "before the last change: not proven"),
        (70.0, 3, RunState(approved_at=60.0, outcome="done", replicas_ready=3), "with 3 replicas."),
        (50.0, 3, RunState(approved_at=60.0, outcome="done", replicas_ready=0), "none runs now."),
    ],
)
def test_a_verdict_is_not_passed_on_to_other_replicas(
    tested_at: float, replicas: int, changed: RunState, expected: str
) -> None:
    verdict = CacheVerdict("PROVEN", "PROVEN", "PROVEN", (), 10, 10, tested_at, replicas)
    road = RunState(ready_at=40.0, replicas_ready=replicas, endpoint="http://gateway/s", verdict=verdict)
    assert expected in summary(road, 2.0, changed).plain
