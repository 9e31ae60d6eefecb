"""A TPU deployment through its second day by the commands alone; each result is held against the cloud itself."""

from __future__ import annotations

import pytest
from wire import Commands, Running, Wire

CLUSTER, POOL, ZONE = "rhaii-tpu-cluster", "tpu-pool", "europe-west4-a"
NAMESPACE, SERVICE = "rhaii-inference", "qwen-3b-tpu-svc"
HOURLY = {0: 0.42, 2: 24.18, 3: 36.06, 5: 59.82}
"""USD per hour by nodes of the pool: four chips at 2.97 each, the cluster around them 0.42."""


@pytest.fixture(scope="module")
def commands(practice: Running) -> Commands:
    return Commands(practice)


def test_up_down_stop_wake_and_the_end(commands: Commands, practice: Running) -> None:
    wire = Wire(practice)
    made = ("setup", "--accelerator", "tpu", "--topology", "scale-out", "--yes", "--no-cache-test")
    code, _, said = commands.run(*made)
    assert code == 0, said
    before = 3
    for words, replicas in ((("scale", "5"), 5), (("scale", "2"), 2), (("stop",), 0), (("wake", "--replicas", "3"), 3)):
        code, result, said = commands.run(*words, "--yes")
        assert code == 0, (result, said)
        assert (result["operation"], result["replicas_ready"], result["nodes"]) == (words[0], replicas, replicas)
        assert result["bill_before"]["usd_per_hour"] == HOURLY[before]
        assert result["bill_after"]["usd_per_hour"] == HOURLY[replicas]
        if words[0] == "scale":
            assert result["requests"]["sent"] > 0
            assert result["requests"]["lost"] == 0
        assert wire.ready(CLUSTER, NAMESPACE, SERVICE) == len(wire.replicas(CLUSTER, NAMESPACE, SERVICE)) == replicas
        assert len(wire.nodes(CLUSTER, POOL)) == wire.pool_size(ZONE, CLUSTER, POOL) == replicas
        before = replicas
    code, result, said = commands.run("stop", "--plan")
    assert code == 0, said
    assert result["expected_seconds"] > 60
    code, result, said = commands.run("teardown", "--confirm", CLUSTER)
    assert code == 0, (result, said)
    assert wire.clusters() == ["shared-tools"]


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("scale", "3"), 2, "no terminal"),
        (("teardown",), 2, "--confirm"),
        (("scale", "3", "--yes"), 1, "No deployment found"),
        (("stop", "--yes", "--cluster", "shared-tools"), 1, "No deployment found"),
        (("teardown", "--confirm", "shared-tools"), 1, "nothing to tear down"),
    ],
)
def test_what_cannot_be_done_is_one_clear_error(
    commands: Commands, words: tuple[str, ...], code: int, expected: str
) -> None:
    got, result, said = commands.run(*words)
    assert got == code
    assert expected in said
    assert result["ok"] is False
