"""The console's pages from the events of a run, at every width."""

from __future__ import annotations

import pytest

from rhaii_tui.cachetest.records import (
    Concluded,
    ConsoleEvent,
    HealthChecked,
    LoadMeasured,
    PhaseStarted,
    Record,
    RequestDone,
    Share,
    SharesMeasured,
    Verdict,
)
from screens import console_pages as pages
from screens.console_state import ConsoleState, fold

PODS = ("svc-b9w8c", "svc-q4mzt", "svc-x7k2p")


def request(number: int, family: int, repeat: int, pod: str, status: int = 200, phase: str = "affinity") -> RequestDone:
    return RequestDone(
        Record(
            id=number,
            phase=phase,
            family=f"f{family}",
            repeat=repeat,
            status=status,
            ttft_ms=500.0 if repeat == 0 else 210.0,
            total_ms=600.0,
            replica=pod,
        )
    )


def a_run() -> list[ConsoleEvent]:
    """Two prefixes; the second strays once; one request fails."""
    return [
        HealthChecked("models", "PASS", "one model"),
        HealthChecked("cache", "UNKNOWN", "metrics could not be read"),
        PhaseStarted("affinity", 8, note="two prefixes"),
        request(1, 0, 0, PODS[2]),
        request(2, 1, 0, PODS[0]),
        request(3, 0, 1, PODS[2]),
        request(4, 1, 1, PODS[1]),
        request(5, 0, 2, "", status=503),
        SharesMeasured("affinity", tuple(Share(p, 2, 2000, 900) for p in PODS)),
        LoadMeasured(10, 6.0, 12.6, 201.0, 213.0, None, 631.0, 0),
    ]


def state_after(events: list[ConsoleEvent]) -> ConsoleState:
    state = ConsoleState(known=PODS)
    for event in events:
        state = fold(state, event)
    return state


@pytest.mark.parametrize("wide", [False, True])
def test_the_matrix_names_replicas_and_marks_what_strayed(wide: bool) -> None:
    lines = pages.matrix(state_after(a_run()), 4, wide).plain.splitlines()
    assert lines[1].split()[:2] == ["1", "C"]
    assert "B*" in lines[2]
    assert "✗" in lines[1]


def test_letters_do_not_change_while_replicas_are_discovered() -> None:
    state = ConsoleState(known=PODS)
    state = fold(state, request(1, 0, 0, PODS[1]))
    assert state.letter(PODS[1]) == "B"
    assert ConsoleState(known=PODS).letter("") == "?"


def test_health_says_unknown_in_full_and_never_as_a_pass() -> None:
    text = pages.health(state_after(a_run()), 80).plain
    assert "PASS  models" in text
    assert "? UNKNOWN  cache: metrics could not be read" in text


def test_too_few_values_are_said_not_drawn() -> None:
    assert "p95 too few" in pages.throughput(state_after(a_run())).plain


def test_the_verdict_carries_words_reasons_and_hint() -> None:
    verdict = Verdict(
        "NOT PROVEN", "UNKNOWN", "EPP BYPASSED", ("no marker on 40 of 40",), "Look at the picker.", 40, 40
    )
    state = fold(state_after(a_run()), Concluded(verdict))
    text = pages.verdict(state.verdict).plain
    assert "✗ NOT PROVEN" in text
    assert "? UNKNOWN" in text
    assert "- no marker on 40 of 40" in text
    assert "Next: Look at the picker." in text
    assert "40 requests sent, 40 answered" in pages.head(state, running=False).plain


def test_medians_keep_new_and_repeated_apart() -> None:
    assert state_after(a_run()).first_token_ms() == (500.0, 210.0)
