"""Which cloud a command finds: a served one, another command's, or its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from practice_process import Practice

from rhaii_tui.cli.cloud import PracticeUnavailable, find_running, open_cloud, open_cloud_blocking
from rhaii_tui.practice import registry


async def test_a_served_cloud_is_joined_and_left_running(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RHAII_TUI_HOME", practice.environ["RHAII_TUI_HOME"])
    async with open_cloud(True) as endpoints:
        assert endpoints.container == practice.line["google"]
        assert endpoints.clock.rate == 600
        assert not endpoints.trust_env
    assert practice.process.poll() is None


async def test_a_cloud_of_ones_own_ends_with_the_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RHAII_TUI_HOME", str(tmp_path))
    async with open_cloud(True, speed=600) as mine:
        folder = find_running(tmp_path)
        assert folder is not None
        assert folder.parent == (mine.token_file or Path()).parent
        assert find_running(tmp_path, guest=False) is None  # another deployment does not move into it
        with open_cloud_blocking(True, guest=True) as same:
            assert same == mine
    assert find_running(tmp_path) is None
    assert registry.running(tmp_path) == []
    assert folder.parent.exists() is False


async def test_without_practice_it_is_google() -> None:
    async with open_cloud(False) as endpoints:
        assert endpoints.name == "google"


def test_a_folder_nobody_may_write_to_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("RHAII_TUI_HOME", str(blocked))
    with pytest.raises(PracticeUnavailable, match="RHAII_TUI_HOME"), open_cloud_blocking(True):
        pass


def test_a_cloud_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RHAII_TUI_HOME", str(tmp_path))
    with pytest.raises(PracticeUnavailable, match="speed"), open_cloud_blocking(True, speed=0.5):
        pass


def test_a_dead_clouds_folder_is_ignored_and_swept(tmp_path: Path) -> None:
    folder = registry.new_folder(tmp_path)
    (folder / registry.DESCRIPTOR).write_text('{"served": true, "started": 1}')
    lock = registry.hold(folder)
    assert [r.descriptor for r in registry.running(tmp_path)] == [folder / registry.DESCRIPTOR]
    with pytest.raises(BlockingIOError):
        registry.hold(folder)
    lock.close()
    assert registry.running(tmp_path) == []
    os.utime(folder, (0, 0))
    registry.sweep(tmp_path)
    assert not folder.exists()
