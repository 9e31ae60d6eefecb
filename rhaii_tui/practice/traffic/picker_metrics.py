"""The Prometheus series of the endpoint picker (Gateway API Inference Extension before 1.0, plus its decisions)."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rhaii_tui.practice.traffic.metrics_text import Counter, Histogram, gauge

_SECONDS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
_DURATION = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60, 120)
_RATIO = tuple(step / 10 for step in range(11))
_BYTES = tuple(float(1 << shift) for shift in range(4, 17))
_SIZES = tuple(float(1 << shift) for shift in range(6, 31, 2))


class PickerMetrics:
    """Counters since the picker started. `pool` labels the pool's gauges."""

    def __init__(self, pool: str) -> None:
        self._pool = {"name": pool}
        self._started = time.time()
        self._requests = Counter("inference_model_request", "Counter of inference model requests.")
        self._errors = Counter("inference_model_request_error", "Counter of inference model requests errors.")
        self._durations: dict[str, Histogram] = {}
        self._sizes: dict[str, Histogram] = {}
        self._attempts = Counter(
            "inference_extension_scheduler_attempts",
            "Total number of scheduling attempts.",
            {"status": "success"},
            {"status": "failure"},
        )
        self._e2e = Histogram(
            "inference_extension_scheduler_e2e_duration_seconds",
            "End-to-end scheduling latency distribution in seconds.",
            _SECONDS,
            {},
        )
        self._plugins: dict[str, Histogram] = {}
        self._ratio = Histogram(
            "inference_extension_prefix_indexer_hit_ratio",
            "Ratio of prefix length matched to total prefix length in the cache lookup.",
            _RATIO,
            {},
        )
        self._bytes = Histogram(
            "inference_extension_prefix_indexer_hit_bytes",
            "Length of the prefix match in number of bytes in the cache lookup.",
            _BYTES,
            {},
        )

    def handled(self, model: str, size: int) -> None:
        """A request with `size` bytes of body was given a replica."""
        labels = {"model_name": model, "target_model_name": model}
        self._requests.add(1, labels)
        self._attempts.add(1, {"status": "success"})
        if model not in self._sizes:
            name = "inference_model_request_sizes"
            self._sizes[model] = Histogram(name, "Inference model requests size distribution.", _SIZES, labels)
        self._sizes[model].observe(size)

    def refused(self, model: str, code: str) -> None:
        """A request was answered with an error, or none of the replicas could take it."""
        labels = {"model_name": model, "target_model_name": model}
        self._requests.add(1, labels)
        self._errors.add(1, {**labels, "error_code": code})
        self._attempts.add(1, {"status": "failure"})

    def answered(self, model: str, seconds: float) -> None:
        """The replica's response headers came back."""
        if model not in self._durations:
            name = "inference_model_request_duration_seconds"
            labels = {"model_name": model, "target_model_name": model}
            self._durations[model] = Histogram(name, "Inference model response latency.", _DURATION, labels)
        self._durations[model].observe(seconds)

    def looked_up(self, matched: int, total: int, block: int) -> None:
        """A prefix of `matched` of `total` blocks was believed to be cached on the best replica."""
        self._ratio.observe(matched / total if total else 0.0)
        self._bytes.observe(matched * block)

    def decided(self, seconds: float, scorers: Sequence[str]) -> None:
        """One scheduling cycle."""
        self._e2e.observe(seconds)
        for scorer in scorers:
            if scorer not in self._plugins:
                self._plugins[scorer] = Histogram(
                    "inference_extension_scheduler_plugin_duration_seconds",
                    "Scheduler plugin processing latency distribution in seconds for each plugin type and plugin name.",
                    _SECONDS,
                    {"plugin_name": scorer, "plugin_type": "Scorer"},
                )
            self._plugins[scorer].observe(seconds / len(scorers))

    def text(self, queues: dict[str, int], usages: Sequence[float], indexed: int) -> str:
        """The scrape: waiting requests per Ready pod, their KV usage 0..1, blocks in the prefix index."""
        count = len(queues)
        pods = [({**self._pool, "model_server_pod": pod}, float(queue)) for pod, queue in queues.items()]
        average_queue = sum(queues.values()) / count if count else 0.0
        average_usage = sum(usages) / count if count else 0.0
        families = [
            gauge("inference_pool_ready_pods", "The number of ready pods in the pool.", (self._pool, float(count))),
            gauge(
                "inference_pool_average_queue_size",
                "The average number of requests pending in the model server queue.",
                (self._pool, average_queue),
            ),
            gauge(
                "inference_pool_average_kv_cache_utilization",
                "The average kv cache utilization for an inference server pool.",
                (self._pool, average_usage),
            ),
            gauge("inference_pool_per_pod_queue_size", "The total number of requests pending per pod.", *pods),
            gauge("inference_extension_prefix_indexer_size", "Size of the prefix indexer.", ({}, float(indexed))),
            gauge(
                "process_start_time_seconds",
                "Start time of the process since unix epoch in seconds.",
                ({}, round(self._started, 2)),
            ),
            gauge(
                "inference_extension_info",
                "General information of the current build of Inference Extension.",
                ({"build_ref": "v0.5.1", "commit": "practice"}, 1.0),
            ),
            *(c.lines() for c in (self._requests, self._errors, self._attempts)),
            *(h.lines() for h in (self._e2e, self._ratio, self._bytes)),
            *(_merged(list(group.values())) for group in (self._durations, self._sizes, self._plugins)),
        ]
        return "\n".join(line for family in families for line in family) + "\n"


def _merged(histograms: Sequence[Histogram]) -> list[str]:
    """One family from histograms that differ in labels only: its head is written once, `_created` is left out."""
    lines: list[str] = []
    for at, histogram in enumerate(histograms):
        own = [line for line in histogram.lines() if "_created" not in line]
        lines += own if at == 0 else [line for line in own if not line.startswith("#")]
    return lines
