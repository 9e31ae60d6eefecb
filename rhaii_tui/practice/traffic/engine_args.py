"""What a workload pod tells vLLM to do: its arguments, read as the container's shell would."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from rhaii_tui.practice.traffic.objects import Object, main_container

# Qwen2.5-3B-Instruct: 32,768 positions; keys and values of 36 layers x 2 heads x 128 x fp16 = 36 KiB per token.
MODEL_POSITIONS = 32_768
# Tokens that fit beside weights and activations at the default memory share: a T4's 14.6 GiB, four v6e chips' 125 GiB.
_KV_TOKENS = {"gpu": 183_000, "tpu": 1_480_000}
_VARIABLE = re.compile(r"\$\(([A-Z_]+)\)|\$\{([A-Z_]+)(?::-[^}]*)?\}|\$([A-Z_]+)")


@dataclass(frozen=True, slots=True)
class EngineArgs:
    """The settings of one vLLM server that its clients can notice. `block` in tokens, `blocks` of KV cache."""

    model: str
    max_model_len: int
    max_num_seqs: int
    prefix_caching: bool
    token_details: bool
    tls: bool
    accelerator: str
    block: int
    blocks: int
    memory_share: float


def tpu_block(max_model_len: int) -> int:
    """vLLM's page size on TPU: a sixteenth of the next power of two, 16..256 tokens; 16 for long contexts."""
    if max_model_len > 8192:
        return 16
    return min(256, max(16, (1 << (max_model_len - 1).bit_length()) // 16))


def engine_args(pod: Object) -> EngineArgs:
    """Read a workload pod. What it does not set has vLLM's defaults."""
    container = main_container(pod)
    words = _words(container)
    flags = _flags(words)
    limits = (container.get("resources") or {}).get("limits") or {}
    accelerator = "tpu" if "google.com/tpu" in limits else "gpu"
    max_model_len = _number(flags.get("max-model-len"), MODEL_POSITIONS)
    block = tpu_block(max_model_len) if accelerator == "tpu" else _number(flags.get("block-size"), 16)
    share = float(flags.get("gpu-memory-utilization") or 0.9)
    return EngineArgs(
        model=flags.get("served-model-name") or flags.get("model") or _served_path(words),
        max_model_len=max_model_len,
        max_num_seqs=_number(flags.get("max-num-seqs"), 256),
        prefix_caching="no-enable-prefix-caching" not in flags,
        token_details="enable-prompt-tokens-details" in flags,
        tls="ssl-certfile" in flags or not words,
        accelerator=accelerator,
        block=block,
        blocks=int(_KV_TOKENS[accelerator] * share / 0.9) // block,
        memory_share=share,
    )


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() else default


def _served_path(words: list[str]) -> str:
    """`vllm serve PATH`: the model is known by its path when nothing names it."""
    for at, text in enumerate(words[:-1]):
        if text == "serve" and not words[at + 1].startswith("-"):
            return words[at + 1]
    return "/mnt/models"


def _words(container: Object) -> list[str]:
    """Command and arguments, scripts cut into words, variables of the container's environment filled in."""
    env = {e["name"]: str(e.get("value", "")) for e in container.get("env") or ()}
    words: list[str] = []
    for text in [*(container.get("command") or ()), *(container.get("args") or ())]:
        filled = _VARIABLE.sub(lambda m: env.get(m[1] or m[2] or m[3], ""), str(text))
        if not re.search(r"\s", filled):
            words.append(filled)
            continue
        try:
            words += shlex.split(filled.replace("\\\n", " "), comments=True)
        except ValueError:  # an unbalanced quote in a script: blanks still separate its words
            words += filled.split()
    return words


def _flags(words: list[str]) -> dict[str, str]:
    flags: dict[str, str] = {}
    for at, text in enumerate(words):
        if not text.startswith("--") or text == "--":
            continue
        name, sign, value = text[2:].partition("=")
        following = words[at + 1] if at + 1 < len(words) else ""
        flags[name.replace("_", "-")] = value if sign else ("" if following.startswith("--") else following)
    return flags
