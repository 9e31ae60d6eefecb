"""What a line of a starting replica's log tells: a stage reached, or how far loading and compiling have come.

Wording differs between vLLM versions, so lines are matched by fragments and are hints only: readiness is what the
kubelet's conditions say. Any text at all may be fed; a line that tells nothing gives nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

DOWNLOADER = "storage-initializer"
"""The init container that fetches the model; the engine's own container is `main`."""


@dataclass(frozen=True, slots=True)
class Milestone:
    """`stage` is one of deployment.state.STAGES; `text` is short and fit for a screen."""

    stage: str
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Shards read, graphs captured or shapes compiled; `total` None while the log has not told it."""

    what: Literal["weights", "XLA", "CUDA graph"]
    done: int
    total: int | None


@dataclass(frozen=True, slots=True)
class _Sign:
    fragment: str
    stage: str
    text: str
    detail: re.Pattern[str] | None = None


def _sign(fragment: str, stage: str, text: str, detail: str = "") -> _Sign:
    return _Sign(fragment, stage, text, re.compile(detail) if detail else None)


_DOWNLOAD_SIGNS = (
    _sign("Successfully copied", "downloading", "model downloaded"),
    _sign("Model downloaded in", "downloading", "model downloaded in {}", r"downloaded in ([\d.]+ ?s(?:econds)?)"),
    _sign("Copying contents of", "downloading", "downloading {}", r"Copying contents of (\S{1,200})"),
    _sign("Initializing, args:", "downloading", "download starts"),
    _sign("Fetching", "downloading", "fetching {}", r"Fetching (\d+ files)"),
)
_ENGINE_SIGNS = (
    _sign("Application startup complete", "warming", "server answers"),
    _sign("Starting vLLM API server", "warming", "API server starts"),
    _sign(
        "init engine (profile, create kv cache, warmup model) took", "warming", "engine ready in {}", r"took ([\d.]+ s)"
    ),
    _sign("Compiled the model with different input shapes", "compiling", "XLA compilation finished"),
    _sign("Compilation finished in", "compiling", "XLA stage compiled in {}", r"finished in ([\d.]+)"),
    _sign("Graph capturing finished in", "compiling", "CUDA graphs captured in {}", r"finished in ([\d.]+ secs?)"),
    _sign("Compiling the model with different input shapes", "compiling", "XLA compilation starts"),
    _sign("Capturing CUDA graph", "compiling", "CUDA graph capture starts"),
    _sign("torch.compile takes", "compiling", "torch.compile took {}", r"takes ([\d.]+ s)"),
    _sign("Dynamo bytecode transform time", "compiling", "torch.compile starts"),
    _sign("Maximum concurrency for", "loading", "concurrency {}", r"request: ([\d.]+x)"),
    _sign("GPU KV cache size", "loading", "KV cache of {}", r"size: ([\d,]+ tokens)"),
    _sign("Available KV cache memory", "loading", "{} free for the KV cache", r"memory: ([\d.]+ GiB)"),
    _sign("Model loading took", "loading", "weights take {}", r"took ([\d.]+ GiB|[\d.]+ GB)"),
    _sign("Loading weights took", "loading", "weights read in {}", r"took ([\d.]+ s)"),
    _sign("Starting to load model", "loading", "loading weights"),
    _sign("Initializing a V1 LLM engine", "loading", "engine {} starts", r"\((v[\w.+-]{1,40})\)"),
    _sign("vLLM API server version", "starting", "vLLM {}", r"version ([\w.+-]{1,40})"),
)
_SHARDS = re.compile(r"Loading safetensors checkpoint shards:.{0,60}?(\d{1,6})/(\d{1,6})")
_GRAPHS = re.compile(r"Capturing CUDA graph.{0,200}?\b(\d{1,6})/(\d{1,6})")
_XLA_COUNT = re.compile(r"(?:XLA|[Cc]ompil\w*).{0,80}?\b(\d{1,6})/(\d{1,6})")
_XLA_SHAPE = re.compile(r"--\s+(?:num_tokens|num_seqs|num_reqs|hidden_states shape|logits shape)\b")
_VERSIONED = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass
class Startup:
    """Reads one container's log from its start; `container` is `storage-initializer` or `main`."""

    container: str
    _seen: set[str] = field(default_factory=set)
    _shapes: int = 0
    _best: dict[str, int] = field(default_factory=dict)

    def feed(self, line: str) -> tuple[Milestone | Progress, ...]:
        """What this line adds to what was known: each milestone once, counts only when they grow."""
        text = _VERSIONED.sub("", line[:4000])
        if self.container == DOWNLOADER:
            return self._once(_match(text, _DOWNLOAD_SIGNS, self.container))
        found: list[Milestone | Progress] = [*self._once(_match(text, _ENGINE_SIGNS, self.container))]
        if progress := self._progress(text):
            found.append(progress)
        return tuple(found)

    def _once(self, milestone: Milestone | None) -> tuple[Milestone, ...]:
        if milestone is None or milestone.text in self._seen:
            return ()
        self._seen.add(milestone.text)
        return (milestone,)

    def _progress(self, text: str) -> Progress | None:
        if shards := _SHARDS.search(text):
            return self._grown("weights", int(shards[1]), int(shards[2]))
        if graphs := _GRAPHS.search(text):
            return self._grown("CUDA graph", int(graphs[1]), int(graphs[2]))
        if _XLA_SHAPE.search(text):
            self._shapes += 1
            return self._grown("XLA", self._shapes, None)
        if count := _XLA_COUNT.search(text):
            return self._grown("XLA", int(count[1]), int(count[2]))
        return None

    def _grown(self, what: Literal["weights", "XLA", "CUDA graph"], done: int, total: int | None) -> Progress | None:
        if total is not None and (total == 0 or done > total):
            return None
        if done <= self._best.get(what, -1) and not (done == 0 and what == "CUDA graph"):
            return None
        self._best[what] = done
        return Progress(what, done, total)


def _match(text: str, signs: tuple[_Sign, ...], source: str) -> Milestone | None:
    for sign in signs:
        if sign.fragment not in text:
            continue
        found = sign.detail.search(text) if sign.detail else None
        words = found[1] if found else ""
        return Milestone(sign.stage, " ".join(sign.text.replace("{}", words).split()), source)
    return None
