"""Google's packages are imported when they are needed, in a thread, and never before."""

from __future__ import annotations

import subprocess
import sys

FRESH = """
import sys
import rhaii_tui.advisor.preflight, rhaii_tui.advisor.options, rhaii_tui.google.operations, rhaii_tui.google.billing
from rhaii_tui.google.packages import warm_up
early = [m for m in sys.modules if m.split(".")[0] in ("grpc", "requests", "kubernetes", "google", "httpx", "aiohttp")]
assert not early, early
thread = warm_up()
assert thread.daemon and warm_up() is thread
thread.join(120)
assert "google.cloud.container_v1" in sys.modules and "google.cloud.compute_v1" in sys.modules
import os
assert os.environ["GRPC_VERBOSITY"] == "NONE" and os.environ["NO_GCE_CHECK"]
"""


def test_nothing_early_and_everything_after_warming_up() -> None:
    done = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
