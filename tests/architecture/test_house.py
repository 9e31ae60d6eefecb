"""The walls and habits of the house."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(p for d in ("rhaii_tui", "screens", "tests", "benchmarks") for p in (ROOT / d).rglob("*.py"))
STYLES = sorted((ROOT / "screens").rglob("*.tcss"))


def test_no_file_is_over_400_lines() -> None:
    """Past 400 lines a file is more than one noun."""
    long = {str(p.relative_to(ROOT)): n for p in SOURCES + STYLES if (n := len(p.read_text().splitlines())) > 400}
    assert not long


def test_no_file_is_named_for_nothing() -> None:
    """A file is the noun it defines."""
    vague = {"util", "utils", "helper", "helpers", "manager", "misc", "common"}
    assert not [p.name for p in SOURCES if vague & set(p.stem.split("_"))]


def test_import_contracts_hold() -> None:
    """The arrows of pyproject.toml's contracts."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def loaded_after(code: str) -> set[str]:
    """Top-level packages and modules in a fresh interpreter after running `code`."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(' '.join(sys.modules))"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("package", ["rhaii_tui.deployment.reduce", "rhaii_tui.cli", "rhaii_tui.settings"])
def test_the_engine_starts_without_textual_google_or_kubernetes(package: str) -> None:
    """A static graph cannot see deferred imports; an interpreter can."""
    modules = loaded_after(f"import {package}")
    assert not {m for m in modules if m.split(".")[0] in ("textual", "kubernetes", "aiohttp")}
    assert not {m for m in modules if m.startswith(("google.cloud", "google.auth", "google.api_core"))}


def test_the_practice_cloud_loads_none_of_the_product() -> None:
    """It is the other side of the wire."""
    modules = loaded_after("import rhaii_tui.practice.serve")
    ours = {m for m in modules if m.startswith("rhaii_tui.") and not m.startswith("rhaii_tui.practice")}
    assert not ours
    assert not {m for m in modules if m.split(".")[0] in ("kubernetes", "textual")}
