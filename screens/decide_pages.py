"""The decision's words: bill, figures, zones and questions as content."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from textual.content import Content

from rhaii_tui.advisor.bill import bill_of
from rhaii_tui.advisor.options import Option
from rhaii_tui.catalog.accelerators import accelerator_facts
from rhaii_tui.catalog.bill import Bill
from rhaii_tui.catalog.prices import Provisioning
from rhaii_tui.catalog.quotas import QuotaNeed
from rhaii_tui.catalog.shapes import Accelerator, Shape
from rhaii_tui.deployment.state import RunState
from rhaii_tui.settings import Setting
from screens.dialogs.choose import Choice
from screens.operation_pages import VERB
from screens.theme.figures import clip, count, hang, usd

_MEANING = {
    "single": "one replica, no endpoint picker: the simplest thing that answers",
    "baseline": "one replica behind the endpoint picker, nothing to choose between",
    "scale-out": "several replicas and a picker: prefix-aware routing can be proven",
}


def hint(option: Option, among: Sequence[Option]) -> list[Content]:
    """One line on the chosen shape, then what to know about its figures and those beside it."""
    name = option.shape.topology.value
    notes = list(option.notes)
    if len({o.throughput[0].concurrency for o in among if o.throughput}) > 1:
        notes.append("requests/s compare only at the same c (in flight): closed loop, no capacity")
    lines = [Content.assemble((f"{name}: ", "bold $foreground"), _MEANING[name])]
    return lines + [Content.assemble(("! ", "$warning bold"), note) for note in notes]


def source(setting: Setting | None) -> str:
    """Who gave a value; what was answered on these screens is a flag to the rest of the program."""
    if setting is None:
        return ""
    return "chosen here" if setting.source.startswith("flag") else setting.source


def bill(of: Bill, width: int) -> Content:
    """Component by component, each with unit price, source and date."""
    lines = [Content.styled(f"{'':<35}{'USD/h':>9} {'USD/day':>10}", "$dim")]
    for c in of.components:
        price = "unknown" if c.usd_per_hour is None else f"{c.usd_per_hour:,.3f}"
        day = "unknown" if c.usd_per_hour is None else f"{c.usd_per_hour * 24:,.2f}"
        lines.append(Content(f"{clip(c.name, 34):<35}{price:>9} {day:>10}"))
        each = "" if c.unit_price_usd is None else f" at ${c.unit_price_usd:g}/h"
        dated = f", {c.as_of}" if c.as_of else ""
        lines.append(Content.styled(hang(f"{c.quantity:g} {c.unit}{each}: {c.source}{dated}", width, 2), "$dim"))
    hour = "unknown" if of.usd_per_hour is None else f"{of.usd_per_hour:,.3f}"
    day = "unknown" if of.usd_per_day is None else f"{of.usd_per_day:,.2f}"
    word = "sum" if of.complete else "sum of what has a price"
    lines.append(Content.styled(f"{word:<35}{hour:>9} {day:>10}", "bold"))
    return Content("\n").join(lines)


def _needed(need: QuotaNeed) -> str:
    """`3 GPUs`, `6 addresses`; vCPU and GB have no plural."""
    if need.unit in ("vCPU", "GB"):
        return f"{need.need} {need.unit}"
    return count(need.need, need.unit) if not need.unit.endswith("s") else f"{need.need} {need.unit}es"


def facts(option: Option, width: int) -> Content:
    """Every speed figure and every quota, with who says so."""
    lines: list[Content] = []
    for title, found in (("Throughput", option.throughput), ("Latency to the answer, cold and cached", option.latency)):
        lines.append(Content.styled(title, "bold"))
        for fact in found:
            lines.append(
                Content.assemble(
                    f"  {fact.text}  ", (fact.provenance, "$accent" if fact.provenance == "measured" else "$warning")
                )
            )
            dated = "" if fact.as_of in fact.source else f", {fact.as_of}"
            lines.append(Content.styled(hang(fact.source + dated, width, 4), "$dim"))
        if not found:
            lines.append(Content.styled("  no figure: nobody has given one", "$dim"))
    lines.append(Content.styled("Quota needed", "bold"))
    for need in option.quota:
        where = "global" if need.scope == "global" else option.region
        lines.append(Content.assemble(f"  {_needed(need)}  {need.metric}", (f"  {where}", "$dim")))
        usual = "" if need.default is None else f"a new project has {need.default}; "
        if usual or need.note:
            lines.append(Content.styled(hang(f"{usual}{need.note}", width, 4), "$dim"))
    lines.append(Content.styled("Zones known to offer it", "bold"))
    known = ", ".join(option.zones) or "none in this region"
    lines.append(Content(hang(known, width, 2)))
    lines.append(Content.styled(hang(accelerator_facts(option.shape.accelerator).zones_source, width, 4), "$dim"))
    return Content("\n").join(lines)


def details(option: Option, among: Sequence[Option], width: int) -> Content:
    """Both pages, for terminals without room for panes."""
    hints = Content("\n").join(hint(option, among))
    return Content("\n\n").join([hints, bill(option.bill, width), facts(option, width)])


def zones(accelerator: Accelerator, provisioning: str | None) -> tuple[str, str, tuple[Choice, ...]]:
    """Title, note and choices: each known zone with what one replica's bill comes to there."""
    known = accelerator_facts(accelerator)
    bought = provisioning if provisioning in list(Provisioning) else Provisioning.ON_DEMAND
    choices = []
    for zone in known.zones:
        day = bill_of(accelerator, zone.rsplit("-", 1)[0], str(bought), 1).usd_per_day
        label = Content.assemble(f"{zone:<28}", (f"{usd(day, 'day'):>14}" + "  one replica", "$dim"))
        choices.append(Choice(zone, label))
    note = f"{known.zones_source}. The check asks the cloud itself."
    return f"Zone for {known.title}", note, tuple(choices)


def zone_wrong(value: str) -> str:
    """Why a typed zone cannot be one, or an empty string."""
    return "" if re.fullmatch(r"[a-z]+-[a-z]+\d+-[a-z]", value) else "a zone looks like us-central1-a"


def replicas_refusal(shape: Shape, wanted: int) -> str:
    """Why that many replicas cannot be asked for, or an empty string."""
    if shape.replicas == 1:
        return f"{shape.topology.value} always runs one replica; scale-out takes 2 to 16."
    if not 2 <= wanted <= 16:
        return "scale-out takes 2 to 16 replicas."
    return ""


def question(name: str) -> tuple[str, str, Callable[[str], str]]:
    """Title, note and check of a typed answer."""

    def by(rule: str, words: str) -> Callable[[str], str]:
        return lambda value: "" if not value or re.fullmatch(rule, value) else words

    known = "Empty takes the answer back. "
    asked: dict[str, tuple[str, str, Callable[[str], str]]] = {
        "model": (
            "Model",
            known + "A Hugging Face id; gated models need a token file.",
            by(r"[\w.-]+/[\w.-]+", "a model id looks like owner/name"),
        ),
        "namespace": (
            "Namespace",
            known + "The Kubernetes namespace of the service.",
            by(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?", "lower-case letters, digits, hyphens; a letter first; up to 40"),
        ),
        "project": (
            "Project",
            known + "The id of the Google Cloud project that pays.",
            by(r"[a-z][-a-z0-9]{4,28}[a-z0-9]", "6 to 30 lower-case letters, digits and hyphens, a letter first"),
        ),
    }
    return asked[name]


def unfinished(state: RunState) -> Content:
    """Where a run stands, before any look at the cloud."""
    done = sum(s.status in ("done", "already", "skipped") for s in state.steps)
    at = next((s for s in state.steps if s.status in ("failed", "running", "cancelled")), None)
    where = f"; it stopped at {at.spec.title}" if at else ""
    target = state.plan.target if state.plan else None
    what = f"{target.shape.id} in {target.zone}, namespace {target.namespace}" if target else state.run
    if state.plan is not None and state.plan.change is not None and target is not None:
        name = target.cluster if state.plan.kind == "teardown" else f"{target.namespace}/{target.service}"
        to = "" if state.plan.kind == "teardown" else f", {count(state.plan.change.replicas_after, 'replica')} wanted"
        what = f"{VERB[state.plan.kind]} {name} in {target.zone}{to}"
    return Content(
        f"{what}: {done} of {len(state.steps)} steps done{where}.\n"
        "Resuming looks at what exists first and makes nothing twice. Later, u offers it again."
    )
