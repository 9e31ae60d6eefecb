"""Check: everything that could stand in the way, before anything is created or paid for."""

from __future__ import annotations

from collections.abc import Iterator

from textual import on
from textual.binding import Binding
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static

from rhaii_tui.advisor.preflight import planned, preflight, verdict
from rhaii_tui.catalog.findings import Finding, Status
from rhaii_tui.catalog.target import Target
from screens.decide_pages import zone_wrong, zones
from screens.deploy_rows import finding_page, key_of
from screens.dialogs.choose import Choose
from screens.dialogs.reader import Reader
from screens.road_screen import RoadScreen
from screens.theme.figures import clip
from screens.theme.signs import STATUS
from screens.widgets.row_list import RowList

NAME = 28
_USUAL = "usually under 10 s"


class PreflightScreen(RoadScreen):
    """Rows fill in as answers come; the road goes on unless something failed."""

    STAGE = "Check"
    SUMMARY = "Reads the project, its quotas and the zone. Creates nothing. UNKNOWN could not be read: it is not good."
    CSS = """
    PreflightScreen #check-head { height: 1; padding: 0 1; }
    PreflightScreen.-tall #check-head { margin: 1 0; }
    PreflightScreen #check-body { height: 1fr; }
    PreflightScreen.-wide #check-body, PreflightScreen.-broad #check-body { layout: horizontal; }
    PreflightScreen.-wide RowList, PreflightScreen.-broad RowList { width: 3fr; }
    PreflightScreen #check-pane { display: none; width: 2fr; }
    PreflightScreen.-wide #check-pane, PreflightScreen.-broad #check-pane { display: block; }
    PreflightScreen.-tall #check-body { layout: vertical; }
    PreflightScreen.-tall RowList { width: 100%; height: auto; max-height: 70%; }
    PreflightScreen.-tall #check-pane { display: block; width: 100%; height: 1fr; margin-top: 1; }
    """
    BINDINGS = [
        Binding("g", "go_on", "Go on: plan", id="road.next", tooltip="To the plan; not while something fails"),
        Binding("r", "retry", "Retry", id="check.retry", tooltip="Look at everything again"),
        Binding("z", "zone", "Zone", id="check.zone", tooltip="Another zone, then look again"),
        Binding("s", "app.pop_screen", "Answers", show=False, id="check.answers", tooltip="Change an answer"),
    ]
    AUTO_FOCUS = "RowList"

    def __init__(self) -> None:
        super().__init__()
        self._target: Target | None = None
        self._order: list[str] = []
        self._names: dict[str, str] = {}
        self._found: dict[str, Finding] = {}
        self._looking = False

    def body(self) -> Iterator[Widget]:
        yield Static(id="check-head")
        with Container(id="check-body"):
            yield RowList()
            with VerticalScroll(id="check-pane", classes="pane"):
                yield Static(id="check-text")

    def on_screen_resume(self) -> None:
        if self.road.journey.target() != self._target:
            self.action_retry()
        self._paint()

    def action_retry(self) -> None:
        """Look again at everything, with the answers as they are now."""
        if self._target != self.road.journey.target():
            self.query_one(RowList).highlighted = 0
        self._target = self.road.journey.target()
        self._found.clear()
        checks = planned(self._target)
        self._order = [c.rule for c in checks]
        self._names = {c.rule: c.name for c in checks}
        self._looking = True
        self.say("")
        self.run_worker(self._look(self._target), exclusive=True, group="preflight")
        self._paint()

    async def _look(self, target: Target) -> None:
        journey = self.road.journey
        if journey.endpoints is None:
            return
        notes = self.road.settings.warnings if self.road.settings else ()
        async for finding in preflight(target, journey.endpoints, notes=notes, folder=journey.home):
            key = finding.rule
            if key not in self._names:
                key = f"{finding.rule} {len(self._order)}"
                self._order.insert(0, key)
            self._names[key] = finding.name or self._names.get(key, key)
            self._found[key] = finding
            self._paint()
        self._looking = False
        self._paint()
        self._point()

    def _point(self) -> None:
        """Put the cursor on what needs reading first, unless the user has moved it already."""
        listing = self.query_one(RowList)
        for status in (Status.FAIL, Status.UNKNOWN, Status.WARN):
            for at, key in enumerate(self._order):
                if not listing.at and key in self._found and self._found[key].status is status:
                    listing.highlighted = at

    def on_resize(self) -> None:
        self.call_after_refresh(self._paint)

    def _paint(self) -> None:
        if not self.is_mounted:
            return
        listing = self.query_one(RowList)
        listing.show([self._row(key, listing.room) for key in self._order])
        self._paint_head()
        self._paint_text()
        self.recheck()
        self.refresh_bindings()

    def _row(self, key: str, width: int) -> Content:
        finding = self._found.get(key)
        name = f"{clip(self._names[key], NAME):<{NAME}}"
        if finding is None:
            return Content.styled(f"· {'looking':<8}{name} ", "$dim")
        mark = STATUS[finding.status.value]
        next_key = f" {key_of(finding)}" if finding.next_key and finding.status is not Status.PASS else ""
        room = max(0, width - NAME - 11 - len(next_key))
        return Content.assemble(
            (f"{mark.glyph} {mark.word:<8}", mark.style),
            f"{name} ",
            (clip(finding.message, room), "" if finding.status is not Status.PASS else "$dim"),
            (next_key, "$accent bold"),
        )

    def _paint_head(self) -> None:
        counts = {s: sum(f.status is s for f in self._found.values()) for s in Status}
        parts = [
            Content.styled(f"{STATUS[s.value].glyph} {n} {s.value}", STATUS[s.value].style)
            for s, n in counts.items()
            if n
        ]
        if self._looking:
            parts.insert(
                0, Content.styled(f"▸ looking, {len(self._found)} of {len(self._order)} ({_USUAL})", "$accent")
            )
        elif not self.refusal("go_on"):
            unread = " without knowing these" if counts[Status.UNKNOWN] else " to the plan"
            parts.append(Content.assemble(("g", "$accent bold"), f" goes on{unread}"))
        else:
            parts.append(Content.assemble("stops the road; ", ("r", "$accent bold"), " looks again"))
        self.query_one("#check-head", Static).update(Content("   ").join(parts))

    @on(OptionList.OptionHighlighted)
    def _paint_text(self) -> None:
        at = self.query_one(RowList).at
        finding = self._found.get(self._order[at]) if at < len(self._order) else None
        pane = self.query_one("#check-pane", VerticalScroll)
        pane.border_title = self._names[self._order[at]] if at < len(self._order) else "Details"
        text = finding_page(finding) if finding else Content.styled(f"Being read, {_USUAL}.", "$dim")
        self.query_one("#check-text", Static).update(text)

    @on(OptionList.OptionSelected)
    def action_read(self) -> None:
        at = self.query_one(RowList).at
        finding = self._found.get(self._order[at]) if at < len(self._order) else None
        if finding is not None:
            page = finding_page(finding)
            self.app.push_screen(Reader(finding.name or finding.rule, page, page.plain))

    def refusal(self, action: str) -> str:
        if action != "go_on":
            return ""
        if self._looking:
            return f"Still looking, {_USUAL}."
        failed = [f for f in self._found.values() if f.status is Status.FAIL]
        if verdict(self._found.values()) == 1:
            first = failed[0]
            return f"{first.name} failed: {first.remediation or first.message} Then r looks again."
        return ""

    def action_go_on(self) -> None:
        if not self.refused("go_on"):
            self.app.push_screen("plan")

    def action_zone(self) -> None:
        settings = self.road.settings
        current = (settings.get("zone") if settings else None) or ""

        def chosen(zone: str | None) -> None:
            if zone and zone != current:
                self.road.answer(self.road.answers.with_zone(zone))
                self.action_retry()

        bought = settings.get("provisioning") if settings else None
        title, note, choices = zones(self.road.answers.shape.accelerator, bought)
        self.app.push_screen(Choose(title, note, choices, current, zone_wrong), chosen)
