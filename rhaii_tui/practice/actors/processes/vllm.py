"""A vLLM server: reads its arguments, loads, compiles, serves; its log carries the milestones of vLLM 0.11."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime

from rhaii_tui.practice.actors.objects import Obj, annotations_of
from rhaii_tui.practice.actors.processes.arguments import Arguments, command_line, parse
from rhaii_tui.practice.actors.processes.base import Place, Process
from rhaii_tui.practice.actors.processes.engine import Engine, model_of, size
from rhaii_tui.practice.actors.volumes import environment

# Batch sizes that vLLM captures CUDA graphs for, and token counts that its TPU worker compiles the backbone for.
GRAPHS = 19
SHAPES = (16, 32, 64, 128, 256, 512, 1024, 2048)
STAGES = (
    ("select_hidden_states", 24),
    ("compute_logits", 8),
    ("sample_from_logits", 16),
    ("gather_logprobs", 8),
)

# Cloud seconds on one machine of each kind: interpreter and imports, weights, torch.compile and
# profiling, one CUDA graph; XLA for one backbone shape and one small graph.
BOOT_GPU, BOOT_TPU = 14.0, 16.0
WEIGHTS_GPU, WEIGHTS_TPU = 22.0, 10.0
COMPILE, PROFILE, GRAPH = 28.0, 6.0, 1.5
XLA_SHAPE, XLA_SMALL = 13.5, 1.1
STUCK_AT = 256


class Vllm(Process):
    """Exits 2 on arguments it does not know, 1 when the engine cannot start; otherwise serves on its port."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._environment = environment(place.cluster.store, place.pod, place.container)
        self._arguments = parse(command_line(place.container, self._environment))
        self._tpu = "tpu" in place.container["image"].rsplit("/", 1)[-1]
        self._version = "0.11.2+rhai5" if ":3.2" in place.container["image"] else "0.13.0+rhai2"
        self._serving = False

    async def main(self) -> int:
        place, arguments = self.place, self._arguments
        await place.work(4.0)
        unknown = self._unknown(arguments)
        if unknown:
            place.log("usage: vllm serve [model_tag] [options]")
            place.log(f"vllm serve: error: unrecognized arguments: {' '.join(unknown)}")
            return 2
        for file in ("--ssl-certfile", "--ssl-keyfile"):
            if arguments.has(file) and not self._mounted(arguments.options[file]):
                place.log(f"FileNotFoundError: [Errno 2] No such file or directory: '{arguments.options[file]}'")
                return 1
        await place.work(BOOT_TPU if self._tpu else BOOT_GPU)
        self._api("api_server.py:1977", f"vLLM API server version {self._version}")
        self._api("utils.py:253", f"non-default args: {json.dumps(arguments.options)}")
        uri = _model_uri(place.pod) or arguments.model
        engine = size(arguments, model_of(uri), _accelerators(place.container), tpu=self._tpu)
        if not isinstance(engine, Engine):
            return self._died(engine)
        await self._load(engine)
        await self._serve()
        return 0

    async def terminate(self) -> int:
        if not self._serving:
            return 143
        self.place.log("INFO:     Shutting down")
        if self.place.world.traffic is not None:
            self.place.cluster.draining[self.place.uid] = asyncio.Event()
            try:
                await self.place.world.traffic.engine_drained(self.place.uid)
            finally:
                self.place.cluster.draining.pop(self.place.uid).set()
        self._stop_serving()
        await self.place.world.clock.sleep(2.0)
        self.place.log("INFO:     Application shutdown complete.")
        self.place.log("INFO:     Finished server process [1]")
        return 0

    async def _load(self, engine: Engine) -> None:
        place, arguments = self.place, self._arguments
        self._api("model.py:637", f"Resolved architecture: {engine.model.architecture}")
        if not self._tpu:
            self._api("model.py:1970", "Casting torch.bfloat16 to torch.float16.", "WARNING")
        self._api("model.py:1750", f"Using max model len {engine.max_len}")
        self._api("scheduler.py:228", "Chunked prefill is enabled with max_num_batched_tokens=2048.")
        await place.work(9.0)
        caching = not arguments.has("--no-enable-prefix-caching")
        self._core(
            "core.py:93",
            f"Initializing a V1 LLM engine (v{self._version}) with config: model='{arguments.model}', tokenizer="
            f"'{arguments.model}', dtype=torch.float16, max_seq_len={engine.max_len}, "
            f"tensor_parallel_size={engine.chips}, "
            f"served_model_name={arguments.options.get('--served-model-name', arguments.model)}, "
            f"enable_prefix_caching={caching}, chunked_prefill_enabled=True",
        )
        await place.work(8.0)
        await self._weights(engine)
        began = place.world.clock.monotonic()
        await (self._compile_xla(engine) if self._tpu else self._compile_cuda(engine))
        took = place.world.clock.monotonic() - began
        self._core("core.py:250", f"init engine (profile, create kv cache, warmup model) took {took:.2f} seconds")
        await place.work(3.0)

    async def _weights(self, engine: Engine) -> None:
        place, shards = self.place, engine.model.shards
        runner = "tpu_runner.py:1203" if self._tpu else "gpu_model_runner.py:3259"
        self._core(runner, f"Starting to load model {self._arguments.model}...")
        if not self._tpu:
            self._core("cuda.py:418", "Cannot use FlashAttention-2 backend for Volta and Turing GPUs.")
            self._core("cuda.py:428", "Using FlexAttention backend.")
        seconds = WEIGHTS_TPU if self._tpu else WEIGHTS_GPU
        began = place.world.clock.monotonic()
        for n in range(shards + 1):
            done = int(place.world.clock.monotonic() - began)
            pace = f"{done / n:.2f}s/it" if n else "?it/s"
            left = f"00:{round(done / n * (shards - n)):02d}" if n else "?"
            place.log(
                f"Loading safetensors checkpoint shards: {100 * n // shards:3d}% Completed | {n}/{shards} "
                f"[00:{done:02d}<{left}, {pace}]"
            )
            if n < shards:
                await place.work(seconds / shards)
        took = place.world.clock.monotonic() - began
        self._core("default_loader.py:314", f"Loading weights took {took:.2f} seconds")
        weights = engine.model.weights / engine.chips
        await place.work(1.5)
        self._core(runner, f"Model loading took {weights:.4f} GiB memory and {took + 1.5:.6f} seconds")

    async def _compile_cuda(self, engine: Engine) -> None:
        place = self.place
        self._core("backends.py:647", "Dynamo bytecode transform time: 8.91 s")
        await place.work(COMPILE)
        self._core("monitor.py:34", f"torch.compile takes {COMPILE * place.pace:.2f} s in total")
        await place.work(PROFILE)
        self._capacity(engine)
        if self._arguments.has("--enforce-eager"):
            return
        began = place.world.clock.monotonic()
        for n in range(GRAPHS + 1):
            done = int(place.world.clock.monotonic() - began)
            bar = ("█" * round(10 * n / GRAPHS)).ljust(10)
            place.log(
                f"Capturing CUDA graphs (mixed prefill-decode, PIECEWISE): {100 * n // GRAPHS:3d}%|{bar}| {n}/{GRAPHS} "
                f"[00:{done:02d}<00:{round(GRAPH * (GRAPHS - n)):02d}, {1 / GRAPH:.2f}it/s]"
            )
            if n < GRAPHS:
                await place.work(GRAPH)
        took = place.world.clock.monotonic() - began
        self._core("gpu_model_runner.py:4244", f"Graph capturing finished in {took:.0f} secs, took 0.35 GiB")

    async def _compile_xla(self, engine: Engine) -> None:
        place = self.place
        await place.work(6.0)
        self._capacity(engine)
        self._core("tpu_model_runner.py:1405", "Compiling the model with different input shapes.")
        began = place.world.clock.monotonic()
        for tokens in SHAPES:
            self._core("tpu_model_runner.py:1421", f"  -- num_tokens: {tokens}")
            if tokens == STUCK_AT:
                await self._while_stuck()
            await place.work(XLA_SHAPE)
        took = place.world.clock.monotonic() - began
        self._core("tpu_model_runner.py:1427", f"Compilation finished in {took:.2f} [secs].")
        for stage, count in STAGES:
            self._core("tpu_model_runner.py:1462", f"Compiling {stage} with different input shapes.")
            began = place.world.clock.monotonic()
            for n in range(0, count, 4):
                self._core("tpu_model_runner.py:1475", f"  -- num_seqs: {8 << min(n // 4, 5)}")
                await place.work(4 * XLA_SMALL)
            took = place.world.clock.monotonic() - began
            self._core("tpu_model_runner.py:1481", f"Compilation finished in {took:.2f} [secs].")
        self._core("tpu_model_runner.py:1490", "Compiled the model with different input shapes.")

    async def _while_stuck(self) -> None:
        """The compiler hangs in the pod that came first, without a word, until the fault is lifted."""
        faults = self.place.world.faults
        async with faults.changed:
            await faults.changed.wait_for(lambda: not faults.claims("xla-stuck", "pod", self.place.uid))

    def _capacity(self, engine: Engine) -> None:
        self._core("gpu_worker.py:359", f"Available KV cache memory: {engine.kv_memory:.2f} GiB")
        self._core("kv_cache_utils.py:1229", f"GPU KV cache size: {engine.kv_tokens:,} tokens")
        concurrency = engine.kv_tokens / engine.max_len
        text = f"Maximum concurrency for {engine.max_len:,} tokens per request: {concurrency:.2f}x"
        self._core("kv_cache_utils.py:1234", text)

    async def _serve(self) -> None:
        place, arguments = self.place, self._arguments
        port = int(arguments.number("--port", 8000))
        scheme = "https" if arguments.has("--ssl-certfile") and arguments.has("--ssl-keyfile") else "http"
        self._api("api_server.py:2052", f"Starting vLLM API server 0 on {scheme}://0.0.0.0:{port}")
        for path in ("/health", "/v1/models", "/v1/completions", "/v1/chat/completions", "/metrics"):
            self._api("launcher.py:46", f"Route: {path}, Methods: {'GET' if 'completions' not in path else 'POST'}")
        place.log("INFO:     Started server process [1]")
        place.log("INFO:     Waiting for application startup.")
        place.log("INFO:     Application startup complete.")
        models = 401 if arguments.has("--api-key") else 200
        self.listen(
            port, scheme, {"/health": 200, "/ping": 200, "/v1/models": models, "/metrics": 200, "/version": 200}
        )
        self._serving = True
        if place.world.traffic is not None:
            place.world.traffic.engine_started(place.cluster, place.pod)
        try:
            await self.forever()
        finally:
            self._stop_serving()

    def _stop_serving(self) -> None:
        if self._serving:
            self._serving = False
            self.close()
            if self.place.world.traffic is not None:
                self.place.world.traffic.engine_stopped(self.place.uid)

    def _died(self, lines: tuple[str, ...]) -> int:
        self.place.log("(EngineCore_DP0 pid=87) ERROR EngineCore failed to start.")
        self.place.log("Traceback (most recent call last):")
        for line in lines:
            self.place.log(line)
        self.place.log("RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}")
        return 1

    def _unknown(self, arguments: Arguments) -> tuple[str, ...]:
        """Options of a newer or older version than this image's are unknown too."""
        gone = () if ":3.2" in self.place.container["image"] else ("--disable-log-requests",)
        return (*arguments.unknown, *(o for o in gone if arguments.has(o)))

    def _mounted(self, path: str) -> bool:
        mounts = self.place.container.get("volumeMounts") or ()
        return any(path.startswith(m["mountPath"].rstrip("/") + "/") for m in mounts)

    def _api(self, where: str, text: str, level: str = "INFO") -> None:
        self.place.log(f"(APIServer pid=1) {level} {datetime.now():%m-%d %H:%M:%S} [{where}] {text}")

    def _core(self, where: str, text: str) -> None:
        self.place.log(f"(EngineCore_DP0 pid=87) INFO {datetime.now():%m-%d %H:%M:%S} [{where}] {text}")


def _accelerators(container: Obj) -> int:
    resources = container.get("resources") or {}
    held = {**(resources.get("requests") or {}), **(resources.get("limits") or {})}
    return int(held.get("nvidia.com/gpu", 0) or held.get("google.com/tpu", 0) or 0)


def _model_uri(pod: Obj) -> str:
    """What the init container fetched."""
    for container in pod["spec"].get("initContainers") or ():
        if container.get("name") == "storage-initializer" and container.get("args"):
            return str(container["args"][0])
    return annotations_of(pod).get("serving.kserve.io/model-uri", "")
