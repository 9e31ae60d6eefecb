"""Milestones, progress and failure signatures out of log lines: the known ones, and any text whatever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhaii_tui.catalog.findings import Status
from rhaii_tui.deployment.state import STAGES
from rhaii_tui.serving import failures
from rhaii_tui.serving.milestones import DOWNLOADER, Milestone, Progress, Startup
from rhaii_tui.serving.signatures import SIGNATURES

PREFIX = "(EngineCore_DP0 pid=71) INFO 08-22 10:00:00 [core.py:93] "
GPU_LOG = [
    "(APIServer pid=1) INFO 08-22 10:00:00 [api_server.py:1977] vLLM API server version 0.11.2",
    PREFIX + "Initializing a V1 LLM engine (v0.11.2) with config: model='/mnt/models', enable_prefix_caching=True",
    PREFIX + "Starting to load model /mnt/models...",
    "Loading safetensors checkpoint shards:   0% Completed | 0/2 [00:00<?, ?it/s]",
    "Loading safetensors checkpoint shards:  50% Completed | 1/2 [00:09<00:09,  9.36s/it]",
    "Loading safetensors checkpoint shards: 100% Completed | 2/2 [00:18<00:00,  9.36s/it]",
    PREFIX + "Loading weights took 18.72 seconds",
    PREFIX + "Model loading took 5.7915 GiB memory and 20.2 seconds",
    PREFIX + "Available KV cache memory: 5.21 GiB",
    PREFIX + "GPU KV cache size: 151,632 tokens",
    PREFIX + "Maximum concurrency for 4,096 tokens per request: 37.02x",
    "Capturing CUDA graphs (mixed prefill-decode, PIECEWISE):   0%|          | 0/35 [00:00<?, ?it/s]",
    "Capturing CUDA graphs (mixed prefill-decode, PIECEWISE):  34%|███▍      | 12/35 [00:04<00:08,  2.81it/s]",
    "Capturing CUDA graphs (mixed prefill-decode, PIECEWISE): 100%|██████████| 35/35 [00:12<00:00,  2.79it/s]",
    PREFIX + "Graph capturing finished in 12 secs, took 0.35 GiB",
    PREFIX + "init engine (profile, create kv cache, warmup model) took 63.10 seconds",
    "(APIServer pid=1) INFO 08-22 10:02:00 [api_server.py:2052] Starting vLLM API server 0 on https://0.0.0.0:8000",
    "(APIServer pid=1) INFO:     Application startup complete.",
]
TPU_TAIL = [
    PREFIX + "Compiling the model with different input shapes.",
    *[PREFIX + f"  -- num_tokens: {n}" for n in (16, 32, 64)],
    PREFIX + "Compilation finished in 61.20 [secs].",
    PREFIX + "Compiled the model with different input shapes.",
]


def read(lines: list[str], container: str = "main") -> tuple[list[Milestone], list[Progress]]:
    startup = Startup(container)
    told = [t for line in lines for t in startup.feed(line)]
    return [t for t in told if isinstance(t, Milestone)], [t for t in told if isinstance(t, Progress)]


def test_a_gpu_start() -> None:
    milestones, progress = read(GPU_LOG)
    stages = [m.stage for m in milestones]
    assert stages == sorted(stages, key=STAGES.index), "stages come in order"
    assert {"starting", "loading", "compiling", "warming"} == set(stages)
    texts = [m.text for m in milestones]
    for expected in ("vLLM 0.11.2", "weights take 5.7915 GiB", "KV cache of 151,632 tokens", "concurrency 37.02x"):
        assert expected in texts
    assert Progress("weights", 2, 2) in progress
    assert [p for p in progress if p.what == "CUDA graph"] == [
        Progress("CUDA graph", 0, 35),
        Progress("CUDA graph", 12, 35),
        Progress("CUDA graph", 35, 35),
    ]


def test_a_tpu_start_counts_shapes() -> None:
    milestones, progress = read(TPU_TAIL)
    assert progress == [Progress("XLA", n, None) for n in (1, 2, 3)]
    assert [m.stage for m in milestones] == ["compiling"] * 3
    assert read(["Compiling XLA graphs 3/12"])[1] == [Progress("XLA", 3, 12)]


def test_a_download() -> None:
    milestones, _ = read(
        [
            "Initializing, args: src_uri [hf://Qwen/Qwen2.5-3B-Instruct] dest_path [ [/mnt/models]",
            "Copying contents of hf://Qwen/Qwen2.5-3B-Instruct to local",
            "Fetching 12 files:   0%|          | 0/12 [00:00<?, ?it/s]",
            "Successfully copied hf://Qwen/Qwen2.5-3B-Instruct to /mnt/models",
            "Model downloaded in 35.1 seconds.",
        ],
        DOWNLOADER,
    )
    assert {m.stage for m in milestones} == {"downloading"}
    assert milestones[-1].text == "model downloaded in 35.1 seconds"


def test_each_milestone_once_and_counts_only_upwards() -> None:
    milestones, progress = read(GPU_LOG * 2)
    assert len({m.text for m in milestones}) == len(milestones)
    assert [p.done for p in progress if p.what == "weights"] == [0, 1, 2]


FRAGMENTS = st.sampled_from(
    [
        "Compiling",
        "Capturing CUDA graphs",
        "Loading safetensors checkpoint shards:",
        " took ",
        "7/0",
        "9/3",
        "12/35",
        "\x1b[1m",
    ]
)


@given(st.lists(st.one_of(st.text(), st.lists(st.one_of(FRAGMENTS, st.text(max_size=8))).map("".join))))
def test_any_text_is_read_without_harm(lines: list[str]) -> None:
    for container in ("main", DOWNLOADER, "other"):
        milestones, progress = read(lines, container)
        assert all(m.stage in STAGES for m in milestones)
        assert all(p.total is None or 0 <= p.done <= p.total for p in progress)


@pytest.mark.parametrize(
    ("text", "place", "rule"),
    [
        ("requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: https://huggingface.co/x", "download",
         "hub-token"),
        ("huggingface_hub.errors.GatedRepoError: 403 Client Error. Access to model google/gemma-2b-it is restricted",
         "download", "model-access"),
        ("socket.gaierror: [Errno -2] Name or service not known", "download", "egress"),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 500.00 MiB", "engine", "out-of-memory-device"),
        ("ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0.", "engine", "dtype"),
        ("vllm serve: error: unrecognized arguments: --disable-log-requests", "engine", "arguments"),
        ("RuntimeError: Engine core initialization failed. See root cause above.", "engine", "engine-died"),
        ('Failed to pull image "registry.redhat.io/x": failed to resolve reference: failed to authorize: failed to '
         "fetch oauth token: unexpected status from GET request to https://registry.redhat.io/auth: 401 Unauthorized",
         "event", "pull-credentials"),
        ('Failed to pull image "x": rpc error: code = NotFound desc = manifest unknown', "event", "image-missing"),
        ("Error creating: pods is forbidden: exceeded quota: q, requested: pods=1", "event", "quota-object"),
        ('Readiness probe failed: Get "https://10.0.0.1:8000/health": http: server gave HTTP response to HTTPS client',
         "event", "tls-mismatch"),
        ("Container main failed liveness probe, will be restarted", "event", "liveness"),
    ],
)  # fmt: skip
def test_known_failures(text: str, place: str, rule: str) -> None:
    signature = failures.recognise(text, place)
    assert signature is not None
    assert signature.rule == rule
    finding = failures.finding(signature, "pod-1", text, "log main", at=5.0)
    assert finding.status is (Status.FAIL if signature.fatal else Status.WARN)
    assert finding.remediation
    assert finding.raw == text


@pytest.mark.parametrize("text", [*GPU_LOG, *TPU_TAIL, "Pulling image", "Started container main"])
@pytest.mark.parametrize("place", ["download", "engine", "event"])
def test_a_healthy_start_has_no_failure(text: str, place: str) -> None:
    assert failures.recognise(text, place) is None


def test_the_cause_outweighs_the_symptom() -> None:
    texts = [
        ("Container main failed liveness probe, will be restarted", "event", "event"),
        ("torch.OutOfMemoryError: CUDA out of memory", "engine", "log main"),
    ]
    found = failures.diagnose("pod-1", texts)
    assert found is not None
    assert found.rule == "replica.out-of-memory-device"
    assert failures.diagnose("pod-1", [("all is well", "engine", "log")]) is None


def test_tokens_do_not_get_into_findings() -> None:
    text = "401 Client Error for hf_AbCdEfGhIjKlMnOp with Authorization: Bearer ya29.a0AfH6SMB_xyz-123"
    signature = failures.recognise(text, "download")
    assert signature is not None
    shown = failures.finding(signature, "p", text, "log").model_dump_json()
    assert "hf_Ab" not in shown
    assert "ya29" not in shown


def test_every_signature_says_what_next() -> None:
    assert len({s.rule for s in SIGNATURES}) == len(SIGNATURES)
    assert all(s.message and s.meaning and s.remediation and s.places for s in SIGNATURES)


@given(st.text(), st.sampled_from(["download", "engine", "event", ""]))
def test_any_text_may_be_asked_about(text: str, place: str) -> None:
    assert failures.recognise(text, place) is None or isinstance(failures.redacted(text), str)
