"""vLLM's and the picker's numbers in both generations of names, and windows that restarts do not falsify."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rhaii_tui.serving import metrics

CURRENT = """\
# HELP vllm:prefix_cache_queries_total Prefix cache queries, in terms of number of queried tokens.
# TYPE vllm:prefix_cache_queries_total counter
vllm:prefix_cache_queries_total{engine="0",model_name="Qwen/Qwen2.5-3B-Instruct"} 1040.0
vllm:prefix_cache_hits_total{engine="0",model_name="Qwen/Qwen2.5-3B-Instruct"} 512.0
vllm:request_success_total{engine="0",finished_reason="stop",model_name="m"} 3.0
vllm:request_success_total{engine="0",finished_reason="length",model_name="m"} 4.0
vllm:kv_cache_usage_perc{engine="0"} 0.25
vllm:num_requests_running{engine="0"} 1.0
vllm:cache_config_info{block_size="16",enable_prefix_caching="True",num_gpu_blocks="9477",weird="a\\"b\\\\c\\nd"} 1.0
process_start_time_seconds 1.7874e+09
vllm:time_to_first_token_seconds_sum{engine="0"} NaN
"""
EARLY = """\
vllm:gpu_prefix_cache_queries_total{model_name="m"} 10
vllm:gpu_prefix_cache_hits_total{model_name="m"} 5
vllm:gpu_cache_usage_perc{model_name="m"} 0.5 1700000000000
"""


def test_current_names() -> None:
    told = metrics.vllm(CURRENT)
    assert told.values["requests"] == 7
    assert (told.values["prefix_queries"], told.values["prefix_hits"]) == (1040, 512)
    assert (told.values["kv_usage"], told.block_size, told.prefix_caching) == (0.25, 16, True)
    assert told.cache_config["weird"] == 'a"b\\c\nd'
    assert "ttft_sum" not in told.values, "NaN is no value"


def test_earlier_names_and_names_without_total() -> None:
    assert metrics.vllm(EARLY).values == {"prefix_queries": 10, "prefix_hits": 5, "kv_usage": 0.5}
    assert metrics.vllm("vllm:prefix_cache_hits 4\n").values == {"prefix_hits": 4}
    assert metrics.vllm(CURRENT + EARLY).values["prefix_queries"] == 1040, "never the sum of both generations"


def test_the_pickers_decisions_in_three_generations() -> None:
    oldest = "inference_extension_scheduler_e2e_duration_seconds_count 12\ninference_model_request_total 12\n"
    middle = 'inference_extension_scheduler_attempts_total{status="success"} 14\n'
    middle += 'inference_extension_scheduler_attempts_total{status="failure"} 3\n'
    newest = 'llm_d_epp_scheduler_attempts_total{endpoint_name="p1"} 9\n'
    assert metrics.picker(oldest).values["decisions"] == 12
    assert metrics.picker(oldest + middle).values["decisions"] == 14
    assert metrics.picker(oldest + middle + newest).values["decisions"] == 9
    both = newest + 'llm_d_epp_scheduler_attempts_total{endpoint_name="p2"} 4\n'
    names = metrics.PICKER_ALIASES["decisions"]
    assert metrics.by_label(both, names, "endpoint_name") == {"p1": 9, "p2": 4}


def scrape(**values: float) -> metrics.Scrape:
    return metrics.Scrape(values, {})


def test_a_window_is_what_the_counters_gained() -> None:
    before, after = scrape(prefix_hits=5, running=1, started=1), scrape(prefix_hits=9, requests=2, running=7, started=1)
    assert metrics.delta(before, after) == {"prefix_hits": 4, "requests": 2}


def test_a_restart_voids_the_window() -> None:
    assert metrics.delta(scrape(prefix_hits=5), scrape(prefix_hits=4)) is None
    assert metrics.delta(scrape(prefix_hits=5, started=1), scrape(prefix_hits=50, started=2)) is None
    assert metrics.delta(scrape(prefix_hits=5), scrape()) is None


LINES = st.one_of(
    st.text(max_size=60),
    st.tuples(
        st.sampled_from(["vllm:prefix_cache_hits_total", "vllm:cache_config_info", "x", "# HELP"]),
        st.one_of(st.just(""), st.text(max_size=30).map(lambda t: "{" + t + "}"), st.just('{block_size="²"}')),
        st.one_of(st.text(max_size=10), st.floats().map(str), st.just("+Inf")),
    ).map(lambda p: f"{p[0]}{p[1]} {p[2]}"),
)


@given(st.lists(LINES).map("\n".join))
def test_any_text_is_read(text: str) -> None:
    for reader in (metrics.vllm, metrics.picker):
        told = reader(text)
        assert all(value == value for value in told.values.values())
        assert told.block_size is None or told.block_size >= 0
        assert told.prefix_caching in (True, False, None)
    metrics.by_label(text, ("vllm:prefix_cache_hits_total",), "engine")


@given(st.dictionaries(st.sampled_from(sorted(metrics.COUNTERS)), st.floats(0, 1e9)), st.data())
def test_deltas_are_never_negative(before: dict[str, float], data: st.DataObject) -> None:
    after = data.draw(st.dictionaries(st.sampled_from(sorted(metrics.COUNTERS)), st.floats(0, 1e9)))
    gained = metrics.delta(scrape(**before), scrape(**after))
    assert gained is None or all(v >= 0 for v in gained.values())
