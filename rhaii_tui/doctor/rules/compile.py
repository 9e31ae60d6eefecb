"""Compilation: XLA on TPUs, CUDA graphs on GPUs. Long silence is normal, up to a point."""

from __future__ import annotations

from collections.abc import Iterator

from rhaii_tui.catalog.findings import Command, Evidence, Status
from rhaii_tui.doctor import edits
from rhaii_tui.doctor.evidence import Snapshot, is_true
from rhaii_tui.doctor.hops import Hop
from rhaii_tui.doctor.rule import Fix, Hit, HopRules, Rule
from rhaii_tui.doctor.sick import container, sick
from rhaii_tui.kube.objects import name_of

QUIET = 900.0
"""Cloud seconds without a line: a TPU compiles for 2 to 7 minutes in all (field reports of v6e)."""
_BEGUN = ("Compiling", "Capturing CUDA graph", "Dynamo bytecode transform", "torch.compile")
_ENDED = ("init engine (profile, create kv cache, warmup model) took", "Application startup complete")


def _stuck(s: Snapshot) -> Iterator[Hit]:
    for pod in sick(s):
        name = name_of(pod)
        if "running" not in (container(pod, "main").get("state") or {}):
            continue
        lines = [t for t, source in s.log_lines(name, "main") if "previous" not in source]
        quiet = s.silence(name, "main")
        begun = [t for t in lines if any(b in t for b in _BEGUN)]
        if not begun or quiet is None or quiet < QUIET or any(e in t for t in lines for e in _ENDED):
            continue
        yield Hit(
            about=name,
            message=f"The compilation has written nothing for {quiet / 60:.0f} minutes; 2 to 7 are usual in all.",
            evidence=(
                Evidence(source=f"log {name}/main", text=lines[-1][:400], observed_at=s.at),
                s.note(f"log {name}/main", f"last line {quiet:.0f} s ago"),
            ),
            fix=Fix(
                title="Restart the replica: it compiles anew",
                changes=edits.restart([pod]),
                commands=(
                    Command(text=f"kubectl -n {s.place.namespace} delete pod {name}"),
                    Command(text=f"kubectl -n {s.place.namespace} logs {name} -c main --tail=50"),
                ),
                undoable=False,
                settle=1500.0,
            ),
            status=Status.FAIL,
        )


def _prove(s: Snapshot) -> Evidence | None:
    if s.replicas and all(is_true(p, "Ready") for p in s.replicas):
        return s.note("pods Ready", f"{len(s.replicas)} replicas have compiled and answer", "Pod")
    return None


RULES = HopRules(
    Hop.COMPILE,
    (
        Rule(
            "compile.stuck",
            Hop.COMPILE,
            "Running 0/1 for a long time, and the log stands still at a Compiling line.",
            "XLA (or the CUDA graph capture) hangs.",
            "The log grows, or passes: Compiled the model.",
            _stuck,
            explained_by=("probes.", "engine."),
        ),
    ),
    _prove,
)
