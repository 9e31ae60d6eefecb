"""Edits of a service: options in every form they are given in, and the patch that changes only them."""

from __future__ import annotations

from typing import Any

import pytest
from doctor_stage import Stage

from rhaii_tui.catalog.shapes import SHAPES
from rhaii_tui.doctor import edits


def staged(**main: Any) -> Stage:
    stage = Stage(SHAPES[0])
    container = stage.service["spec"]["template"]["containers"][0]
    container.pop("command")
    container |= {"args": [], "env": []} | main
    return stage


@pytest.mark.parametrize(
    "main",
    [
        {"args": ["--dtype=half", "--port", "8000", "--enable-prefix-caching"]},
        {"env": [{"name": "VLLM_ADDITIONAL_ARGS", "value": "--dtype=half --port 8000 --enable-prefix-caching"}]},
        {
            "command": ["/bin/bash", "-c"],
            "args": ['eval "vllm serve /mnt --dtype=half --port 8000 --enable-prefix-caching"'],
        },
    ],
)
def test_options_are_read_in_every_form(main: dict[str, Any]) -> None:
    found = edits.options(staged(**main).snapshot())
    assert found == {"--dtype": "half", "--port": "8000", "--enable-prefix-caching": ""}


def _patched(stage: Stage, changes: dict[str, str | None]) -> dict[str, Any]:
    patch, retire = edits.with_options(stage.snapshot(), changes)
    assert (patch.verb, retire.verb) == ("patch", "retire")
    container: dict[str, Any] = patch.body["spec"]["template"]["containers"][0]
    return container


def test_options_change_where_they_stand() -> None:
    changes = {"--dtype": "half", "--port": None, "--x": ""}
    args = _patched(staged(args=["--dtype", "auto", "--port=1", "--keep=2"]), changes)["args"]
    assert args == ["--keep=2", "--dtype=half", "--x"]
    env = [{"name": "A", "value": "b"}, {"name": "VLLM_ADDITIONAL_ARGS", "value": "--dtype=auto --keep=2"}]
    changed = _patched(staged(env=env), changes)
    assert changed["env"] == [env[0], {"name": "VLLM_ADDITIONAL_ARGS", "value": "--keep=2 --dtype=half --x"}]
    assert changed["args"] == []
