"""Naming any module of the Kubernetes and serving rooms costs no client library: the first frame must not wait."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import rhaii_tui

HEAVY = ("kubernetes", "aiohttp", "google.auth", "httpx")


def test_no_client_library_is_imported_at_module_level() -> None:
    root = Path(rhaii_tui.__file__).parent
    modules = [f"rhaii_tui.{room}.{p.stem}" for room in ("kube", "serving") for p in (root / room).glob("[a-z]*.py")]
    code = f"import sys, importlib\nfor m in {modules}: importlib.import_module(m)\n"
    code += f"print([h for h in {HEAVY} if h in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(modules) > 20
    assert done.stdout.strip() == "[]"
