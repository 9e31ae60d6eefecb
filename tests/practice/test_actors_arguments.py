"""vLLM's command line in every form a container can have, and Kubernetes quantities."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhaii_tui.practice.actors.processes.arguments import command_line, parse
from rhaii_tui.practice.actors.processes.engine import Engine, model_of, size
from rhaii_tui.practice.actors.quantity import amounts, requests
from rhaii_tui.practice.actors.quantity import parse as quantity
from rhaii_tui.practice.xks.install import presets

WANTED = {"--served-model-name": "a/b", "--port": "8000", "--ssl-certfile": "/t.crt"}
WORDS = ["--served-model-name=a/b", "--port", "8000", "--ssl-certfile=/t.crt"]
LINE = "--served-model-name a/b --port 8000 --ssl-certfile /t.crt"


@pytest.mark.parametrize(
    "container",
    [
        {"command": ["vllm", "serve", "/mnt/models"], "args": WORDS},
        {"command": ["python3", "-m", "vllm.entrypoints.openai.api_server"], "args": ["--model=/mnt/models", *WORDS]},
        {"args": ["--model", "/mnt/models", *WORDS]},
        {"command": ["/bin/bash", "-c"], "args": [f"set -e\nexec vllm serve /mnt/models \\\n  {LINE}\n"]},
        {"command": ["/bin/bash", "-c", 'eval vllm serve /mnt/models "$@"', "--"], "args": WORDS},
        {"command": ["sh", "-c"], "args": [f"vllm serve /mnt/models ${{EXTRA}} {LINE}"]},
        {"command": ["vllm", "serve", "$(MODEL)"], "args": WORDS},
    ],
)
def test_every_form_means_the_same(container: dict[str, list[str]]) -> None:
    found = parse(command_line(container, {"MODEL": "/mnt/models", "EXTRA": ""}))
    assert found.model == "/mnt/models"
    assert {k: found.options[k] for k in WANTED} == WANTED
    assert found.unknown == ()


def test_the_preset_honours_additional_arguments() -> None:
    template = next(p for p in presets() if p["metadata"]["name"] == "kserve-config-llm-template")
    (container,) = template["spec"]["template"]["containers"]
    found = parse(command_line(container, {"VLLM_ADDITIONAL_ARGS": "--dtype half --max-model-len=4k"}))
    assert (found.options["--dtype"], found.number("--max-model-len", 0)) == ("half", 4000)
    assert found.has("--ssl-keyfile")
    assert found.unknown == ()


def test_unknown_words_are_named_in_order() -> None:
    words = ["vllm", "serve", "/m", "--prefix-cache-block-size=16", "--dtype", "half", "--topology", "2x2"]
    assert parse(words).unknown == ("--prefix-cache-block-size=16", "--topology", "2x2")


@given(st.lists(st.text(max_size=12), max_size=12))
def test_no_words_break_the_parser(words: list[str]) -> None:
    parse(words)


@given(st.floats(0.05, 1.0), st.integers(1, 512), st.integers(1, 40000), st.booleans())
def test_an_engine_fits_its_memory_or_says_why_not(share: float, sequences: int, length: int, tpu: bool) -> None:
    words = [f"--gpu-memory-utilization={share}", f"--max-num-seqs={sequences}", f"--max-model-len={length}"]
    found = size(parse(words), model_of("hf://Qwen/Qwen2.5-3B-Instruct"), 1, tpu=tpu)
    if isinstance(found, Engine):
        assert found.kv_memory > 0
        assert found.max_len == length <= found.kv_tokens
    else:
        assert "Error" in found[0]


@given(st.integers(0, 10**6))
def test_quantities_keep_their_value(number: int) -> None:
    assert quantity("cpu", f"{number}m") == number
    assert quantity("cpu", number) == number * 1000
    assert quantity("memory", f"{number}Ki") == number * 1024
    assert amounts({"nvidia.com/gpu": str(number)}) == {"nvidia.com/gpu": number}


def test_a_pod_asks_for_the_larger_of_its_two_phases() -> None:
    small = {"resources": {"requests": {"cpu": "100m"}}}
    large = {"resources": {"limits": {"cpu": "2"}}}
    assert requests({"containers": [small, small], "initContainers": [large]}) == {"cpu": 2000}
