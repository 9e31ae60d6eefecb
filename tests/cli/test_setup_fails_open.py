"""`rhaii-tui setup` on a cloud whose endpoint picker answers nobody: it serves, and says that nothing is proven."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import pytest


@pytest.mark.road
def test_a_picker_that_never_answers_ends_in_not_proven_while_every_request_is_answered(
    practice_factory: Callable[..., Any],
) -> None:
    practice = practice_factory(speed=600)
    body = json.dumps({"on": True}).encode()
    request = Request(f"{practice.line['control']}/faults/epp-dead", body, {"Content-Type": "application/json"})
    build_opener(ProxyHandler({})).open(request, timeout=10).close()
    command = [sys.executable, "-m", "rhaii_tui", "setup", "--practice", "--accelerator", "gpu"]
    command += ["--topology", "scale-out", "--yes", "--json"]
    done = subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=200, env=practice.environ
    )
    result = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, result["ok"], result["replicas_ready"]) == (1, False, 3), result
    assert result["verdict"]["routing"] == "NOT PROVEN"
    assert result["requests"]["sent"] == result["requests"]["ok"] > 0
