"""What a workload pod tells vLLM to do, as far as the server's clients can notice it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rhaii_tui.practice.actors.processes.arguments import command_line, parse
from rhaii_tui.practice.actors.processes.engine import Engine, model_of, size
from rhaii_tui.practice.actors.volumes import environment
from rhaii_tui.practice.traffic.objects import Object, main_container

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster


@dataclass(frozen=True, slots=True)
class EngineArgs:
    """The settings of one vLLM server. `block` in tokens, `blocks` of KV cache over all its chips."""

    model: str
    port: int
    tls: bool
    accelerator: str
    max_model_len: int
    max_num_seqs: int
    prefix_caching: bool
    token_details: bool
    block: int
    blocks: int
    memory_share: float


def tpu_block(max_model_len: int) -> int:
    """vLLM's page size on TPU: a sixteenth of the next power of two, 16..256 tokens; 16 for long contexts."""
    if max_model_len > 8192:
        return 16
    return min(256, max(16, (1 << (max_model_len - 1).bit_length()) // 16))


def engine_args(cluster: KubeCluster, pod: Object) -> EngineArgs:
    """Read a workload pod. What it does not set has vLLM's defaults; the model's own length is Qwen2.5's."""
    container = main_container(pod)
    given = parse(command_line(container, environment(cluster.store, pod, container)))
    limits = (container.get("resources") or {}).get("limits") or {}
    tpu = "google.com/tpu" in limits
    chips = int(limits.get("google.com/tpu") or limits.get("nvidia.com/gpu") or 1)
    name = given.options.get("--served-model-name", "").partition(" ")[0] or given.model or "/mnt/models"
    model = model_of(name)
    sized = size(given, model, chips, tpu=tpu)
    length = int(given.number("--max-model-len", model.window))
    block = tpu_block(length) if tpu else int(given.number("--block-size", 16))
    # A server that runs although the arithmetic says it could not has room for one request of full length.
    tokens = sized.kv_tokens if isinstance(sized, Engine) else length
    return EngineArgs(
        model=name,
        port=int(given.number("--port", 8000)),
        tls=given.has("--ssl-certfile") and given.has("--ssl-keyfile"),
        accelerator="tpu" if tpu else "gpu",
        max_model_len=length,
        max_num_seqs=int(given.number("--max-num-seqs", 256)),
        prefix_caching=not given.has("--no-enable-prefix-caching"),
        token_details=given.has("--enable-prompt-tokens-details"),
        block=block,
        blocks=max(1, tokens // block),
        memory_share=given.number("--gpu-memory-utilization", 0.9),
    )
