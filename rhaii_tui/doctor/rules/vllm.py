"""vLLM: replicas that serve, and how well. Last in the order of causes: what ails it mostly lies below."""

from __future__ import annotations

from collections.abc import Iterator

from rhaii_tui.catalog.findings import Command, Evidence, Status
from rhaii_tui.deployment.plan import Effect
from rhaii_tui.doctor import edits
from rhaii_tui.doctor.evidence import Scrapes, Snapshot, is_true
from rhaii_tui.doctor.hops import Hop
from rhaii_tui.doctor.pieces import Missing, Read, Unread
from rhaii_tui.doctor.rule import Fix, Hit, HopRules, Rule
from rhaii_tui.doctor.sick import words
from rhaii_tui.doctor.transitions import leaving, out_of_reach, settling
from rhaii_tui.kube.objects import name_of
from rhaii_tui.serving import metrics

KV_FULL = 0.9
QUEUE = 5
"""Requests waiting per replica beyond which the picker itself calls a replica busy (inference extension's default)."""


def scrapes(s: Snapshot) -> dict[str, Scrapes]:
    """The ready replicas' metrics by pod. Raises Missing when one of them was not read."""
    found: dict[str, Scrapes] = {}
    for pod in s.replicas:
        piece = s.metrics.get(name_of(pod))
        if isinstance(piece, Unread):
            raise Missing(piece)
        if isinstance(piece, Read) and piece.value.after is not None:
            found[name_of(pod)] = piece.value
    return found


def _value(one: Scrapes, name: str) -> float:
    """The lesser of the two looks: a momentary peak is not a state."""
    looks = [x.values.get(name, 0.0) for x in (one.before, one.after) if x is not None]
    return min(looks, default=0.0)


def _kv_full(s: Snapshot) -> Iterator[Hit]:
    full = {p: v for p, one in scrapes(s).items() if (v := _value(one, "kv_usage")) >= KV_FULL}
    if full:
        yield Hit(
            about=", ".join(sorted(full)),
            message=f"The KV cache of {len(full)} replica(s) is full: requests wait, cached prefixes are thrown out.",
            evidence=tuple(s.note(f"{p} vllm:kv_cache_usage_perc", f"{v:.0%}") for p, v in sorted(full.items())[:3]),
            fix=_more(s, "shorter contexts"),
            status=Status.WARN,
        )


def _queueing(s: Snapshot) -> Iterator[Hit]:
    waiting = {p: v for p, one in scrapes(s).items() if (v := _value(one, "waiting")) >= QUEUE}
    if waiting:
        yield Hit(
            about=", ".join(sorted(waiting)),
            message=f"Requests queue: {sum(waiting.values()):.0f} wait at {len(waiting)} replica(s). "
            "Latency is queueing, whatever the cache does.",
            evidence=tuple(
                s.note(f"{p} vllm:num_requests_waiting", f"{v:.0f}, running {_value(scrapes(s)[p], 'running'):.0f}")
                for p, v in sorted(waiting.items())[:3]
            ),
            fix=_more(s, "fewer requests at once"),
            status=Status.WARN,
        )


def _more(s: Snapshot, less: str) -> Fix:
    return Fix(
        title=f"More replicas, or {less}",
        effect=Effect.SPEND,
        commands=(
            Command(text=f"rhaii-tui scale {s.wanted + 1}", why="one replica and one node more; costs"),
            edits.edit_command(s),
        ),
    )


def _cache_off(s: Snapshot) -> Iterator[Hit]:
    if not s.routed or s.wanted < 2:
        return
    off = [p for p, one in scrapes(s).items() if one.after is not None and one.after.prefix_caching is False]
    if off:
        yield Hit(
            about=", ".join(off),
            message="Prefix caching is switched off in the engine: routing by prefix gains nothing.",
            evidence=(s.note(f"{off[0]} vllm:cache_config_info", "enable_prefix_caching=False"),),
            fix=Fix(
                title="Switch it on: --enable-prefix-caching",
                changes=edits.with_options(s, {"--enable-prefix-caching": "", "--no-enable-prefix-caching": None}),
                commands=(edits.edit_command(s),),
                risk="The replicas are replaced.",
                settle=1200.0,
            ),
            status=Status.WARN,
        )


def _silent(s: Snapshot) -> Iterator[Hit]:
    unreachable = [name_of(p) for p in out_of_reach(s)]
    for pod in s.replicas:
        piece = s.metrics.get(name_of(pod))
        if not (isinstance(piece, Read) and piece.value.silent):
            continue
        told = Evidence(source=f"pod {name_of(pod)} :8000/metrics", text=piece.value.silent, observed_at=piece.at)
        if name_of(pod) in unreachable:
            node = str((pod.get("spec") or {}).get("nodeName") or "")
            yield Hit(
                about=name_of(pod),
                message=f"Neither replica {name_of(pod)} nor the kubelet of its node {node} answers: the node may be "
                "lost. Kubernetes says so after 40 seconds.",
                evidence=(told,),
                status=Status.UNKNOWN,
                node=node,
            )
            continue
        yield Hit(
            about=name_of(pod),
            message="A replica is Ready by its probe and does not answer on port 8000.",
            evidence=(told,),
            fix=Fix(title="Restart the replica", changes=edits.restart([pod]), undoable=False, settle=1200.0),
            status=Status.WARN,
        )


def _too_few(s: Snapshot) -> Iterator[Hit]:
    """Fewer ready than asked for, and no rule knows why."""
    ready = [p for p in s.replicas if is_true(p, "Ready")]
    if s.stopped or len(ready) >= s.wanted or s.place.under_way:
        return
    rest = [p for p in s.replicas if p not in ready]
    early = settling(s)
    yield Hit(
        about=str(s.place),
        message=f"{len(ready)} of {s.wanted} replicas are ready."
        + (" The others are still starting, and nothing is known to hold them." if early else ""),
        evidence=tuple(s.note(f"pod {name_of(p)}", words(p), "Pod") for p in rest[:4])
        or (s.note("pods", f"{len(s.replicas)} exist", "Pod"),),
        fix=Fix(
            title="Watch them, and read the slowest one's log and events",
            effect=Effect.OBSERVE,
            commands=(
                Command(text=f"kubectl -n {s.place.namespace} get pods,events"),
                *(Command(text=f"kubectl -n {s.place.namespace} logs {name_of(p)} -c main") for p in rest[:1]),
            ),
        ),
        status=Status.UNKNOWN if early else Status.WARN,
    )


def _unanswered(s: Snapshot) -> Iterator[Hit]:
    """A request fails, and no rule knows why. While replicas come and go that need not mean anything."""
    answers = s.answers
    for answer in (answers.completion, answers.health, answers.models):
        if answer.status is Status.FAIL:
            yield Hit(
                about=str(s.place),
                message=f"A request through the gateway fails: {answer.message}.",
                evidence=answer.evidence,
                fix=Fix(
                    title=answer.remediation or "Ask again",
                    effect=Effect.OBSERVE,
                    commands=answer.commands or (Command(text="rhaii-tui doctor"),),
                ),
                raw=answer.raw,
                status=Status.UNKNOWN if settling(s) or leaving(s) or out_of_reach(s) else Status.FAIL,
            )
            return


def _prove(s: Snapshot) -> Evidence | None:
    answers = s.answers
    if answers.completion.status is Status.FAIL or answers.health.status is not Status.PASS:
        return None
    looks = scrapes(s)
    ready = [p for p in s.replicas if is_true(p, "Ready")]
    if len(looks) < len(ready) or len(ready) < s.wanted:
        return None
    usage = max((_value(x, "kv_usage") for x in looks.values()), default=0.0)
    served = sum(
        (metrics.delta(x.before, x.after) or {}).get("requests", 0.0) for x in looks.values() if x.before and x.after
    )
    text = f"{len(ready)} of {s.wanted} serve; {answers.completion.message}; KV cache {usage:.0%}, {served:.0f} served"
    return s.note("POST /v1/completions and /metrics", text)


RULES = HopRules(
    Hop.VLLM,
    (
        Rule(
            "vllm.kv-full",
            Hop.VLLM,
            "High latency despite caching; preemptions.",
            "More and longer requests at once than the KV cache holds.",
            "vllm:kv_cache_usage_perc is below 0.9.",
            _kv_full,
        ),
        Rule(
            "vllm.queueing",
            Hop.VLLM,
            "High latency despite caching; time to first token grows.",
            "More requests arrive than the replicas finish.",
            "vllm:num_requests_waiting is near zero.",
            _queueing,
            explained_by=("vllm.kv-full",),
        ),
        Rule(
            "vllm.cache-off",
            Hop.VLLM,
            "The hit ratio stays at zero.",
            "The engine runs without prefix caching.",
            "cache_config_info says enable_prefix_caching=True.",
            _cache_off,
        ),
        Rule(
            "vllm.silent",
            Hop.VLLM,
            "A ready replica's metrics cannot be read.",
            "The server hangs, or speaks another scheme.",
            "GET :8000/metrics answers.",
            _silent,
            explained_by=("service.", "probes.", "policy.", "node."),
        ),
        Rule(
            "vllm.too-few",
            Hop.VLLM,
            "Fewer replicas are ready than asked for.",
            "None that is known here: they may only be slow.",
            "As many replicas are Ready as asked for.",
            _too_few,
            fallback=True,
        ),
        Rule(
            "vllm.unanswered",
            Hop.VLLM,
            "Requests through the gateway fail.",
            "None that is known here.",
            "POST /v1/completions answers 200 with text.",
            _unanswered,
            fallback=True,
        ),
    ),
    _prove,
)
