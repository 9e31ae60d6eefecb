"""The wheel alone, away from the checkout, walks the practice road."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the wheel's content and nothing of the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    built = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder / "dist"), str(ROOT)]
    done = subprocess.run(built, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (folder / "dist").glob("*.whl")
    # The dependencies are this environment's; the project itself must come from the wheel, ahead of the checkout.
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target",
               str(folder / "site"), str(wheel)]  # fmt: skip
    done = subprocess.run(install, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "site"


def run(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`rhaii-tui …` from the wheel, in an empty folder."""
    path = os.pathsep.join([str(installed), os.environ.get("PYTHONPATH", "")])
    environ = dict(os.environ, PYTHONPATH=path, RHAII_TUI_HOME=str(folder / "home"))
    command = [sys.executable, "-m", "rhaii_tui", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environ, stdin=subprocess.DEVNULL)


def test_the_wheel_carries_what_it_needs(installed: Path, tmp_path: Path) -> None:
    """Packages, manifests and data files are in; the code that runs is the wheel's."""
    assert (installed / "rhaii_tui" / "manifests" / "gateway.yaml").exists()
    assert list((installed / "screens").rglob("*.tcss"))
    assert not (installed / "tests").exists()
    code = "import rhaii_tui, screens; print(rhaii_tui.__file__, screens.__file__)"
    environ = dict(os.environ, PYTHONPATH=os.pathsep.join([str(installed), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environ)
    assert done.stdout.count(str(installed)) == 2, done.stdout + done.stderr


@pytest.mark.road
def test_the_wheel_walks_the_practice_road(installed: Path, tmp_path: Path) -> None:
    """From nothing to a proven cache on a single replica."""
    done = run(installed, tmp_path, "setup", "--practice", "--speed", "600", "--accelerator", "gpu", "--topology",
               "single", "--yes", "--json")  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["ok"]
    assert result["verdict"]["cache"] == "PROVEN"
    assert result["replicas_ready"] == result["replicas"] == 1
