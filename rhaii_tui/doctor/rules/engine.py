"""Engine start: options vLLM knows, numbers that fit the accelerator."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rhaii_tui.catalog.findings import Command, Evidence
from rhaii_tui.deployment.plan import Effect
from rhaii_tui.doctor import edits
from rhaii_tui.doctor.evidence import Snapshot, is_true
from rhaii_tui.doctor.hops import Hop
from rhaii_tui.doctor.pieces import Missing
from rhaii_tui.doctor.rule import Fix, Hit, HopRules, Rule
from rhaii_tui.doctor.sick import ENGINE, container, ended, hits, sick, signs, words
from rhaii_tui.kube.objects import name_of

REPLACED = "The replicas are replaced."
_UNKNOWN = re.compile(r"unrecognized arguments:\s*(.+)$")
_NAMED = re.compile(r"argument\s+(--[\w-]+)")
LADDER = ({"--gpu-memory-utilization": "0.80", "--max-num-seqs": "64"},
          {"--gpu-memory-utilization": "0.75", "--max-num-seqs": "32"},
          {"--gpu-memory-utilization": "0.75", "--max-num-seqs": "32", "--max-model-len": "2048"})  # fmt: skip
"""From mild to hard: less is reserved, fewer sequences warm up the sampler, shorter contexts (vLLM documentation)."""


def _argument(s: Snapshot) -> Iterator[Hit]:
    for sign in signs(s, ENGINE):
        if sign.signature.rule != "arguments":
            continue
        unknown = _names(sign.text)
        given = [n for n in unknown if n in edits.options(s)]
        yield Hit(
            about=name_of(sign.pod),
            message=f"vLLM does not accept {', '.join(unknown) or 'one of its options'}.",
            evidence=(sign.evidence,),
            fix=Fix(
                title=f"Remove {', '.join(given)}" if given else "Remove or correct the option",
                changes=edits.with_options(s, dict.fromkeys(given)) if given else (),
                commands=(edits.edit_command(s),),
                risk=REPLACED if given else "",
                settle=1200.0,
            ),
            raw=sign.text,
        )
        return


def _names(text: str) -> list[str]:
    if found := _UNKNOWN.search(text):
        return [w.partition("=")[0] for w in found[1].split() if w.startswith("--")]
    return [m.partition("=")[0] for m in _NAMED.findall(text)]


def _memory(s: Snapshot) -> Iterator[Hit]:
    given = edits.options(s)
    rung = next((r for r in LADDER if any(_lowers(given.get(k), v) for k, v in r.items())), None)
    lower = {k: v for k, v in (rung or {}).items() if _lowers(given.get(k), v)}
    text = ", ".join(f"{k} {given.get(k) or 'default'} -> {v}" for k, v in lower.items())
    fix = Fix(
        title=f"Ask for less: {text}" if lower else "A smaller model or a larger accelerator",
        changes=edits.with_options(s, dict(lower)) if lower and edits.main_container(s) else (),
        commands=(edits.edit_command(s), Command(text="rhaii-tui options", why="accelerators with more memory")),
        risk=f"{REPLACED} Fewer requests at once fit.",
        settle=1200.0,
    )
    yield from hits(s, ENGINE, ("out-of-memory-device",), fix)


def _lowers(now: str | None, wanted: str) -> bool:
    """Whether the wanted value is less than what is given; vLLM's defaults are above every rung."""
    try:
        return now is None or float(now) > float(wanted)
    except ValueError:
        return False


def _cache(s: Snapshot) -> Iterator[Hit]:
    fix = Fix(
        title="Shorten the longest context: --max-model-len=2048",
        changes=edits.with_options(s, {"--max-model-len": "2048"}) if edits.main_container(s) else (),
        commands=(edits.edit_command(s),),
        risk=f"{REPLACED} Longer prompts are refused.",
        settle=1200.0,
    )
    yield from hits(s, ENGINE, ("kv-cache",), fix)


def _dtype(s: Snapshot) -> Iterator[Hit]:
    fix = Fix(
        title="Compute in half precision: --dtype=half",
        changes=edits.with_options(s, {"--dtype": "half"}) if edits.main_container(s) else (),
        commands=(edits.edit_command(s),),
        risk=REPLACED,
        settle=1200.0,
    )
    yield from hits(s, ENGINE, ("dtype",), fix)


def _disk(s: Snapshot) -> Iterator[Hit]:
    yield from hits(s, ENGINE, ("disk-full",), edits.larger_disks(s))


def _killed(s: Snapshot) -> Iterator[Hit]:
    for pod in sick(s):
        for end in ended(container(pod, "main")):
            if end.get("reason") == "OOMKilled":
                yield Hit(
                    about=name_of(pod),
                    message="The engine is killed for host memory.",
                    evidence=(s.note(f"pod {name_of(pod)} main", f"OOMKilled, exit {end.get('exitCode')}", "Pod"),),
                    fix=Fix(title="Raise the container's memory limit, or use larger nodes",
                            commands=(edits.edit_command(s),)),
                )  # fmt: skip
                return


def _crashes(s: Snapshot) -> Iterator[Hit]:
    """It ends again and again, and its words are not among the known ones."""
    for pod in sick(s):
        main = container(pod, "main")
        ends = [e for e in ended(main) if e.get("exitCode")]
        if not ends or int(main.get("restartCount") or 0) < 1:
            continue
        told: list[Evidence] = [s.note(f"pod {name_of(pod)}", words(pod), "Pod")]
        try:
            lines = s.log_lines(name_of(pod), "main")
        except Missing:
            lines = ()
        bad = [(t, src) for t, src in lines if "Error" in t or "ERROR" in t or "error:" in t]
        told += [Evidence(source=src, text=t[:400], observed_at=s.at) for t, src in (bad or list(lines))[-2:]]
        yield Hit(
            about=name_of(pod),
            message=f"The engine ends with exit code {ends[0].get('exitCode')} and is started again and again.",
            evidence=tuple(told),
            fix=Fix(
                title="Read the log of the run before",
                effect=Effect.OBSERVE,
                commands=(Command(text=f"kubectl -n {s.place.namespace} logs {name_of(pod)} -c main --previous"),),
            ),
            raw="\n".join(t for t, _ in lines[-40:])[:2000],
        )
        return


def _prove(s: Snapshot) -> Evidence | None:
    if not s.replicas:
        return None
    for pod in s.replicas:
        lines = [t for t, _ in s.log_lines(name_of(pod), "main")]
        if not is_true(pod, "Ready") and not any("Initializing a V1 LLM engine" in t for t in lines):
            return None
    return s.note("logs and pods", f"{len(s.replicas)} engines started with these options", "Pod")


_START = ("engine.argument", "engine.memory", "engine.kv-cache", "engine.dtype", "engine.disk", "engine.killed",
          "accelerator.", "download.", "compile.", "probes.", "service.plain-http")  # fmt: skip
RULES = HopRules(
    Hop.ENGINE,
    (
        Rule(
            "engine.argument",
            Hop.ENGINE,
            "CrashLoopBackOff within seconds, exit code 2.",
            "vLLM of this version does not know one of its options.",
            "The log passes: non-default args.",
            _argument,
        ),
        Rule(
            "engine.dtype",
            Hop.ENGINE,
            "CrashLoopBackOff: bfloat16 is only supported on GPUs with compute capability of at least 8.0.",
            "A T4 has compute capability 7.5 and cannot compute in bfloat16.",
            "The option --dtype=half is given.",
            _dtype,
        ),
        Rule(
            "engine.memory",
            Hop.ENGINE,
            "CrashLoopBackOff: CUDA out of memory.",
            "Weights, KV cache and warm-up together exceed the accelerator's memory.",
            "The log passes: GPU KV cache size.",
            _memory,
            explained_by=("engine.dtype",),
        ),
        Rule(
            "engine.kv-cache",
            Hop.ENGINE,
            "CrashLoopBackOff: No available memory for the cache blocks.",
            "Not one request of the longest allowed context fits beside the weights.",
            "The log passes: Maximum concurrency.",
            _cache,
        ),
        Rule(
            "engine.disk",
            Hop.ENGINE,
            "No space left on device.",
            "The node's disk is too small.",
            "The engine starts.",
            _disk,
        ),
        Rule(
            "engine.killed",
            Hop.ENGINE,
            "OOMKilled, exit code 137.",
            "The engine needs more host memory than its limit or its node.",
            "The container runs.",
            _killed,
        ),
        Rule(
            "engine.crashes",
            Hop.ENGINE,
            "CrashLoopBackOff.",
            "The engine ends during its start; its own last words are shown.",
            "The container keeps running.",
            _crashes,
            explained_by=_START,
        ),
    ),
    _prove,
)
