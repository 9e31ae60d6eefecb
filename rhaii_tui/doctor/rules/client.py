"""The client: prompts that a prefix cache can do something with."""

from __future__ import annotations

from collections.abc import Iterator

from rhaii_tui.catalog.findings import Command, Evidence, Status
from rhaii_tui.doctor.evidence import Snapshot
from rhaii_tui.doctor.hops import Hop
from rhaii_tui.doctor.pieces import Missing
from rhaii_tui.doctor.rule import Fix, Hit, HopRules, Rule
from rhaii_tui.doctor.rules.vllm import scrapes
from rhaii_tui.serving import metrics

ENOUGH = 4
"""Requests of others within the window: fewer say nothing."""
BLOCKS = 4
"""Blocks a shared prefix should have to be worth routing by."""


def _gained(s: Snapshot) -> tuple[dict[str, float], int] | None:
    """What all replicas' counters gained in the window without our own request, and the largest block in tokens."""
    if s.place.under_way:  # whoever asks now is the setup itself
        return None
    total: dict[str, float] = {}
    block = 0
    for one in scrapes(s).values():
        if one.before is None or one.after is None:
            return None
        gain = metrics.delta(one.before, one.after)
        if gain is None:
            return None
        for name, amount in gain.items():
            total[name] = total.get(name, 0.0) + amount
        block = max(block, one.after.block_size or 0)
    total["requests"] = total.get("requests", 0.0) - _ours(s)
    return total, block or 16


def _ours(s: Snapshot) -> int:
    try:
        return s.answers.sent
    except Missing:
        return 0


def _short(s: Snapshot) -> Iterator[Hit]:
    if not s.routed or s.wanted < 2 or not (found := _gained(s)):
        return
    gained, block = found
    requests = gained["requests"]
    tokens = gained.get("prompt_tokens", 0.0) or gained.get("prefix_queries", 0.0)
    if requests < ENOUGH or tokens / requests >= block:
        return
    yield Hit(
        about="prompts",
        message=f"Prompts of {tokens / requests:.0f} tokens on average are shorter than a cache block of {block}: "
        "nothing of them is ever cached.",
        evidence=(
            s.note("vllm:prompt_tokens_total / vllm:request_success_total", f"{tokens:.0f} / {requests:.0f}"),
            s.note("vllm:cache_config_info block_size", str(block)),
        ),
        fix=Fix(
            title=f"Send shared prefixes of at least {BLOCKS * block} tokens, or do without prefix routing",
            commands=(Command(text="rhaii-tui cache-test", why="shows that the path itself works"),),
        ),
        status=Status.WARN,
    )


def _unshared(s: Snapshot) -> Iterator[Hit]:
    if not s.routed or s.wanted < 2 or not (found := _gained(s)):
        return
    gained, block = found
    queries, hits, requests = gained.get("prefix_queries", 0.0), gained.get("prefix_hits", 0.0), gained["requests"]
    if requests < ENOUGH or queries / max(requests, 1) < block or hits / max(queries, 1) >= 0.1:
        return
    yield Hit(
        about="prompts",
        message=f"Only {hits / max(queries, 1):.0%} of the prompts' tokens were cached: no common beginning.",
        evidence=(
            s.note("vllm:prefix_cache_hits_total / queries_total (tokens)", f"{hits:.0f} / {queries:.0f}"),
            s.note("requests in the window", f"{requests:.0f}"),
        ),
        fix=Fix(
            title="Put what all prompts share first (system prompt, documents), what differs last",
            commands=(Command(text="rhaii-tui cache-test", why="shows that the path itself works"),),
        ),
        status=Status.WARN,
    )


def _prove(s: Snapshot) -> Evidence | None:
    answers = s.answers
    answer = answers.completion
    if answer.status is Status.FAIL:
        return None
    source = answer.evidence[0].source if answer.evidence else "POST /v1/completions"
    return Evidence(source=source, text=f"our own request: {answer.message}", observed_at=answer.observed_at)


RULES = HopRules(
    Hop.CLIENT,
    (
        Rule(
            "client.prompts-too-short",
            Hop.CLIENT,
            "The hit ratio stays at zero.",
            "Prompts shorter than a block are never cached.",
            "The average prompt is longer than a block.",
            _short,
        ),
        Rule(
            "client.prefixes-not-shared",
            Hop.CLIENT,
            "The hit ratio stays near zero although prompts are long.",
            "Prompts begin differently: caches work from the first token on.",
            "A tenth of the prompts' tokens come from the cache.",
            _unshared,
            explained_by=(
                "picker.", "policy.", "route.filter-lost", "route.filter-wrong-namespace", "route.filter-wrong-index",
                "route.second-route", "vllm.cache-off", "vllm.kv-full",
            ),
        ),
    ),
    _prove,
)  # fmt: skip
