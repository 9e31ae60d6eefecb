"""`rhaii-tui options`: the record of the decision table, and how bad input is refused."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

KEYS = {
    "shape", "accelerator", "topology", "region", "provisioning", "usd_per_hour", "usd_per_day", "components",
    "throughput", "latency", "quota",
}  # fmt: skip
COMPONENT = {"name", "quantity", "unit", "unit_price_usd", "usd_per_hour", "source", "as_of"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rhaii_tui", "options", *arguments]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


def test_json_is_the_list_of_six() -> None:
    done = run("--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert len(rows) == 6
    for row in rows:
        assert set(row) >= KEYS
        assert all(set(c) == COMPONENT for c in row["components"])
        known = sum(c["usd_per_hour"] or 0 for c in row["components"])
        assert row["usd_per_hour"] == pytest.approx(known, abs=1e-4)
    chips = next(r for r in rows if r["shape"] == "tpu-v6e-scale-out")["components"][0]
    assert (chips["quantity"], chips["unit_price_usd"]) == (12, 2.97)


def test_unknown_prices_are_null_and_said_so() -> None:
    rows = json.loads(run("--json", "--region", "us-south1").stdout)
    assert rows[0]["usd_per_day"] is None
    assert rows[3]["usd_per_day"] is not None
    plain = run("--plain", "--zone", "us-south1-a").stdout
    assert "price unknown" in plain
    assert "None" not in plain


@pytest.mark.parametrize(
    "arguments",
    [("--provisioning", "gift"), ("--zone", "here"), ("--region", "us"), ("--json", "--plain"),
     ("--region", "us-east1", "--zone", "us-central1-a"), ("--nonsense",)],
)  # fmt: skip
def test_bad_input_is_refused_without_a_traceback(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr
