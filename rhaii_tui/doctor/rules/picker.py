"""The endpoint picker: placed, ready, answering, and asked."""

from __future__ import annotations

from collections.abc import Iterator

from rhaii_tui.catalog.findings import Command, Evidence, Status
from rhaii_tui.deployment.plan import Effect
from rhaii_tui.doctor import edits
from rhaii_tui.doctor.evidence import Snapshot, is_true
from rhaii_tui.doctor.hops import Hop
from rhaii_tui.doctor.overrides import unmarked
from rhaii_tui.doctor.pending import pending
from rhaii_tui.doctor.pieces import Missing, Read, Unread
from rhaii_tui.doctor.rule import Fix, Hit, HopRules, Rule
from rhaii_tui.doctor.sick import words
from rhaii_tui.kube.objects import name_of
from rhaii_tui.serving import conditions
from rhaii_tui.serving.stack import scheduler_name

START = 120.0
"""Cloud seconds a picker may take to become ready: its readiness probe alone waits 30."""


def _not_written(s: Snapshot) -> Iterator[Hit]:
    service = s.service
    if service is None or not s.routed:
        return
    for reading in conditions.readings(service):
        if reading.condition == "SchedulerWorkloadReady" and reading.reason == "SchedulerReconcileError":
            yield Hit(
                about=scheduler_name(s.place.service),
                message="KServe cannot write the endpoint picker's Deployment.",
                evidence=(s.note(f"LLMInferenceService {s.place}", conditions.words(reading), "LLMInferenceService"),),
                fix=Fix(
                    title="Complete spec.router.scheduler.template: a partial one needs its containers named",
                    commands=(edits.edit_command(s),),
                ),
                raw=reading.message,
            )


def _pending(s: Snapshot) -> Iterator[Hit]:
    for pod, why in pending(s, s.pickers):
        yield Hit(
            about=name_of(pod),
            message=f"The endpoint picker finds no node: {why.words()}.",
            evidence=(s.note(f"pod {name_of(pod)} PodScheduled", why.text, "Pod"),),
            fix=Fix(
                title="Make room on the CPU nodes, or add one",
                effect=Effect.SPEND,
                commands=(Command(text="kubectl describe nodes -l '!cloud.google.com/gke-accelerator'"),),
            ),
            raw=why.text,
        )


def _dead(s: Snapshot) -> Iterator[Hit]:
    """Not there, not ready, or ready by its probe and yet silent."""
    if not s.routed or s.service is None:
        return
    pods = s.pickers
    placed = [p for p in pods if (p.get("spec") or {}).get("nodeName")]
    young = any((s.age(p["metadata"].get("creationTimestamp")) or 0) < START for p in pods)
    if not placed:
        deployment = s.picker_deployment
        if not pods and deployment is not None and not s.place.under_way:
            yield _case(s, (), "It has no pod.", (s.note(f"pods of {name_of(deployment)}", "none", "Pod"),))
        return
    if any(is_true(p, "Ready") for p in placed):
        for pod in placed:
            piece = s.metrics.get(name_of(pod))
            if isinstance(piece, Read) and piece.value.silent:
                told = Evidence(
                    source=f"pod {name_of(pod)} :9090/metrics", text=piece.value.silent, observed_at=piece.at
                )
                yield _case(s, (pod,), "Its pod is Ready, but does not answer.", (told, *_unmarked(s)))
        return
    if young and s.place.under_way:
        return
    yield _case(
        s,
        placed,
        f"Its pod is not ready: {words(placed[0])}.",
        (*(s.note(f"pod {name_of(p)}", words(p), "Pod") for p in placed), *_unmarked(s)),
    )


def _unmarked(s: Snapshot) -> tuple[Evidence, ...]:
    try:
        seen = unmarked(s)
    except Missing:
        return ()
    return (seen,) if seen else ()


def _case(s: Snapshot, pods: tuple[dict[str, object], ...] | list[dict[str, object]], why: str,
          evidence: tuple[Evidence, ...]) -> Hit:  # fmt: skip
    name = scheduler_name(s.place.service)
    return Hit(
        about=name,
        message=f"The endpoint picker is down, and the pool fails open: requests are spread blindly. {why}",
        evidence=evidence,
        fix=Fix(
            title="Restart the endpoint picker",
            changes=edits.restart(pods),
            commands=(Command(text=f"kubectl -n {s.place.namespace} rollout restart deploy {name}"),),
            risk="Its knowledge of what is cached where starts from nothing.",
            undoable=False,
        ),
        status=Status.WARN,
    )


def _prove(s: Snapshot) -> Evidence | str | None:
    if not s.routed:
        return "this shape has no endpoint picker"
    ready = [p for p in s.pickers if is_true(p, "Ready")]
    if not ready:
        return None
    asked = s.answers.completion
    if asked.status is not Status.PASS:
        return None
    for pod in ready:
        piece = s.metrics.get(name_of(pod))
        if isinstance(piece, Unread):
            raise Missing(piece)
        if piece is None or piece.value.after is None:
            return None
    scrape = s.metrics[name_of(ready[0])]
    gained = 0.0
    if isinstance(scrape, Read) and scrape.value.before and scrape.value.after:
        now, then = scrape.value.after.values, scrape.value.before.values
        gained = now.get("requests", 0.0) - then.get("requests", 0.0)
    return s.note(f"pod {name_of(ready[0])}", f"Ready, decided {gained:.0f} requests just now, marks answers", "Pod")


RULES = HopRules(
    Hop.PICKER,
    (
        Rule(
            "picker.not-written",
            Hop.PICKER,
            "SchedulerWorkloadReady is False with SchedulerReconcileError.",
            "The service's scheduler template is partial.",
            "The picker's Deployment exists.",
            _not_written,
        ),
        Rule(
            "picker.pending",
            Hop.PICKER,
            "The endpoint picker's pod is Pending.",
            "No CPU node has room for it.",
            "Its pod has a node.",
            _pending,
        ),
        Rule(
            "picker.dead",
            Hop.PICKER,
            "Requests are served, but prefixes spread over all replicas.",
            "The endpoint picker does not answer, and the pool's failure mode is FailOpen.",
            "Its pod is Ready, its metrics answer, and answers bear its mark.",
            _dead,
            explained_by=("picker.pending", "picker.not-written", "policy.gateway-to-picker", "policy.picker-egress",
                          "access.", "node.lost"),
        ),
    ),
    _prove,
)  # fmt: skip
