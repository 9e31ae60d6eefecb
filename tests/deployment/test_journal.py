"""events.jsonl: round trip, torn last lines at every byte, one process at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.journal import EVENTS_FILE, Journal, RunBusy, first_event, read_events


def _two() -> list[e.Event]:
    return [
        e.Approved(at=1.0, by="test"),
        e.IntentRecorded(at=2.0, step="pool", action="create", kind="NodePool", name="gpu-t4"),
    ]


def test_what_is_appended_is_read_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for event in _two():
        journal.append(event)
    journal.close()
    assert list(read_events(tmp_path)) == _two()
    assert first_event(tmp_path) == _two()[0]


@given(cut=st.integers(min_value=1, max_value=200), garbage=st.binary(max_size=20).filter(lambda b: b"\n" not in b))
def test_a_torn_last_line_is_cut_off_and_writing_goes_on(
    tmp_path_factory: pytest.TempPathFactory, cut: int, garbage: bytes
) -> None:
    folder = tmp_path_factory.mktemp("run")
    whole = "".join(e.encode(x) + "\n" for x in _two()).encode()
    torn = whole[: max(0, len(whole) - cut)]
    (folder / EVENTS_FILE).write_bytes(torn + garbage)
    journal = Journal(folder)
    journal.append(_two()[1])
    journal.close()
    kept = torn.count(b"\n")
    assert list(read_events(folder)) == [*_two()[:kept], _two()[1]]


def test_a_second_process_is_told_who_holds_the_run(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from rhaii_tui.deployment.journal import Journal\n"
        "j = Journal(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(RunBusy, match=str(other.pid)):
            Journal(tmp_path)
        assert other.stdin is not None
        other.stdin.close()
    Journal(tmp_path).close()
