"""Windows, histograms, the ring, prices and the choice of a service: pure, with free-form input where it may come."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from served_cluster import engine_text

from rhaii_tui.catalog.prices import shipped
from rhaii_tui.clock import Clock
from rhaii_tui.kube import permissions
from rhaii_tui.monitor import history as h
from rhaii_tui.monitor import pods
from rhaii_tui.monitor.cost import Meter, priced
from rhaii_tui.monitor.discovery import Found, NothingChosen, Wish, choose
from rhaii_tui.monitor.history import History
from rhaii_tui.monitor.state import Cost, Figures, NodeNow, ReplicaNow
from rhaii_tui.monitor.windows import Window
from rhaii_tui.serving import latencies

counters = st.lists(
    st.tuples(st.floats(0.1, 40), st.integers(0, 10**6), st.integers(0, 10**6), st.booleans()), min_size=1, max_size=40
)


@given(counters)
def test_rates_and_ratios_stay_sane_through_any_counters(steps: list[tuple[float, int, int, bool]]) -> None:
    window, at, started = Window(), 1000.0, 1
    for gap, tokens, hits, restarted in steps:
        at += gap
        started += restarted
        text = engine_text(started=started, tokens=tokens, queries=hits, hits=hits, count=tokens, fast=tokens)
        window.add(at, latencies.read(text))
        figures = window.figures()
        assert figures.at == at
        assert figures.hit_ratio is None or 0 <= figures.hit_ratio <= 1
        assert figures.tokens_per_s is None or 0 <= figures.tokens_per_s <= 10**6 / 0.1
        assert figures.ttft is None or figures.ttft.mean >= 0
        assert figures.window <= 61 + 40


@given(st.text(max_size=400))
def test_any_text_is_read_without_an_error(text: str) -> None:
    latencies.read(text)
    window = Window()
    window.add(1.0, latencies.read(text))
    assert window.figures().at == 1.0


OLD = """\
vllm:gpu_cache_usage_perc{model_name="m"} 0.5
vllm:gpu_prefix_cache_queries_total{model_name="m"} 100
vllm:gpu_prefix_cache_hits_total{model_name="m"} 50
vllm:time_per_output_token_seconds_bucket{le="0.025",model_name="m"} 0
vllm:time_per_output_token_seconds_bucket{le="+Inf",model_name="m"} 4
vllm:time_per_output_token_seconds_sum{model_name="m"} 2
vllm:time_per_output_token_seconds_count{model_name="m"} 4
"""


def test_names_of_the_older_generation_are_read_too() -> None:
    before = latencies.read(OLD)
    after = latencies.read(OLD.replace(" 50\n", " 140\n").replace(" 100\n", " 200\n").replace(" 4\n", " 8\n"))
    assert before.scrape.values["kv_usage"] == 0.5
    window = Window()
    window.add(0.0, before)
    window.add(5.0, after)
    figures = window.figures()
    assert figures.hit_ratio == 0.9
    assert figures.itl is not None
    gained = latencies.gained(before.histograms["itl"], after.histograms["itl"])
    assert gained is not None
    assert gained.p95_bucket == math.inf
    gauge = latencies.read("vllm:gpu_prefix_cache_hit_rate 0.7\n")
    window = Window()
    window.add(0.0, gauge)
    assert window.figures().hit_ratio == 0.7


def test_the_ring_holds_ten_minutes_and_says_nothing_where_nothing_was_seen() -> None:
    ring = History()
    ring.put("a", 1000.0, 1002.0, {"load": 3.0})
    ring.mark("a", 1004.0, h.NOT_READY)
    cells = ring.cells("a", "load", 1006.0, 6)
    assert [c.value for c in cells] == [None, 3.0, 3.0, None, None, None]
    assert [c.sign for c in cells] == [h.ABSENT, h.ABSENT, h.ABSENT, h.ABSENT, h.NOT_READY, h.ABSENT]
    assert ring.cells("nobody", "load", 1006.0, 3) == [h.Cell(None, h.ABSENT)] * 3
    ring.put("a", 1002.0, 1002.0 + 2 * h.SECONDS, {"load": 1.0})
    assert {c.value for c in ring.cells("a", "load", 1003.0 + 2 * h.SECONDS, h.SECONDS)} == {1.0}


def test_the_ring_is_bounded() -> None:
    ring = History()
    for n in range(h.MOST + 50):
        ring.mark(f"pod-{n}", 1000.0 + n, h.READY)
    assert len(ring.names()) == h.MOST
    assert "pod-0" not in ring.names()


def _node(name: str, accelerator: str = "nvidia-tesla-t4", *replicas: str) -> NodeNow:
    return NodeNow(name, "pool", "n1-standard-4", accelerator, 1, 1, True, True, "", False, 1000.0, replicas)


def _replica(pod: str, node: str, running: int | None) -> ReplicaNow:
    figures = Figures() if running is None else Figures(at=1.0, running=running, waiting=0)
    return ReplicaNow(pod, pod, node, "Running", "1/1", 0, "0", True, False, "", 0.0, ("main",), figures)


NOBODY: frozenset[str] = frozenset()
REGION = {"topology.kubernetes.io/region": "us-central1"}


def _read(meter: Meter, at: float, nodes: list[Any], replicas: list[ReplicaNow], **told: Any) -> Cost:
    given: dict[str, Any] = {"elsewhere": NOBODY, "gateway": True, "seen_at": at, "lost_since": None}
    return meter.read(at, nodes, replicas, **given | told)


def test_money_is_of_the_nodes_that_exist() -> None:
    meter = Meter(Clock(3600), shipped())
    nodes = [(_node("a", "nvidia-tesla-t4", "p"), REGION), (_node("b"), REGION)]
    cost = _read(meter, 1001.0, nodes, [_replica("p", "a", 2)])
    assert cost.per_hour == pytest.approx(2 * (0.35 + 0.19) + 0.10 + 0.025)
    assert cost.accelerators_per_hour == pytest.approx(2 * 0.54)
    assert cost.idle_per_hour == pytest.approx(0.54), "the node without a replica"
    assert cost.since_start == pytest.approx(cost.per_hour), "one cloud hour since their creation"
    assert not cost.complete
    cost = _read(meter, 1002.0, nodes, [_replica("p", "a", 0)])
    assert cost.idle_per_hour == pytest.approx(1.08)
    assert cost.idle_spent == pytest.approx(1.08), "one cloud hour"
    cost = _read(meter, 1003.0, nodes, [_replica("p", "a", None)])
    assert cost.idle_unknown == 1


def test_what_works_for_others_is_not_idle() -> None:
    meter = Meter(Clock(), shipped())
    nodes = [(_node("a", "nvidia-tesla-t4", "p"), REGION), (_node("b"), REGION)]
    nodes.append((replace(_node("c"), pool="of-others"), REGION))
    mine = [_replica("p", "a", 2)]
    assert _read(meter, 1001.0, nodes, mine, elsewhere=frozenset({"b"})).idle_per_hour == 0
    assert _read(meter, 1001.0, nodes, mine).idle_per_hour == pytest.approx(0.54), "a free node of the service's pool"
    assert _read(meter, 1001.0, nodes, mine, elsewhere=None).idle_unknown == 2, "other services may not be read"
    stopped = [(replace(n, replicas=()), labels) for n, labels in nodes]
    assert _read(meter, 1001.0, stopped, []).idle_per_hour == pytest.approx(3 * 0.54)


def test_a_tpu_node_is_billed_by_its_chips() -> None:
    """A ct6e machine is part of its chips' price."""
    raw: dict[str, Any] = {
        "metadata": {
            "name": "t",
            "creationTimestamp": "2026-11-20T10:00:00Z",
            "labels": {
                **REGION,
                "cloud.google.com/gke-tpu-accelerator": "tpu-v6e-slice",
                "node.kubernetes.io/instance-type": "ct6e-standard-4t",
                "cloud.google.com/gke-spot": "true",
            },
        },
        "status": {"capacity": {"google.com/tpu": "4"}, "allocatable": {"google.com/tpu": "4"}, "conditions": []},
    }
    tpu = pods.node(raw, {"t": ("p",)})
    assert (tpu.accelerator, tpu.units, tpu.allocatable, tpu.spot, tpu.replicas) == (
        "tpu-v6e-slice",
        4,
        4,
        True,
        ("p",),
    )
    found = priced(tpu, raw["metadata"]["labels"], shipped())
    assert found.per_hour == pytest.approx(4 * 0.544)


def test_a_price_nobody_knows_is_not_zero() -> None:
    meter = Meter(Clock(), shipped())
    cost = _read(meter, 2000.0, [(_node("a", "nvidia-b300"), REGION)], [], gateway=False)
    assert cost.per_hour is None
    assert cost.since_start is None
    none = _read(meter, 2000.0, [], [], gateway=False, seen_at=None, lost_since=5.0)
    assert none.per_hour is None


A, B, C = Found("one", "ns", "a"), Found("one", "ns", "b"), Found("two", "other", "a")


def test_one_service_is_chosen_several_are_named() -> None:
    assert choose([A], Wish()) == A
    assert choose([A, B, C], Wish(service="b")) == B
    assert choose([A, B, C], Wish(service="other/a")) == C
    assert choose([A, B, C], Wish(preferred=lambda: ("two", "other", "a"))) == C
    with pytest.raises(NothingChosen, match=r"ns/a in one; other/a in two.*--service") as several:
        choose([A, C], Wish(service="a"))
    assert [choose([A, C], Wish().only(found)) for found in several.value.choices] == [A, C]
    with pytest.raises(NothingChosen, match="There are: ns/a in one"):
        choose([A], Wish(service="z"))
    with pytest.raises(NothingChosen, match="No LLMInferenceService exists"):
        choose([], Wish())
    with pytest.raises(NothingChosen, match="not reached") as refused:
        choose([], Wish(), ["Cluster one was not reached."])
    assert refused.value.unknown
    assert refused.value.choices == ()


def test_a_refusal_names_its_permission() -> None:
    text = 'pods "p" is forbidden: User "u" cannot get resource "pods/proxy" in API group "" in the namespace "ns"'
    assert permissions.missing(text) == "get pods/proxy in namespace ns"
    assert permissions.missing("something else went wrong") == ""
