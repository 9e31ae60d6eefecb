"""The table of failure signatures: what is written, what it means, what to do. First match wins, so order matters."""

from __future__ import annotations

from dataclasses import dataclass

DOWNLOAD, ENGINE, EVENT = "download", "engine", "event"
_ALL = (DOWNLOAD, ENGINE, EVENT)


@dataclass(frozen=True, slots=True)
class Signature:
    """`pattern` is searched without regard to case; `fatal`: waiting does not heal it."""

    rule: str
    pattern: str
    places: tuple[str, ...]
    message: str
    meaning: str
    remediation: str
    fatal: bool = True


SIGNATURES: tuple[Signature, ...] = (
    Signature(
        "model-access",
        r"403 Client Error|Access to model .{0,200}is restricted|GatedRepoError",
        (DOWNLOAD,),
        "Hugging Face does not let this account download the model.",
        "The model is gated: this token's account has not accepted its licence, or the token may not read it.",
        "Accept the licence on the model's page with the account of the token, or choose an open model.",
    ),
    Signature(
        "hub-token",
        r"401 Client Error|401 Unauthorized|Invalid username or password|Invalid user token",
        (DOWNLOAD,),
        "Hugging Face refused the download: the token is missing or not valid.",
        "The download reads HF_TOKEN from the Secret huggingface-token in the service's namespace.",
        "Put a valid token into your token file.",
    ),
    Signature(
        "hub-throttled",
        r"429 (?:Client Error|Too Many Requests)|Too Many Requests",
        (DOWNLOAD,),
        "Hugging Face limits the download rate.",
        "Several replicas download at once; anonymous downloads are limited most.",
        "Wait, or use a token.",
        fatal=False,
    ),
    Signature(
        "egress",
        r"Name or service not known|Temporary failure in name resolution|Cannot resolve URL for hf:",
        (DOWNLOAD,),
        "The replica cannot resolve huggingface.co.",
        "A NetworkPolicy cuts DNS or egress off, or the nodes have no way out (private nodes without Cloud NAT).",
        "Check policies in the namespace and Cloud NAT.",
    ),
    Signature(
        "disk-full",
        r"No space left on device|low on resource: ephemeral-storage",
        _ALL,
        "The node's disk is full.",
        "Image and model together do not fit on the node's boot disk.",
        "Use a larger disk for the node pool or a smaller model.",
    ),
    Signature(
        "out-of-memory-device",
        r"torch\.OutOfMemoryError|CUDA out of memory|RESOURCE_EXHAUSTED.{0,200}hbm",
        (ENGINE,),
        "The accelerator's memory is too small for these engine options.",
        "Weights, KV cache and warm-up batches together exceed it.",
        "Lower --gpu-memory-utilization to 0.80, then 0.75; then --max-num-seqs to 64; then --max-model-len to 2048.",
    ),
    Signature(
        "kv-cache",
        r"No available memory for the cache blocks|maximum number of tokens that can be stored in KV cache",
        (ENGINE,),
        "No memory is left for the KV cache at this context length.",
        "The weights fit, but not one request of --max-model-len tokens beside them.",
        "Lower --max-model-len or raise --gpu-memory-utilization.",
    ),
    Signature(
        "dtype",
        r"bfloat16 is only supported on GPUs with compute capability of at least 8",
        (ENGINE,),
        "This GPU cannot compute in bfloat16.",
        "A T4 has compute capability 7.5.",
        "Pass --dtype=half.",
    ),
    Signature(
        "arguments",
        r"error: (?:unrecognized arguments|argument )|vllm: error:",
        (ENGINE,),
        "vLLM does not know one of the options it was given.",
        "Options come and go between versions; the line below names it.",
        "Remove the option, or use the image it was written for.",
    ),
    Signature(
        "no-gpu",
        r"No GPU detected|Failed to infer device type|No CUDA GPUs are available",
        (ENGINE,),
        "The replica sees no GPU.",
        "The driver or the device plugin has not given the device to the container.",
        "Wait for the driver installation; if it persists on GKE 1.34 and newer, install the GPU Operator.",
    ),
    Signature(
        "tpu-init",
        r"TPU initialization timed out|Unable to initialize backend 'tpu'|TPU platform not available",
        (ENGINE,),
        "The TPU chips do not come up.",
        "Another process holds them, the pod is on the wrong node, or the topology variables are wrong.",
        "Delete what else uses the chips; check TPU_CHIPS_PER_HOST_BOUNDS=2,2,1 and TPU_HOST_BOUNDS=1,1,1.",
    ),
    Signature(
        "pull-credentials",
        r"(?:failed to pull|pull).{0,2000}(?:401 Unauthorized|403 Forbidden|unauthorized|authentication required)",
        (EVENT,),
        "The registry refused the image: the pull secret does not open it.",
        "registry.redhat.io answers 401 to a wrong, expired or missing credential.",
        "Give a valid pull secret file (access.redhat.com/terms-based-registry), then retry.",
    ),
    Signature(
        "image-missing",
        r"failed to pull.{0,2000}(?:manifest unknown|not found)",
        (EVENT,),
        "The image does not exist under this name and tag.",
        "The registry answered, but it has no such image.",
        "Correct the image.",
    ),
    Signature(
        "quota-object",
        r"exceeded quota: ",
        (EVENT,),
        "A ResourceQuota of the namespace forbids the pod.",
        "The pod was never created.",
        "Raise or remove the quota named below.",
    ),
    Signature(
        "device-plugin",
        r"failed to generate CDI spec|UnexpectedAdmissionError",
        (EVENT, ENGINE),
        "The node's device plugin could not hand out the accelerator.",
        "Seen with GKE's own plugin on 1.34.",
        "Delete the pod once; if it persists, install the GPU Operator.",
    ),
    Signature(
        "tls-mismatch",
        r"server gave HTTP response to HTTPS client",
        (EVENT,),
        "vLLM speaks plain HTTP where everything else expects TLS.",
        "The options --ssl-certfile and --ssl-keyfile are missing.",
        "Use the manifest as shipped.",
    ),
    Signature(
        "sandbox",
        r"Failed to create pod sandbox|istio-init.{0,400}executable file not found",
        (EVENT,),
        "The node cannot set up the pod's network.",
        "Often a leftover of an Istio CNI.",
        "Remove the CNI leftover or recreate the node.",
        fatal=False,
    ),
    Signature(
        "liveness",
        r"failed (?:liveness|startup) probe, will be restarted",
        (EVENT,),
        "The kubelet restarted the engine because its probe failed.",
        "The start took longer than the probe allows, or the engine hangs.",
        "Compare the restart with the log: still compiling means a longer startupProbe.",
        fatal=False,
    ),
    Signature(
        "preempted",
        r"imminent node shutdown|node\.kubernetes\.io/not-ready|\bPreempt(?:ing|ed)\b",
        (EVENT,),
        "The node was taken back.",
        "A spot node was reclaimed or the node was lost.",
        "The pool brings a new node; use on-demand if it happens often.",
        fatal=False,
    ),
    Signature(
        "engine-died",
        r"EngineDeadError|engine core.{0,80} died|Engine core initialization failed",
        (ENGINE,),
        "The engine process ended during its start.",
        "The cause stands in the lines above it.",
        "Open the log and search upwards for the first ERROR.",
    ),
)
"""Order: specific before general, so that an engine's death is only told when nothing above explains it."""
