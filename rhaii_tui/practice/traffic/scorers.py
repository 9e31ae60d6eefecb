"""How the endpoint picker weighs replicas: its scorers, and the configuration it was started with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

from rhaii_tui.practice.traffic.objects import Object, main_container

PREFIX = "prefix-cache-scorer"
# KServe 0.15's scheduler (EA1), seen live: prefix 2, load 1.
EA1_WEIGHTS = {PREFIX: 2.0, "load-aware-scorer": 1.0}
# A waiting queue this long scores 0 with the load-aware scorer.
_QUEUE_THRESHOLD = 128


@dataclass(frozen=True, slots=True)
class Load:
    """What the picker last saw of a replica: waiting requests and KV usage 0..1."""

    waiting: int
    kv_usage: float


def scores(weights: Mapping[str, float], loads: Sequence[Load], shares: Sequence[float]) -> list[float]:
    """The weighted sum per replica. `shares` are matched prefix blocks over all, 0..1."""
    totals = [0.0] * len(loads)
    for scorer, weight in weights.items():
        for at, value in enumerate(_score(scorer, loads, shares)):
            totals[at] += weight * value
    return totals


def _score(scorer: str, loads: Sequence[Load], shares: Sequence[float]) -> list[float]:
    if scorer == PREFIX:
        return list(shares)
    if scorer == "load-aware-scorer":
        return [0.5 * (1 - min(load.waiting, _QUEUE_THRESHOLD) / _QUEUE_THRESHOLD) for load in loads]
    if scorer == "queue-scorer":
        low, high = min(x.waiting for x in loads), max(x.waiting for x in loads)
        return [1.0 if high == low else (high - load.waiting) / (high - low) for load in loads]
    if scorer in ("kv-cache-utilization-scorer", "kv-cache-scorer"):
        return [1 - load.kv_usage for load in loads]
    return [0.0] * len(loads)


def weights_of(pod: Object) -> dict[str, float]:
    """The scorer weights in a scheduler pod's --config-text, else those of EA1."""
    words = [
        str(word) for word in (*(main_container(pod).get("command") or ()), *(main_container(pod).get("args") or ()))
    ]
    for at, word in enumerate(words):
        name, sign, value = word.lstrip("-").partition("=")
        if name in ("config-text", "configText"):
            return _configured(value if sign else "".join(words[at + 1 : at + 2])) or dict(EA1_WEIGHTS)
    return dict(EA1_WEIGHTS)


def _configured(text: str) -> dict[str, float]:
    try:
        config = yaml.safe_load(text)
        types = {p.get("name", p["type"]): p["type"] for p in config["plugins"]}
        profile = config["schedulingProfiles"][0]["plugins"]
        return {
            types[entry["pluginRef"]]: float(entry["weight"])
            for entry in profile
            if entry.get("weight") and entry["pluginRef"] in types
        }
    except (yaml.YAMLError, KeyError, IndexError, TypeError, ValueError):
        return {}
