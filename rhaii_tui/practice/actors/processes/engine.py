"""What a model needs and what an accelerator has: enough arithmetic to start, or to fail as vLLM fails."""

from __future__ import annotations

from dataclasses import dataclass

from rhaii_tui.practice.actors.processes.arguments import Arguments

GIB = 2**30


@dataclass(frozen=True, slots=True)
class Model:
    """`weights` in GiB at two bytes per parameter; `kv_bytes` per token over all layers; `window` in tokens."""

    architecture: str
    weights: float
    kv_bytes: int
    window: int
    shards: int


# From the models' config.json: layers x 2 x KV heads x head size x 2 bytes.
_MODELS = {
    "Qwen/Qwen2.5-3B-Instruct": Model("Qwen2ForCausalLM", 5.79, 36 * 2 * 2 * 128 * 2, 32768, 2),
    "Qwen/Qwen2.5-7B-Instruct": Model("Qwen2ForCausalLM", 14.25, 28 * 2 * 4 * 128 * 2, 32768, 4),
    "google/gemma-2b-it": Model("GemmaForCausalLM", 4.67, 18 * 2 * 1 * 256 * 2, 8192, 2),
    "microsoft/Phi-3-mini-4k-instruct": Model("Phi3ForCausalLM", 7.12, 32 * 2 * 32 * 96 * 2, 4096, 2),
    "mistralai/Mistral-7B-Instruct-v0.3": Model("MistralForCausalLM", 13.5, 32 * 2 * 8 * 128 * 2, 32768, 3),
}
_DEFAULT = _MODELS["Qwen/Qwen2.5-3B-Instruct"]

# CUDA reports 14.58 GiB on a T4; v6e has 32 GB of HBM per chip. GiB.
T4_MEMORY, V6E_MEMORY = 14.58, 31.25
# Activations, graphs and the runtime, in GiB; measured on vLLM 0.11 with 128 sequences, growing with the dummy batch.
_OVERHEAD, _PER_SEQUENCE = 1.05, 0.0035
# The sampler's warm-up per dummy request: two copies of the logits over Qwen2.5's 151,936 words, four bytes each. GiB.
_SAMPLER = 151_936 * 4 * 2 / GIB


@dataclass(frozen=True, slots=True)
class Engine:
    """One vLLM engine that would start. `kv_memory` in GiB, `kv_tokens` over all its chips."""

    model: Model
    tpu: bool
    chips: int
    kv_memory: float
    kv_tokens: int
    max_len: int


def model_of(uri: str) -> Model:
    """By hub name; an unknown model is taken as the 3B one."""
    return _MODELS.get(uri.removeprefix("hf://"), _DEFAULT)


def size(arguments: Arguments, model: Model, accelerators: int, *, tpu: bool) -> Engine | tuple[str, ...]:
    """The engine, or the last lines of the traceback it dies with."""
    chips = int(arguments.number("--tensor-parallel-size", arguments.number("-tp", 1)))
    if accelerators < 1:
        if tpu:
            return (
                "RuntimeError: Unable to initialize backend 'tpu': UNKNOWN: TPU initialization failed: "
                "No ba16c7433 device found.",
            )
        return (
            "RuntimeError: Failed to infer device type, please set the environment variable `VLLM_LOGGING_LEVEL=DEBUG`",
        )
    if chips > accelerators:
        return (
            f"ValueError: World size ({chips}) is larger than the number of available GPUs ({accelerators}) in this "
            "node.",
        )
    dtype = arguments.options.get("--dtype", "auto")
    if not tpu and dtype == "bfloat16":
        return (
            "ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0. Your Tesla T4 GPU "
            "has compute capability 7.5. You can use float16 instead by explicitly setting the `dtype` flag in CLI, "
            "for example: --dtype=half.",
        )
    share = arguments.number("--gpu-memory-utilization", 0.9)
    sequences = arguments.number("--max-num-seqs", 256)
    per_chip = V6E_MEMORY if tpu else T4_MEMORY
    weights = model.weights / chips
    if not tpu and weights > per_chip - 0.4:
        free = max(0.0, per_chip - weights % per_chip)
        return (
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 500.00 MiB. GPU 0 has a total capacity of "
            f"{T4_MEMORY} GiB of which {free * 1024 % 500:.2f} MiB is free.",
        )
    if not tpu and share * per_chip + _SAMPLER * sequences > per_chip:
        needed = _SAMPLER * sequences * 1024
        return (
            f"torch.OutOfMemoryError: CUDA out of memory. Tried to allocate {needed:.2f} MiB. GPU 0 has a total "
            f"capacity of {T4_MEMORY} GiB of which {max(0.0, (1 - share) * per_chip * 1024 - 90):.2f} MiB is free. "
            "Including non-PyTorch memory, this process has "
            f"{share * per_chip + 0.08:.2f} GiB memory in use.",
            f"RuntimeError: CUDA out of memory occurred when warming up sampler with {int(sequences)} dummy requests. "
            "Please try lowering `max_num_seqs` or `gpu_memory_utilization` when initializing the engine.",
        )
    memory = share * per_chip - weights - _OVERHEAD - (0 if tpu else _PER_SEQUENCE * sequences)
    if memory <= 0:
        return (
            "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when "
            "initializing the engine.",
        )
    tokens = int(memory * chips * GIB / model.kv_bytes) // 128 * 128
    length = int(arguments.number("--max-model-len", model.window))
    if length > tokens:
        need = length * model.kv_bytes / GIB
        return (
            f"ValueError: To serve at least one request with the models's max seq len ({length}), ({need:.2f} GiB KV "
            f"cache is needed, which is larger than the available KV cache memory ({memory:.2f} GiB). Based on the "
            f"available memory, the estimated maximum model length is {tokens}. Try increasing "
            "`gpu_memory_utilization` or decreasing `max_model_len` when initializing the engine.",
        )
    return Engine(model, tpu, chips, memory, tokens, length)
