"""Troubleshooting's words: the chain hop by hop, what was read, what it means, what a fix would do."""

from __future__ import annotations

from datetime import datetime

from textual.content import Content

from rhaii_tui.deployment.plan import Effect
from rhaii_tui.doctor import GROUND, LIFE, PATH, Diagnosed, Diagnosis, Fix, Healing, Hop, Link, Preview, State
from rhaii_tui.doctor.diagnosis import BAD
from screens.theme.figures import clip, duration
from screens.theme.signs import STATUS

GROUPS = (("ground", GROUND), ("request", PATH), ("replica", LIFE))
HOPS: tuple[Hop, ...] = tuple(hop for _, hops in GROUPS for hop in hops)
_NAME = 16
_STATES = {
    State.GREEN: ("✓", "works", "$success"),
    State.RED: ("✗", "follows", "$error"),
    State.UNPROVEN: ("?", "unproven", "$warning"),
    State.UNUSED: ("–", "not used", "$dim"),
}
_EFFECTS = {
    Effect.OBSERVE: "only looks",
    Effect.CHANGE: "changes objects",
    Effect.SPEND: "SPENDS money",
    Effect.DESTROY: "DESTROYS something",
}


def clock(at: float) -> str:
    """Wall time of a reading."""
    return datetime.fromtimestamp(at).strftime("%H:%M:%S") if at else "unknown time"


def state(link: Link) -> tuple[str, str, str]:
    """Glyph, word and style of a hop; the first red one is the cause."""
    return ("✗", "CAUSE", "$error bold") if link.is_cause else _STATES[link.state]


def rows(found: Diagnosis, width: int) -> list[Content]:
    """One row per hop, in the order in which a request and a replica pass them."""
    lines = []
    for name, hops in GROUPS:
        for at, hop in enumerate(hops):
            link = found.link(hop)
            glyph, word, style = state(link)
            corner = "┌" if at == 0 else "└" if hop is hops[-1] else "│"
            strong = "bold" if link.is_cause else "" if link.state is State.RED else "$dim"
            lines.append(
                Content.assemble(
                    (f"{name if at == 0 else '':<8}{corner} ", "$dim"),
                    (f"{glyph} {word:<9}", style),
                    (f"{hop.value:<{_NAME}}", "bold" if link.state is State.RED else ""),
                    (clip(link.line, max(0, width - _NAME - 21)), strong),
                )
            )
    return lines


def head(found: Diagnosis | None, looking: bool) -> Content:
    """The verdict in a line or two, and how old it is."""
    if found is None:
        words = "▸ reading the request path, usually 2 s" if looking else "Nothing was read yet; r looks."
        return Content.styled(words, "$accent")
    seen = (f"\n{found.place}, read at {clock(found.observed_at)}, again every few seconds", "$dim")
    cause = found.cause
    if cause is not None:
        mark = STATUS[cause.hit.status.value]
        fix = cause.hit.fix
        does = "" if fix is None else "f says what to do" if fix.guided else "f shows the fix"
        return Content.assemble(
            (f"{mark.glyph} {cause.hop.value}: ", mark.style),
            (cause.hit.message, "bold"),
            (f"  {does}", "$accent"),
            seen,
        )
    if found.stopped:
        return Content.assemble(("– Stopped on purpose", "bold"), ": no fault. s wakes it.", seen)
    unproven = [link for link in found.links if link.state is State.UNPROVEN]
    if unproven or found.unread:
        names = ", ".join(link.hop.value for link in unproven) or found.unread[0].what
        return Content.assemble(("? No fault found, but not everything is proven: ", "$warning"), names, seen)
    return Content.assemble(("✓ Every hop works", "$success bold"), seen)


def page(found: Diagnosis, hop: Hop) -> Content:
    """What was read about a hop, what each rule makes of it, and what would prove that wrong."""
    link = found.link(hop)
    glyph, word, style = state(link)
    lines = [Content.assemble((f"{glyph} {word}  ", style), (link.line, "bold"))]
    cases = [f for f in found.findings if f.hop is hop]
    if not cases:
        lines += [_field("Read", f"{e.source}: {e.text}", f"  {clock(e.observed_at)}") for e in link.evidence]
    for case in cases:
        lines += [Content(""), *_case(case)]
    if link.state is State.UNPROVEN:
        needs = [u for u in found.unread if u.permission or u.remedy]
        lines += [_field("Needs", u.permission or u.remedy, f"  for {u.what}") for u in needs]
        lines.append(
            Content.styled("Unproven is never counted as good: nothing that was read shows that it works.", "$dim")
        )
    return Content("\n").join(lines)


def _case(case: Diagnosed) -> list[Content]:
    rule, hit = case.rule, case.hit
    mark = STATUS[hit.status.value]
    lines = [
        Content.assemble((f"{mark.glyph} {mark.word}  ", mark.style), (hit.message, "bold"), (f"  {hit.about}", "$dim"))
    ]
    lines.append(_field("Symptom", rule.symptom))
    lines.append(_field("Cause", rule.cause))
    if case.consequence_of and hit.status in BAD:
        lines.append(_field("Follows", f"from {case.consequence_of}; mend that first"))
    lines += [_field("Read", f"{e.source}: {e.text}", f"  {clock(e.observed_at)}") for e in hit.evidence]
    lines.append(_field("Refuted by", rule.refuted_by))
    if hit.fix is not None:
        kind = "needs you" if hit.fix.guided else _EFFECTS[hit.fix.effect]
        lines.append(_field("Fix (f)", hit.fix.title, f"  {kind}"))
    lines.append(_field("Rule", rule.id))
    return lines


def _field(name: str, text: str, after: str = "") -> Content:
    return Content.assemble((f"{name:<12}", "$dim"), text, (after, "$dim"))


def guide(fix: Fix) -> Content:
    """A fix that is for a person: it costs money, or is a choice."""
    lines = [Content.assemble((fix.title, "bold"), (f"  {_EFFECTS[fix.effect]}", "$dim"))]
    if fix.risk:
        lines.append(Content.assemble(("! ", "$warning bold"), fix.risk))
    for command in fix.commands:
        if command.why:
            lines.append(Content.styled(f"# {command.why}", "$dim"))
        lines.append(Content.assemble(("$ ", "$accent"), command.text))
    return Content("\n").join(lines)


def preview(rule: str, seen: Preview, wait: float) -> Content:
    """Every change as the server says it would come out."""
    fix = seen.fix
    lines = [Content.assemble((fix.title, "bold"), (f"  {_EFFECTS[fix.effect]}, rule {rule}", "$dim"))]
    if fix.risk:
        lines.append(Content.assemble(("! ", "$warning bold"), fix.risk))
    undone = "u takes it back" if fix.undoable else "it cannot be taken back"
    lines.append(Content.styled(f"Then the hop is tested again, up to {duration(wait)}; {undone}.", "$dim"))
    for step in seen.steps:
        lines.append(Content(""))
        for line in step.text.splitlines():
            style = "$success" if line.startswith("+") else "$error" if line.startswith("-") else ""
            lines.append(Content.styled(line, style))
        if step.refusal:
            lines.append(Content.assemble(("✗ The server would refuse: ", "$error bold"), step.refusal))
    return Content("\n").join(lines)


def told(hop: Hop, healing: Healing, *, undoable: bool) -> tuple[str, str]:
    """What became of a fix, and the sign of it."""
    back = " u takes it back." if undoable else ""
    if not healing.outcome.ok and healing.outcome.done:
        return f"Broke off after: {'; '.join(healing.outcome.done)}. {healing.outcome.failure}{back}", "FAIL"
    if not healing.outcome.ok:
        return f"Not applied: {healing.outcome.failure}", "FAIL"
    link = healing.diagnosis.link(hop)
    if healing.healed:
        return f"Healed: {hop.value} works.{back}", "PASS"
    return f"Applied, but {hop.value} is not green yet: {link.line}{back}", "WARN"
