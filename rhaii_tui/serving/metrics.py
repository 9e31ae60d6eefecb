"""Prometheus text of vLLM and of the endpoint picker as values, in both generations of names.

Counters are per process: `delta` refuses windows in which the process restarted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

VLLM_ALIASES: Mapping[str, tuple[str, ...]] = {
    "requests": ("vllm:request_success_total", "vllm:request_success"),
    "prefix_queries": (
        "vllm:prefix_cache_queries_total",
        "vllm:prefix_cache_queries",
        "vllm:gpu_prefix_cache_queries_total",
        "vllm:gpu_prefix_cache_queries",
    ),
    "prefix_hits": (
        "vllm:prefix_cache_hits_total",
        "vllm:prefix_cache_hits",
        "vllm:gpu_prefix_cache_hits_total",
        "vllm:gpu_prefix_cache_hits",
    ),
    "prompt_tokens": ("vllm:prompt_tokens_total", "vllm:prompt_tokens"),
    "generation_tokens": ("vllm:generation_tokens_total", "vllm:generation_tokens"),
    "preemptions": ("vllm:num_preemptions_total", "vllm:num_preemptions"),
    "running": ("vllm:num_requests_running",),
    "waiting": ("vllm:num_requests_waiting",),
    "kv_usage": ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),
    "ttft_sum": ("vllm:time_to_first_token_seconds_sum",),
    "ttft_count": ("vllm:time_to_first_token_seconds_count",),
    "hit_rate": ("vllm:gpu_prefix_cache_hit_rate",),
    "started": ("process_start_time_seconds",),
}
"""Newest name first. Prefix counters count tokens."""

PICKER_ALIASES: Mapping[str, tuple[str, ...]] = {
    "decisions": (
        "llm_d_epp_scheduler_attempts_total",
        "inference_extension_scheduler_attempts_total",
        "llm_d_epp_scheduler_e2e_duration_seconds_count",
        "inference_extension_scheduler_e2e_duration_seconds_count",
    ),
    "requests": (
        "llm_d_epp_objective_request_total",
        "inference_objective_request_total",
        "inference_model_request_total",
    ),
    "request_errors": (
        "llm_d_epp_objective_request_error_total",
        "inference_objective_request_error_total",
        "inference_model_request_error_total",
    ),
    "ready_pods": ("llm_d_epp_ready_endpoints", "inference_pool_ready_pods"),
    "prefix_index_size": ("llm_d_epp_prefix_indexer_size", "inference_extension_prefix_indexer_size"),
    "started": ("process_start_time_seconds",),
}
"""Newest name first; the newest router publishes old names next to its own, so only one is ever taken."""

_GAUGES = frozenset({"running", "waiting", "kv_usage", "hit_rate", "ready_pods", "prefix_index_size", "started"})
COUNTERS = frozenset({*VLLM_ALIASES, *PICKER_ALIASES} - _GAUGES)

_SAMPLE = re.compile(r"^([A-Za-z_:][\w:]*)(?:\{(.*)\})?[ \t]+(\S+)(?:[ \t]+-?\d+(?:\.\d+)?)?\s*$")
_LABEL = re.compile(r'([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"')
_ESCAPES = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}


@dataclass(frozen=True, slots=True)
class Sample:
    """One line of the text."""

    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Scrape:
    """What one process tells at a moment. `values` has a key per alias that was found; sums over label sets."""

    values: Mapping[str, float]
    cache_config: Mapping[str, str]

    @property
    def block_size(self) -> int | None:
        """Tokens of a prefix-cache block, None when the engine does not tell."""
        text = self.cache_config.get("block_size", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None

    @property
    def prefix_caching(self) -> bool | None:
        """Whether the engine caches prefixes, None when it does not tell."""
        return {"true": True, "false": False}.get(self.cache_config.get("enable_prefix_caching", "").lower())


def samples(text: str) -> list[Sample]:
    """All readable samples; lines that are not samples are passed over."""
    found = []
    for line in text.splitlines():
        if line.startswith("#") or not (match := _SAMPLE.match(line)):
            continue
        try:
            value = float(match[3])
        except ValueError:
            continue
        labels = {k: _unescaped(v) for k, v in _LABEL.findall(match[2] or "")}
        found.append(Sample(match[1], labels, value))
    return found


def vllm(text: str) -> Scrape:
    """A replica's `/metrics`."""
    return _scrape(text, VLLM_ALIASES)


def vllm_rows(rows: list[Sample]) -> Scrape:
    """The same from samples that have been parsed already."""
    return _scrape_rows(rows, VLLM_ALIASES)


def picker(text: str) -> Scrape:
    """The endpoint picker's `/metrics`."""
    return _scrape(text, PICKER_ALIASES)


def by_label(text: str, names: tuple[str, ...], label: str) -> dict[str, float]:
    """Sums of the first of `names` that is present, grouped by one label; samples without it are left out."""
    rows = samples(text)
    for name in names:
        groups: dict[str, float] = {}
        for row in rows:
            if row.name == name and label in row.labels:
                groups[row.labels[label]] = groups.get(row.labels[label], 0.0) + row.value
        if groups:
            return groups
    return {}


def delta(before: Scrape, after: Scrape) -> dict[str, float] | None:
    """What the counters gained; None when the process restarted in between, so that the window says nothing."""
    started = before.values.get("started"), after.values.get("started")
    if None not in started and started[0] != started[1]:
        return None
    gained: dict[str, float] = {}
    for name in COUNTERS & after.values.keys():
        gain = after.values[name] - before.values.get(name, 0.0)
        if gain < 0:
            return None
        gained[name] = gain
    if any(name in before.values and name not in after.values for name in COUNTERS):
        return None
    return gained


def _scrape(text: str, aliases: Mapping[str, tuple[str, ...]]) -> Scrape:
    return _scrape_rows(samples(text), aliases)


def _scrape_rows(rows: list[Sample], aliases: Mapping[str, tuple[str, ...]]) -> Scrape:
    totals: dict[str, float] = {}
    config: Mapping[str, str] = {}
    for sample in rows:
        refused = (
            sample.name.endswith("scheduler_attempts_total") and sample.labels.get("status", "success") != "success"
        )
        if not math.isnan(sample.value) and not refused:
            totals[sample.name] = totals.get(sample.name, 0.0) + sample.value
        if sample.name == "vllm:cache_config_info":
            config = sample.labels
    values = {}
    for key, names in aliases.items():
        if (name := next((n for n in names if n in totals), None)) is not None:
            values[key] = totals[name]
    return Scrape(values, config)


def _unescaped(value: str) -> str:
    return re.sub(r"\\[n\"\\]", lambda m: _ESCAPES[m[0]], value)
