"""The last page's words and the lines it offers to copy."""

from __future__ import annotations

import json
import shlex
from datetime import datetime

from textual.content import Content

from rhaii_tui.deployment.state import CacheVerdict, RunState
from screens.operation_pages import outcome
from screens.theme.figures import count, duration, usd
from screens.theme.signs import sign


def curl(state: RunState) -> str:
    """One line that asks the model; empty without an endpoint."""
    if not state.endpoint:
        return ""
    body = json.dumps({"model": state.model, "prompt": "Say hello.", "max_tokens": 32})
    return (
        f"curl -s {shlex.quote(state.endpoint + '/v1/completions')} "
        f"-H 'Content-Type: application/json' -d {shlex.quote(body)}"
    )


def looking(state: RunState) -> tuple[str, ...]:
    """Lines that show what runs."""
    if state.plan is None:
        return ()
    target = state.plan.target
    credentials = f"gcloud container clusters get-credentials {target.cluster}"
    return (
        f"{credentials} --zone {target.zone} --project {target.project}",
        f"kubectl get llminferenceservice,pods,gateway,httproute -n {target.namespace}",
        "rhaii-tui status" + (" --practice" if state.cloud.startswith("practice:") else ""),
    )


def stopping(state: RunState) -> str:
    """Lines that end the accelerators' cost first, then the rest."""
    if state.plan is None:
        return ""
    target = state.plan.target
    where = f"--zone {target.zone} --project {target.project}"
    return "\n".join(
        (
            f"kubectl delete llminferenceservice {target.service} -n {target.namespace}",
            f"gcloud container node-pools delete {target.pool} --cluster {target.cluster} {where}",
            f"gcloud container clusters delete {target.cluster} {where}",
        )
    )


def is_gone(since: RunState) -> bool:
    """Whether an operation has torn everything down."""
    return since.plan is not None and since.plan.kind == "teardown" and since.outcome == "done"


def summary(state: RunState, now: float | None, since: RunState) -> Content:
    """Everything worth knowing at the end, most important first. `since`: the newest operation after the road."""
    if is_gone(since):
        return Content.assemble(
            ("✓ Torn down. ", "$success bold"),
            outcome(since),
            "\n\n",
            ("g", "$accent bold"),
            " goes to a new decision.",
        )
    lines = [
        *_answers(state, since),
        *_since(since),
        Content(""),
        *_costs(state, now, replicas_now(state, since)),
        Content(""),
        *_proof(state, since),
        Content(""),
    ]
    lines.append(Content.styled("Look at it", "$dim bold"))
    lines += [Content.assemble(("  $ ", "$accent"), line) for line in looking(state)]
    lines.append(
        Content.assemble(("End the cost by hand, accelerators first  ", "$dim bold"), ("Y", "$accent bold"), " copies")
    )
    lines += [Content.assemble(("  $ ", "$accent"), line) for line in stopping(state).splitlines()]
    return Content("\n").join(lines)


def replicas_now(state: RunState, since: RunState) -> int:
    """As many as were counted last."""
    return since.replicas_ready if since.outcome == "done" else state.replicas_ready


def _answers(state: RunState, since: RunState) -> list[Content]:
    ready = replicas_now(state, since)
    if since.outcome == "done" and not ready:
        return [
            Content.assemble(("! Stopped", "$warning bold"), "   no replica answers at"),
            Content.assemble(("  ", ""), (state.endpoint or since.endpoint, "bold")),
            Content.assemble(("  ", ""), ("s", "$accent bold"), " wakes it"),
        ]
    mark = sign("PASS") if state.ready_at else sign("UNKNOWN")
    took = state.cloud_elapsed(state.approved_at, state.ready_at or 0.0)
    word = f"Ready after {duration(took)} of cloud time" if state.ready_at else "Not ready"
    if missed := state.cloud_missed(state.approved_at, state.ready_at or 0.0):
        word += f" and {duration(missed)} in which nobody went on with it"
    return [
        Content.assemble((f"{mark.glyph} {word}", mark.style), f"   {count(ready, 'replica')} of {state.model}"),
        Content.assemble(("  ", ""), (state.endpoint or "no endpoint", "bold")),
        Content.assemble(("  $ ", "$accent"), curl(state), ("   y copies", "$dim")),
    ]


def _since(since: RunState) -> list[Content]:
    if not since.outcome:
        return []
    more = "" if since.outcome == "done" else "  s, then v shows it."
    return [Content.assemble(("! ", "$warning bold"), "Changed since: ", outcome(since), (more, "$dim"))]


def _costs(state: RunState, now: float | None, replicas: int) -> list[Content]:
    if now is None:
        return [Content.styled("Nothing that costs money was created.", "$dim")]
    complete = state.bill is not None and state.bill.complete
    rest = "" if complete else ", boot disks and traffic not included"
    rest += "; accelerators cost the same idle or busy" if replicas else ""
    lines = [
        Content.assemble(
            ("! ", "$warning bold"),
            "Running now ",
            (usd(now, "h"), "$warning bold"),
            f", {usd(now * 24, 'day')}",
            (rest, "$dim"),
        )
    ]
    if state.cloud.startswith("practice:"):
        lines.append(Content.styled("  On the practice cloud this is play money.", "$dim"))
    return lines


def _proof(state: RunState, since: RunState) -> list[Content]:
    found = since.verdict or state.verdict
    if found is None:
        return [
            Content.assemble(("Routing and cache were not tested.  ", "$dim"), ("t", "$accent bold"), " tests them")
        ]
    routing, cache = sign(found.routing), sign(found.cache)
    lines = [
        Content.assemble(
            ("Routing ", "$dim"),
            (f"{routing.glyph} {routing.word}  ", routing.style),
            ("Cache ", "$dim"),
            (f"{cache.glyph} {cache.word}  ", cache.style),
            (f"{found.ok} of {found.sent} requests answered", "$dim"),
        )
    ]
    lines.append(_tested(found, replicas_now(state, since), since.approved_at or 0.0))
    return lines + [Content(f"  - {reason}") for reason in found.reasons]


def _tested(found: CacheVerdict, now: int, changed_at: float) -> Content:
    """When, and of how many replicas: of another number of them, or of those made since, it proves nothing."""
    clock = datetime.fromtimestamp(found.at).strftime("%H:%M")
    said = f"Tested at {clock} with {count(found.replicas, 'replica')}"
    if found.replicas == now and found.at > changed_at:
        return Content.styled(f"  {said}.", "$dim")
    if not now:
        return Content.styled(f"  {said}; none runs now.", "$dim")
    apart = f"{now} now" if found.replicas != now else "before the last change"
    return Content.assemble(
        ("! ", "$warning bold"), f"{said}, {apart}: not proven as it is.  ", ("t", "$accent bold"), " tests again"
    )
