"""vLLM's command line as the container starts it: from exec form, from a shell script, or from the preset's script."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from rhaii_tui.practice.actors.objects import Obj

# Options of vLLM 0.11.2 (RHAIIS 3.2.5) that deployments use; the value says whether the option takes one.
# Source: `vllm serve --help`; --disable-log-requests was removed in 0.12.
OPTIONS: dict[str, bool] = {
    **dict.fromkeys(
        [
            "--model",
            "--host",
            "--port",
            "--uvicorn-log-level",
            "--dtype",
            "--max-model-len",
            "--gpu-memory-utilization",
            "--max-num-seqs",
            "--max-num-batched-tokens",
            "--tensor-parallel-size",
            "-tp",
            "--pipeline-parallel-size",
            "-pp",
            "--data-parallel-size",
            "-dp",
            "--ssl-certfile",
            "--ssl-keyfile",
            "--ssl-ca-certs",
            "--ssl-cert-reqs",
            "--api-key",
            "--tokenizer",
            "--tokenizer-mode",
            "--revision",
            "--block-size",
            "--kv-cache-dtype",
            "--quantization",
            "-q",
            "--seed",
            "--swap-space",
            "--cpu-offload-gb",
            "--load-format",
            "--download-dir",
            "--chat-template",
            "--tool-call-parser",
            "--reasoning-parser",
            "--root-path",
            "--config",
            "--hf-token",
            "--generation-config",
            "--kv-transfer-config",
            "--compilation-config",
            "--speculative-config",
            "--rope-scaling",
            "--rope-theta",
            "--distributed-executor-backend",
            "--max-seq-len-to-capture",
            "--max-logprobs",
            "--lora-modules",
            "--max-lora-rank",
            "--max-loras",
            "--limit-mm-per-prompt",
            "--num-gpu-blocks-override",
            "--prefix-caching-hash-algo",
            "--kv-events-config",
            "--scheduling-policy",
            "--max-log-len",
            "--middleware",
            "--override-generation-config",
            "-O",
            "--additional-config",
            "--api-server-count",
            "--data-parallel-size-local",
            "--data-parallel-address",
            "--data-parallel-rpc-port",
            "--data-parallel-start-rank",
            "--response-role",
            "--runner",
            "--task",
            "--convert",
            "--hf-overrides",
        ],
        True,
    ),
    **dict.fromkeys(
        [
            "--enable-prefix-caching",
            "--no-enable-prefix-caching",
            "--enable-chunked-prefill",
            "--no-enable-chunked-prefill",
            "--enforce-eager",
            "--no-enforce-eager",
            "--trust-remote-code",
            "--disable-log-stats",
            "--disable-log-requests",
            "--enable-log-requests",
            "--no-enable-log-requests",
            "--disable-uvicorn-access-log",
            "--enable-ssl-refresh",
            "--enable-auto-tool-choice",
            "--enable-lora",
            "--enable-expert-parallel",
            "--disable-frontend-multiprocessing",
            "--disable-custom-all-reduce",
            "--async-scheduling",
            "--headless",
            "--return-tokens-as-token-ids",
            "--disable-fastapi-docs",
            "--enable-request-id-headers",
            "--enable-prompt-tokens-details",
            "--enable-server-load-tracking",
            "--enable-force-include-usage",
            "--data-parallel-hybrid-lb",
            "--enable-sleep-mode",
        ],
        False,
    ),
}
_MANY = ("--served-model-name", "--allowed-origins", "--allowed-methods", "--allowed-headers")
_VARIABLE = re.compile(r"\$\{?(\w+)(?::-([^}]*))?\}?|\$\((\w+)\)")


@dataclass(frozen=True)
class Arguments:
    """`options` by name; `unknown` are the words argparse does not recognize, in order."""

    options: dict[str, str]
    model: str
    unknown: tuple[str, ...]

    def has(self, name: str) -> bool:
        """Whether an option was given."""
        return name in self.options

    def number(self, name: str, default: float) -> float:
        """A numeric option; `4k` and `4K` are what vLLM makes of them."""
        text = self.options.get(name, str(default))
        scale = {"k": 1000, "K": 1024, "m": 10**6, "M": 2**20}.get(text[-1:], 1)
        try:
            return float(text.rstrip("kKmM")) * scale
        except ValueError:
            return default


def command_line(container: Obj, environment: dict[str, str]) -> list[str]:
    """The words the process starts with; a shell's script is read up to its `vllm serve` line."""
    words = [str(w) for w in [*(container.get("command") or ()), *(container.get("args") or ())]]
    words = [_expand(w, environment, kubernetes=True) for w in words]
    if words and words[0].rsplit("/", 1)[-1] in ("sh", "bash") and len(words) > 1:
        flag = next((i for i, w in enumerate(words) if w.startswith("-") and w.endswith("c")), 0)
        script = words[flag + 1] if flag + 1 < len(words) else ""
        rest = words[flag + 3 :]
        script = script.replace('"$@"', shlex.join(rest)).replace("$@", shlex.join(rest)).replace("\\\n", " ")
        for line in reversed(script.splitlines() or [""]):
            if "vllm" in line and not line.lstrip().startswith(("#", "echo")):
                return shlex.split(_expand(line, environment), comments=True)
        return shlex.split(script.replace("\n", " "))
    return words


def parse(words: list[str]) -> Arguments:
    """What argparse makes of the words after `vllm serve`, or of all when the image's entry point is the server."""
    rest = list(words)
    while rest and not rest[0].startswith("-"):
        first = rest[0].rsplit("/", 1)[-1]
        if first not in ("exec", "vllm", "serve", "python", "python3", "eval"):
            break
        rest.pop(0)
    if rest[:1] == ["-m"]:
        rest = rest[2:]
    options: dict[str, str] = {}
    unknown: list[str] = []
    model = ""
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        name = name.replace("_", "-") if name.startswith("--") else name
        if not word.startswith("-"):
            if model:
                unknown.append(word)
            model = model or word
        elif name in _MANY:
            values = [value] if equals else []
            while not equals and rest and not rest[0].startswith("-"):
                values.append(rest.pop(0))
            options[name] = " ".join(values)
        elif name not in OPTIONS:
            unknown.append(word)
            while not equals and rest and not rest[0].startswith("-"):
                unknown.append(rest.pop(0))
        elif equals or not OPTIONS[name]:
            options[name] = value
        else:
            options[name] = rest.pop(0) if rest else ""
    return Arguments(options, options.get("--model", model), tuple(unknown))


def _expand(text: str, environment: dict[str, str], *, kubernetes: bool = False) -> str:
    """Variables of the shell, or Kubernetes' own `$(NAME)`, which leaves unknown names alone."""

    def value(match: re.Match[str]) -> str:
        if kubernetes or match[3]:
            return environment.get(match[3], match[0]) if match[3] else match[0]
        return environment.get(match[1], match[2] or "")

    return _VARIABLE.sub(value, text)
