"""The six shapes side by side: a table of figures with one chosen column."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual import events
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from rhaii_tui.advisor.options import Option
from rhaii_tui.catalog.accelerators import accelerator_facts
from rhaii_tui.catalog.performance import Fact
from screens.theme.figures import clip, count, usd

LABEL = 14
"""Cells of the left column; six columns of 11 fit beside it at 80 cells."""
_UNITS = (
    ("chips", ("GPU", "chip")),
    ("machines", ("node",)),
    ("boot disks", ("GB", "disk")),
    ("cluster fee", ("cluster",)),
    ("balancer", ("forwarding rule",)),
)


def cost_per_day(option: Option, units: tuple[str, ...]) -> str:
    """The part of a bill measured in `units`, per day; `unknown` as soon as one price is."""
    parts = [c for c in option.bill.components if c.unit in units]
    if not parts:
        return "included"
    if any(c.usd_per_hour is None for c in parts):
        return "unknown"
    return usd(sum(c.usd_per_hour or 0 for c in parts) * 24)


def figure(facts: tuple[Fact, ...]) -> str:
    """`8` or `500/430` (cold/cached), in the unit the row names."""
    if not facts:
        return "unknown"
    fact = facts[0]
    cached = f"/{fact.value_cached:g}" if fact.value_cached is not None else ""
    return f"{fact.value:g}{cached}"


def provenance(facts: tuple[Fact, ...], width: int) -> str:
    """`measured c=5` or `claimed`: how the figure above came about, with how many requests in flight."""
    if not facts:
        return "–"
    fact = facts[0]
    if fact.concurrency is None:
        return fact.provenance
    full = f"{fact.provenance} c={fact.concurrency}"
    return full if len(full) <= width else f"{fact.provenance[:4]}. c={fact.concurrency}"


def _quota(option: Option, width: int) -> str:
    return count(option.quota[0].need, option.quota[0].unit) if option.quota else "–"


_HOW = " c: in flight"
Row = tuple[str, Callable[[Option, int], str], str]
_ROWS: tuple[Row | None, ...] = (
    ("replicas", lambda o, w: str(o.replicas), ""),
    ("accelerators", lambda o, w: count(o.accelerators, o.unit), ""),
    None,
    ("cost per day", lambda o, w: usd(o.bill.usd_per_day), "bold"),
    *((f"  {name}", lambda o, w, u=units: cost_per_day(o, u), "$dim") for name, units in _UNITS),
    None,
    ("requests/s", lambda o, w: figure(o.throughput), "bold"),
    (_HOW, lambda o, w: provenance(o.throughput, w), "$dim"),
    ("ms cold/hit", lambda o, w: figure(o.latency), "bold"),
    (_HOW, lambda o, w: provenance(o.latency, w), "$dim"),
    None,
    ("quota needed", _quota, ""),
)


class ShapeTable(Widget, can_focus=True):
    """`options` in the order of catalog.SHAPES, `chosen` an index into it. Posts Chosen; the screen answers."""

    DEFAULT_CSS = """
    ShapeTable { height: auto; text-wrap: nowrap; text-overflow: clip; }
    """
    BINDINGS = [
        Binding("left,h", "step(-1)", "Left", show=False, id="shape.left", tooltip="The shape to the left"),
        Binding("right,l", "step(1)", "Shape", key_display="arrows", id="shape.right", tooltip="Shape to the right"),
        Binding("up,k,down,j", "step(3)", "Other", show=False, id="shape.other", tooltip="The other accelerator"),
    ]

    options: reactive[tuple[Option, ...]] = reactive((), layout=True)
    chosen: reactive[int] = reactive(0)

    class Chosen(Message):
        """The user moved to another column."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    @property
    def column(self) -> int:
        """Cells per column."""
        return max(11, min(26, (self.size.width - LABEL) // max(1, len(self.options))))

    def render(self) -> Content:
        if not self.options:
            return Content("")
        return Content("\n").join([*self._heads(), *self._rows()])

    def _heads(self) -> Iterable[Content]:
        wide = self.column
        groups: list[Content] = [Content(" " * LABEL)]
        for start in range(0, len(self.options), 3):
            option = self.options[start]
            facts = accelerator_facts(option.shape.accelerator)
            known = facts.title.startswith(facts.short.upper())
            title = facts.title.split(",")[0] if known else f"{facts.title} {facts.short.upper()}"
            title = f"  {title}, {option.region}"
            groups.append(Content.styled(clip(title, wide * 3 - 1).ljust(wide * 3), "bold"))
        yield Content.assemble(*groups)
        cells: list[Content] = [Content(" " * LABEL)]
        for i, option in enumerate(self.options):
            name = option.shape.topology.value
            here = i == self.chosen
            text = f"▸{name}" if here else name
            cells.append(self._cell(text, i, "$accent bold" if here else ""))
        yield Content.assemble(*cells)

    def _rows(self) -> Iterable[Content]:
        for row in _ROWS:
            if row is None:
                if self.screen.has_class("-short"):
                    continue
                yield Content.assemble(" " * LABEL, *(self._cell("", i, "") for i in range(len(self.options))))
                continue
            label, value, style = row
            cells = [self._cell(value(option, self.column - 1), i, style) for i, option in enumerate(self.options)]
            yield Content.assemble(Content.styled(f" {label}".ljust(LABEL), style or "$dim"), *cells)

    def _cell(self, text: str, index: int, style: str) -> Content:
        padded = clip(text, self.column - 1).rjust(self.column - 1) + " "
        if index != self.chosen:
            return Content.styled(padded, style)
        shade = "on $block-cursor-background"
        strong = "$block-cursor-foreground" if style in ("", "$dim") else f"$block-cursor-foreground {style}"
        return Content.styled(padded, f"{strong} {shade}".replace("$accent ", ""))

    def action_step(self, by: int) -> None:
        count = len(self.options)
        if count:
            self.post_message(self.Chosen((self.chosen + by) % count))

    def on_click(self, event: events.Click) -> None:
        index = (event.x - LABEL) // self.column
        if 0 <= index < len(self.options):
            self.post_message(self.Chosen(index))
