"""The Prometheus series of one vLLM V1 server under their current names (vLLM 0.11, as in RHAIIS 3.2.5)."""

from __future__ import annotations

import time

from rhaii_tui.practice.traffic.engine_args import EngineArgs
from rhaii_tui.practice.traffic.metrics_text import Counter, Histogram, gauge, labels_of, steps_1_2_5
from rhaii_tui.practice.traffic.pressure import Pressure

_TTFT = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
    *(20.0, 40.0, 80.0, 160.0, 640.0, 2560.0),
)
_PER_TOKEN = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
    *(20.0, 40.0, 80.0),
)
_LATENCY = (
    *(0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0),
    *(120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0),
)
_ITERATION = (1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
FINISHED = ("stop", "length", "abort")


class EngineMetrics:
    """Counters and histograms since the process started; gauges are read when the text is written."""

    def __init__(self, args: EngineArgs) -> None:
        self._args = args
        self.started = time.time()
        self._labels = labels = {"engine": "0", "model_name": args.model}
        tokens = steps_1_2_5(args.max_model_len)

        def counter(name: str, text: str) -> Counter:
            return Counter(f"vllm:{name}", text, labels)

        def histogram(name: str, text: str, bounds: tuple[float, ...] | list[float]) -> Histogram:
            return Histogram(f"vllm:{name}", text, bounds, labels)

        self.queries = counter("prefix_cache_queries", "Prefix cache queries, in terms of number of queried tokens.")
        self.hits = counter("prefix_cache_hits", "Prefix cache hits, in terms of number of cached tokens.")
        self.preemptions = counter("num_preemptions", "Cumulative number of preemption from the engine.")
        self.prompt = counter("prompt_tokens", "Number of prefill tokens processed.")
        self.generation = counter("generation_tokens", "Number of generation tokens processed.")
        self.success = Counter(
            "vllm:request_success",
            "Count of successfully processed requests.",
            *({**labels, "finished_reason": reason} for reason in FINISHED),
        )
        self.iteration = histogram(
            "iteration_tokens_total", "Histogram of number of tokens per engine_step.", list(map(float, _ITERATION))
        )
        self.prompt_size = histogram("request_prompt_tokens", "Number of prefill tokens processed.", tokens)
        self.output_size = histogram("request_generation_tokens", "Number of generation tokens processed.", tokens)
        self.max_generation = histogram(
            "request_max_num_generation_tokens", "Histogram of maximum number of requested generation tokens.", tokens
        )
        self.params_n = histogram("request_params_n", "Histogram of the n request parameter.", [1, 2, 5, 10, 20])
        self.params_max = histogram(
            "request_params_max_tokens", "Histogram of the max_tokens request parameter.", tokens
        )
        self.computed = histogram(
            "request_prefill_kv_computed_tokens", "New KV tokens computed during prefill (excluding cached).", tokens
        )
        self.ttft = histogram("time_to_first_token_seconds", "Histogram of time to first token in seconds.", _TTFT)
        self.itl = histogram("inter_token_latency_seconds", "Histogram of inter-token latency in seconds.", _PER_TOKEN)
        self.tpot = histogram(
            "request_time_per_output_token_seconds", "Histogram of time_per_output_token_seconds.", _PER_TOKEN
        )
        self.e2e = histogram("e2e_request_latency_seconds", "Histogram of e2e request latency in seconds.", _LATENCY)
        self.queue = histogram("request_queue_time_seconds", "Time spent in WAITING phase for request.", _LATENCY)
        self.inference = histogram(
            "request_inference_time_seconds", "Time spent in RUNNING phase for request.", _LATENCY
        )
        self.prefill = histogram("request_prefill_time_seconds", "Time spent in PREFILL phase for request.", _LATENCY)
        self.decode = histogram("request_decode_time_seconds", "Time spent in DECODE phase for request.", _LATENCY)
        self.http = Counter("http_requests", "Total number of requests by method, status and handler.")

    def finished(self, reason: str) -> None:
        """A request ended with `reason`: stop, length or abort."""
        self.success.add(1, {**self._labels, "finished_reason": reason})

    def looked_up(self, queried: int, hit: int) -> None:
        """One prefix-cache lookup, in tokens."""
        self.queries.add(queried, self._labels)
        self.hits.add(hit, self._labels)

    def processed(self, prompt: int, generated: int) -> None:
        """Tokens through the engine."""
        self.prompt.add(prompt, self._labels)
        self.generation.add(generated, self._labels)

    def foreign(self, pressure: Pressure, prompt: int, output: int, seconds: float) -> None:
        """Requests of others that ended within `seconds`: about 200 output tokens each, prefixes mostly shared."""
        self.processed(prompt, output)
        self.looked_up(prompt, int(0.6 * prompt))
        self.preemptions.add(pressure.preemptions * seconds, self._labels)
        step = pressure.running / max(1.0, pressure.tokens[1])
        for _ in range(max(1, output // 200)):
            self.finished("length")
            self.queue.observe(pressure.wait)
            self.ttft.observe(pressure.wait + 0.5)
            self.itl.observe(step)
            self.e2e.observe(pressure.wait + 0.5 + 200 * step)

    def answered(self, handler: str, method: str, status: int) -> None:
        """One HTTP response."""
        self.http.add(1, {"handler": handler, "method": method, "status": f"{status // 100}xx"})

    def totals(self) -> tuple[float, float]:
        """Prompt and generated tokens since the start."""
        return self.prompt.values[labels_of(self._labels)], self.generation.values[labels_of(self._labels)]

    def hit_ratio(self) -> float:
        """Hit tokens over queried tokens since the start, 0..1."""
        queried = sum(self.queries.values.values())
        return sum(self.hits.values.values()) / queried if queried else 0.0

    def text(self, running: int, waiting: int, kv_usage: float) -> str:
        """The scrape. `kv_usage` is the share of blocks that running requests hold, 0..1."""
        labels, args = self._labels, self._args
        cache = {
            "block_size": str(args.block),
            "cache_dtype": "auto",
            "calculate_kv_scales": "False",
            "cpu_kvcache_space_bytes": "None",
            "cpu_offload_gb": "0",
            "enable_prefix_caching": str(args.prefix_caching),
            "engine": "0",
            "gpu_memory_utilization": str(args.memory_share),
            "is_attention_free": "False",
            "mamba_cache_dtype": "auto",
            "num_cpu_blocks": "None",
            "num_gpu_blocks": str(args.blocks),
            "num_gpu_blocks_override": "None",
            "prefix_caching_hash_algo": "sha256",
            "sliding_window": "None",
            "swap_space": "4",
            "swap_space_bytes": "4294967296",
        }
        families: list[list[str]] = [
            gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", ({}, 22_548_578_304.0)),
            gauge("process_resident_memory_bytes", "Resident memory size in bytes.", ({}, 1_243_197_440.0)),
            gauge(
                "process_start_time_seconds",
                "Start time of the process since unix epoch in seconds.",
                ({}, round(self.started, 2)),
            ),
            gauge("process_open_fds", "Number of open file descriptors.", ({}, 71.0)),
            gauge("process_max_fds", "Maximum number of open file descriptors.", ({}, 1_048_576.0)),
            gauge(
                "vllm:num_requests_running", "Number of requests in model execution batches.", (labels, float(running))
            ),
            gauge("vllm:num_requests_waiting", "Number of requests waiting to be processed.", (labels, float(waiting))),
            gauge("vllm:kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.", (labels, kv_usage)),
            gauge("vllm:cache_config_info", "Information of the LLMEngine CacheConfig", (cache, 1.0)),
        ]
        for family in vars(self).values():
            if isinstance(family, (Counter, Histogram)):
                families.append(family.lines())
        return "\n".join(line for family in families for line in family) + "\n"
