"""The endpoint picker: chooses a replica for each request by what it believes each has cached, and by their load."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic, perf_counter

from rhaii_tui.practice.clock import CloudClock
from rhaii_tui.practice.traffic import openai
from rhaii_tui.practice.traffic.engine import Engine
from rhaii_tui.practice.traffic.exchange import Answer, Call
from rhaii_tui.practice.traffic.metrics_text import CONTENT_TYPE
from rhaii_tui.practice.traffic.objects import Object, key, main_container
from rhaii_tui.practice.traffic.picker_metrics import PickerMetrics
from rhaii_tui.practice.traffic.prefix_cache import BlockCache, chain, text_blocks
from rhaii_tui.practice.traffic.scorers import Load, scores, weights_of

METRICS_PORT = 9090
HEALTH_PORT = 9003
MARKER = {"x-went-into-resp-headers": "true"}
# Defaults of the prefix plugin (Gateway API Inference Extension up to 1.3).
BLOCK_CHARACTERS = 64
MAX_BLOCKS = 256
INDEX_BLOCKS = 31_250
# The picker scrapes replicas at this interval; what it knows is that old.
_SCRAPE_SECONDS = 0.05
# Entries of pods that have vanished are dropped this often, in cloud seconds. A restarted container keeps its pod.
_SWEEP_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Replica:
    """A candidate: a Ready pod of the pool and the engine in it, None while that cannot be scraped."""

    pod: Object
    engine: Engine | None


class Refusal(Exception):
    """The picker answers itself: a request it cannot route. The text is the body of a 400."""


class Picker:
    """One endpoint picker process. `log` takes one line for its pod's log."""

    def __init__(self, pod: Object, clock: CloudClock, rng: random.Random, log: Callable[[str], None]) -> None:
        words = [str(word) for word in main_container(pod).get("args") or ()]
        self.metrics = PickerMetrics(_option(words, "pool-name") or _option(words, "poolName") or _pool_name(pod))
        self.weights = weights_of(pod)
        self._guarded = _option(words, "metrics-endpoint-auth") == "true"
        self._clock = clock
        self._rng = rng
        self._log = log
        self._index: dict[str, BlockCache] = {}
        self._seen: dict[str, tuple[float, Load]] = {}
        self._swept = clock.monotonic()

    def pick(self, call: Call, replicas: Sequence[Replica], alive: Callable[[str], bool]) -> tuple[Replica, str]:
        """Choose a replica; also the model asked for. Raises Refusal. `alive` tells whether a pod key still exists."""
        began = perf_counter()
        model, text = "", ""
        if call.method == "POST":
            model, text = self._read(call)
        self._sweep(alive)
        hashes = chain(text_blocks(text, BLOCK_CHARACTERS, MAX_BLOCKS), model)
        matched = [self._of(replica).match(hashes) for replica in replicas]
        shares = [count / len(hashes) if hashes else 0.0 for count in matched]
        totals = scores(self.weights, [self._load(replica) for replica in replicas], shares)
        best = max(totals)
        chosen = self._rng.choice([at for at, total in enumerate(totals) if best - total < 1e-9])
        self._of(replicas[chosen]).insert(hashes)
        if call.method == "POST":
            self.metrics.looked_up(max(matched), len(hashes), BLOCK_CHARACTERS)
            self.metrics.handled(model, len(call.body))
        self.metrics.decided(perf_counter() - began, tuple(self.weights))
        self._handled(call, model, replicas[chosen].pod, not hashes)
        return replicas[chosen], model

    def answer(self, port: int, call: Call, authorization: str, replicas: Sequence[Replica]) -> Answer:
        """Serve the picker's own ports. Raises ConnectionRefusedError for a port it does not open."""
        if port == HEALTH_PORT:
            return Answer(415, b"invalid gRPC request content-type", {"content-type": "text/plain"})
        if port != METRICS_PORT:
            raise ConnectionRefusedError(port)
        if call.path.partition("?")[0] != "/metrics":
            return Answer(404, b"404 page not found\n", {"content-type": "text/plain"})
        if self._guarded and not authorization.startswith("Bearer "):
            return Answer(401, b"Unauthorized\n", {"content-type": "text/plain"})
        loads = {replica.pod["metadata"]["name"]: self._load(replica) for replica in replicas}
        text = self.metrics.text(
            {pod: load.waiting for pod, load in loads.items()},
            [load.kv_usage for load in loads.values()],
            sum(len(blocks) for blocks in self._index.values()),
        )
        return Answer(200, text.encode(), {"content-type": CONTENT_TYPE})

    def _read(self, call: Call) -> tuple[str, str]:
        """The model and the text whose prefix counts: the raw prompt, or a chat's messages as JSON."""
        try:
            body = json.loads(call.body or b"null")
        except ValueError:
            body = None
        if not isinstance(body, Mapping):
            raise self._refuse("", "Error unmarshaling request body")
        model = body.get("model")
        if not isinstance(model, str) or not model:
            raise self._refuse("", "model not found in request body")
        if call.path.partition("?")[0] == openai.CHAT:
            if not isinstance(body.get("messages"), list):
                raise self._refuse(model, "messages not found in request")
            return model, json.dumps(body["messages"])
        if "prompt" not in body:
            raise self._refuse(model, "prompt not found in request")
        if not isinstance(body["prompt"], str):
            raise self._refuse(model, "prompt is not a string")
        return model, body["prompt"]

    def _refuse(self, model: str, text: str) -> Refusal:
        self.metrics.refused(model, "BadRequest")
        return Refusal(f"inference gateway: BadRequest - {text}")

    def _of(self, replica: Replica) -> BlockCache:
        return self._index.setdefault(key(replica.pod), BlockCache(INDEX_BLOCKS))

    def _load(self, replica: Replica) -> Load:
        """What the last scrape told; a new scrape when that is due."""
        name, now = key(replica.pod), monotonic()
        at, load = self._seen.get(name, (-_SCRAPE_SECONDS, Load(0, 0.0)))
        if now - at >= _SCRAPE_SECONDS and replica.engine is not None:
            load = Load(replica.engine.queued, replica.engine.kv_usage)
            self._seen[name] = (now, load)
        return load

    def _sweep(self, alive: Callable[[str], bool]) -> None:
        if self._clock.monotonic() - self._swept < _SWEEP_SECONDS:
            return
        self._swept = self._clock.monotonic()
        for name in [name for name in self._index if not alive(name)]:
            del self._index[name]
            self._seen.pop(name, None)

    def _handled(self, call: Call, model: str, pod: Object, short: bool) -> None:
        meta, stamp = pod["metadata"], CloudClock.stamp_micro()
        head = {"level": "info", "ts": stamp, "x-request-id": call.request_id}
        if short and call.method == "POST":
            text = "Request body too small for prefix cache"
            self._log(json.dumps({**head, "caller": "prefix/plugin.go:213", "msg": text, "size": len(call.body)}))
        endpoint = (
            f"{{NamespacedName:{meta['namespace']}/{meta['name']} Address:{pod['status']['podIP']} "
            f"Labels:map[{' '.join(f'{k}:{v}' for k, v in sorted((meta.get('labels') or {}).items()))}]}}"
        )
        line = {
            **head,
            "caller": "requestcontrol/director.go:166",
            "msg": "Request handled",
            "model": model,
            "targetModel": model,
            "endpoint": endpoint,
        }
        self._log(json.dumps(line))


def _option(words: Sequence[str], name: str) -> str:
    for at, word in enumerate(words):
        flag, sign, value = word.lstrip("-").partition("=")
        if word.startswith("-") and flag == name:
            return value if sign else "".join(words[at + 1 : at + 2])
    return ""


def _pool_name(pod: Object) -> str:
    service = (pod["metadata"].get("labels") or {}).get("app.kubernetes.io/name", "")
    return f"{service}-inference-pool"
