"""Monitor: a running service as it is now. Replicas, their last ten minutes, the request path, events and logs."""

from __future__ import annotations

from collections.abc import Iterator

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import OptionList

from rhaii_tui.monitor.history import Cell, Metric
from rhaii_tui.monitor.state import MonitorState
from screens import monitor_rows as rows
from screens.dialogs.choose import Choice, Choose
from screens.dialogs.reader import Reader
from screens.monitor_view import MonitorView, WishFor
from screens.road_screen import RoadScreen
from screens.widgets import heat_strip as heat
from screens.widgets.key_bar import KeyBar
from screens.widgets.live_rows import LiveRows
from screens.widgets.live_text import LiveText
from screens.widgets.log_pane import LogPane
from screens.widgets.note_line import NoteLine
from screens.widgets.row_list import RowList
from screens.widgets.top_bar import TopBar

PANES = ("replicas", "strip", "status", "log")
LABEL = 9
"""Cells before a strip: letter, sign and the end of the pod's name."""
OWN_SCRAPES = "GET /metrics HTTP"
"""Access-log lines of being watched: nothing else would be left to read. The foot line says so."""
APART = 0.04
"""Wall seconds between the parts of a repaint."""
FEW = 4
"""Up to this many replicas the table takes no more lines than they need."""


def _entitle(pane: Widget, title: str) -> None:
    """A border title that is set, even to the same words, paints everything within the border anew."""
    if pane.border_title != title:
        pane.border_title = title


class MonitorBar(TopBar):
    """Which service, which cloud, what it costs: the monitor is beyond the road."""

    def render(self) -> Content:
        found = self.screen.found if isinstance(self.screen, MonitorScreen) else ""
        left = Content.assemble(("[Monitor]", "$accent bold"), f" {found}")
        end = Content.styled(self.cloud, "$dim")
        gap = max(1, self.size.width - left.cell_length - end.cell_length)
        return Content.assemble(left.truncate(self.size.width - end.cell_length - 1, ellipsis=True), " " * gap, end)


class MonitorScreen(RoadScreen):
    """Leaving it ends the watching; nothing in the cluster notices."""

    STAGE = "Monitor"
    SUMMARY = "What runs now. Every figure has its age; what cannot be read is ?, what was lost keeps its last value."
    CSS_PATH = "theme/monitor.tcss"
    FIRST_KEY = "monitor.log"
    BINDINGS = [
        Binding("l", "log", "Log", id="monitor.log", tooltip="Log of the replica under the cursor"),
        Binding("o", "other_log", "Other log", id="monitor.other", tooltip="Log of any container: picker, gateway ..."),
        Binding("b", "before", "Before", id="monitor.before", tooltip="What this container wrote before it restarted"),
        Binding("m", "metric", "Figure", id="monitor.metric", tooltip="Another figure in the strip"),
        Binding("e", "copy_url", "Copy URL", id="monitor.url", tooltip="Copy the endpoint's address"),
        Binding("1", "pane('replicas')", "Panes", key_display="1-4", id="monitor.p1", tooltip="Replicas"),
        Binding("2", "pane('strip')", "Strip", show=False, id="monitor.p2", tooltip="The last ten minutes"),
        Binding("3", "pane('status')", "Status", show=False, id="monitor.p3", tooltip="Path, nodes, events"),
        Binding("4", "pane('log')", "Log", show=False, id="monitor.p4", tooltip="Log"),
        Binding("s", "app.scale", "Scale", show=False, id="monitor.scale", tooltip="More, fewer, none, or wake it"),
        Binding("r", "again", "Look again", show=False, id="monitor.again", tooltip="Search for the service again"),
    ]
    AUTO_FOCUS = "#replica-rows"

    now: reactive[MonitorState | None] = reactive(None, init=False)
    found: reactive[str] = reactive("looking for a service")

    def __init__(self, wish: WishFor, *, interval: float = 2.0) -> None:
        super().__init__()
        self._wish = wish
        self._interval = interval
        self._metric: Metric = "load"
        self._rows: list[rows.Row] = []
        self._log: tuple[str, str, str] | None = None
        self._opened = False
        self._refusals: tuple[str, ...] = ()
        self._looking_for: object = None
        self.view: MonitorView | None = None

    def compose(self) -> ComposeResult:
        yield MonitorBar(self.STAGE)
        yield from self.body()
        yield NoteLine()
        yield KeyBar()

    def body(self) -> Iterator[Widget]:
        yield LiveText(id="monitor-head")
        yield LiveText(id="monitor-tabs")
        with Container(id="monitor-panes"):
            with Vertical(id="replicas", classes="pane -front"):
                yield LiveText(id="replica-columns", classes="columns")
                yield LiveRows(id="replica-rows")
            with Vertical(id="strip", classes="pane -below"):
                yield LiveRows(id="strip-rows")
                yield LiveText(id="strip-axis")
            with Vertical(id="status", classes="pane"):
                yield RowList(id="status-rows")
            with Vertical(id="log", classes="pane"):
                yield LogPane()

    def on_mount(self) -> None:
        super().on_mount()
        self.view = MonitorView(self.app, self.road.journey.home, self._interval, self._take)
        self.query_one("#monitor-head", LiveText).show("Looking for a service; this takes a second or two.")
        self._paint_tabs()
        self.follow("cloud_words", self._connect)
        self.follow("connection", self._unconnected)

    def _connect(self) -> None:
        endpoints = self.road.journey.endpoints
        if endpoints is not None and endpoints is not self._looking_for:
            self._looking_for = endpoints
            self.run_worker(self._search(), exclusive=True, group="attach")

    def _unconnected(self) -> None:
        if self.road.connection is not None:
            self.say(f"No cloud: {self.road.connection.message}", "FAIL")

    async def _search(self) -> None:
        endpoints, view = self.road.journey.endpoints, self.view
        if endpoints is None or view is None:
            return
        self.subject = None
        problem = await view.open(endpoints, self._wish)
        if problem:
            self.found = "no service"
            self.query_one("#monitor-head", LiveText).show(Content.styled(problem, "$warning"))
            self.say(f"{problem} r looks again.", "FAIL")
            if view.choices:
                choices = tuple(Choice(str(n), Content(str(found))) for n, found in enumerate(view.choices))
                self.app.push_screen(Choose("Which service?", problem.partition(".")[0] + ".", choices, "0"), self._one)
            return
        assert view.subject is not None
        self.subject = view.subject
        self.found = str(view.subject.found)
        self.say(view.note, "WARN" if view.note else "")
        assert view.logs is not None
        self.query_one(LogPane).attach(view.logs.book, hide=OWN_SCRAPES)

    def _one(self, value: str | None) -> None:
        if value is not None and self.view is not None:
            asked, found = self._wish, self.view.choices[int(value)]
            self._wish = lambda endpoints: asked(endpoints).only(found)
            self.action_again()

    async def on_unmount(self) -> None:
        if self.view is not None:
            await self.view.close()

    def on_screen_suspend(self) -> None:
        self._look(False)

    def on_screen_resume(self) -> None:
        self._look(True)

    def _look(self, looking: bool) -> None:
        if self.view is not None and self.view.monitor is not None:
            self.view.monitor.look(looking)

    def _take(self, state: MonitorState) -> None:
        if self.is_mounted:
            self.now = state

    def watch_now(self) -> None:
        """In three parts, a few frames apart: a key that comes meanwhile waits for one of them, not for all."""
        self._paint_head()
        self.set_timer(APART, self._paint_strip)
        self.set_timer(2 * APART, self._paint_status)

    def watch_found(self) -> None:
        self.query_one(MonitorBar).refresh()

    def on_resize(self) -> None:
        self.call_after_refresh(self._paint)

    def _paint(self) -> None:
        self._paint_head()
        self._paint_strip()
        self._paint_status()

    def _paint_head(self) -> None:
        state = self.now
        if state is None:
            return
        if not self._opened and state.replicas:
            self._opened = True
            self._follow_log(state.namespace, state.replicas[0].pod, state.replicas[0].containers[0])
        width = self.size.width - 2
        self.set_class(len(state.replicas) <= FEW, "-few")
        with self.app.batch_update():
            lost = rows.lost(state, width)
            head = [rows.headline(state, width), rows.chain(state, width), rows.cost(state, width), lost]
            self.query_one("#monitor-head", LiveText).show(Content("\n").join(head))
            self.query_one("#monitor-head").styles.height = 4 if lost else 3
            self._paint_replicas(state)
            self._paint_tabs()
        self.recheck()
        refusals = tuple(self.refusal(action) for action in ("log", "before", "copy_url"))
        if refusals != self._refusals:
            self._refusals = refusals
            self.refresh_bindings()

    def _paint_replicas(self, state: MonitorState) -> None:
        table = self.query_one("#replica-rows", LiveRows)
        monitor = self.view.monitor if self.view else None
        if monitor is None:
            return
        self.query_one("#replica-columns", LiveText).show(rows.header(table.size.width))
        if state.replicas:
            history = monitor.history
            table.show(len(state.replicas), lambda y, width: rows.replica(state, y, width, history))
        else:
            words = "No replica exists." if state.state != "unknown" else "The pods have not been read."
            table.show(1, lambda y, width: Content.styled(f"{words} {state.why}", "$dim"))

    def _paint_strip(self) -> None:
        state, strip = self.now, self.query_one("#strip-rows", LiveRows)
        monitor = self.view.monitor if self.view else None
        if state is None or monitor is None or not strip.size.width:
            return
        columns = max(10, strip.size.width - LABEL - 1)
        wide = heat.seconds_per_cell(columns, state.interval, state.at - monitor.started_at)
        shown: dict[str, list[Cell]] = {
            r.pod: monitor.history.cells(r.pod, self._metric, state.at, columns, wide)
            for r in state.replicas[strip.scroll_offset.y :][: strip.size.height]
        }
        top = heat.top_of(list(shown.values()), self._metric)

        def line(y: int, width: int) -> Content:
            seen = state.replicas[y]
            cells = shown.get(seen.pod) or monitor.history.cells(seen.pod, self._metric, state.at, columns, wide)
            label = f"{rows.letter(y):<2} {seen.pod[-5:]:<6}"
            return Content.assemble((label, "$dim"), heat.strip(cells, top))

        strip.show(len(state.replicas), line)
        scale = f"{heat.SCALES[self._metric].name}; {heat.top_text(self._metric, top)}; {wide} s a cell (m: another)"
        _entitle(self.query_one("#strip"), scale)
        axis = " " * LABEL + heat.axis(columns, wide)
        # The pane's title names the figure; where panes have no title, a line of its own does.
        titled = self.has_class("-tall") and not self.has_class("-narrow")
        below = [axis, heat.LEGEND] if titled else [axis, scale, heat.LEGEND]
        self.query_one("#strip-axis", LiveText).show(Content("\n".join(below)))

    def _paint_status(self) -> None:
        state, listing = self.now, self.query_one("#status-rows", RowList)
        if state is None:
            return
        self._rows = rows.status(state, max(20, (listing.size.width or self.size.width) - 2))
        listing.show([row.line for row in self._rows])

    def _paint_tabs(self) -> None:
        state = self.now
        bad = 0
        if state is not None:
            bad = sum(p.state != "ready" for p in state.parts) + sum(
                bool(not k.live and k.problem) for k in state.links
            )
            bad += sum(not n.is_ready for n in state.nodes)
        ready = f" {state.ready}/{state.wanted}" if state is not None and state.wanted is not None else ""
        words = {
            "replicas": f"Replicas{ready}",
            "strip": "Strip",
            "status": f"Status ({bad} to read)" if bad else "Status",
            "log": "Log",
        }
        parts = []
        for i, name in enumerate(PANES, 1):
            pane = self.query_one(f"#{name}")
            front = pane.has_class("-front")
            parts.append(Content.styled(f"[{i} {words[name]}]" if front else f" {i} {words[name]} ",
                                        "$accent bold" if front else "$dim"))  # fmt: skip
            if name != "strip":
                _entitle(pane, words[name])
        self.query_one("#monitor-tabs", LiveText).show(Content(" ").join(parts))

    @on(LiveRows.Moved)
    def _moved(self, event: LiveRows.Moved) -> None:
        """Table and strip share their cursor: a row is the same replica in both."""
        event.stop()
        for other in self.query(LiveRows):
            if other is not event.rows and other.at != event.rows.at:
                other.at = event.rows.at

    @on(LiveRows.Chosen)
    def _replica_details(self, event: LiveRows.Chosen) -> None:
        event.stop()
        state = self.now
        if not isinstance(event, LiveRows.Moved) and state is not None and event.rows.at < len(state.replicas):
            seen = state.replicas[event.rows.at]
            page = rows.replica_page(seen, state)
            self.app.push_screen(Reader(f"Replica {rows.letter(event.rows.at)}", page, page.plain))

    @on(OptionList.OptionSelected, "#status-rows")
    def _status_details(self) -> None:
        row = self._rows[self.query_one("#status-rows", RowList).at]
        self.app.push_screen(Reader(row.title, row.page, row.page.plain))

    def refusal(self, action: str) -> str:
        state = self.now
        if action in ("log", "other_log", "before") and (state is None or not state.replicas):
            return "There is no replica whose log could be read."
        if action == "before" and self._log is None:
            return "No container's log is open yet; l or o opens one."
        if action == "copy_url" and (state is None or not state.url):
            return "The service has no address yet."
        return ""

    def action_pane(self, name: str) -> None:
        for other in PANES:
            self.query_one(f"#{other}").set_class(other == name, "-front")
        self.query_one("#strip").set_class(name == "replicas", "-below")
        focus = {"replicas": "#replica-rows", "strip": "#strip-rows", "status": "#status-rows", "log": "#log-view"}
        self.query_one(focus[name]).focus()
        self.call_after_refresh(self._paint)

    def action_metric(self) -> None:
        self._metric = heat.next_metric(self._metric)
        self._paint()

    def action_copy_url(self) -> None:
        if not self.refused("copy_url") and self.now is not None:
            self.say(self.road.copy(self.now.url, "The address"), "PASS")

    def action_again(self) -> None:
        if self.road.journey.endpoints is None:
            self.road.journey.start()
        else:
            self.run_worker(self._search(), exclusive=True, group="attach")

    def action_log(self) -> None:
        state = self.now
        if self.refused("log") or state is None:
            return
        seen = state.replicas[min(self.query_one("#replica-rows", LiveRows).at, len(state.replicas) - 1)]
        self._show_log(state.namespace, seen.pod, seen.containers[0])

    def action_other_log(self) -> None:
        state = self.now
        if self.refused("other_log") or state is None:
            return
        places = [(state.namespace, r.pod, r.containers) for r in state.replicas]
        if state.picker is not None:
            places.append((state.namespace, state.picker.pod, state.picker.containers))
        places += [(namespace, pod, names) for namespace, pod, names in state.others]
        choices = tuple(
            Choice(
                f"{namespace}/{pod}/{name}", Content.assemble(f"{pod} ", (name, "$accent"), (f"  {namespace}", "$dim"))
            )
            for namespace, pod, names in places
            for name in names
        )
        current = "/".join(self._log) if self._log else ""
        note = "The last lines first, then live. Four logs are followed at once."
        self.app.push_screen(Choose("Log of a container", note, choices, current), self._chosen_log)

    def _chosen_log(self, value: str | None) -> None:
        if value is not None:
            namespace, pod, container = value.split("/")
            self._show_log(namespace, pod, container)

    def _show_log(self, namespace: str, pod: str, container: str) -> None:
        self._follow_log(namespace, pod, container)
        self.action_pane("log")

    def _follow_log(self, namespace: str, pod: str, container: str) -> None:
        if self.view is not None and self.view.logs is not None:
            self._log = (namespace, pod, container)
            self.query_one(LogPane).stream = self.view.logs.open(namespace, pod, container)

    def action_before(self) -> None:
        if not self.refused("before"):
            self.run_worker(self._before(), exclusive=True, group="before")

    async def _before(self) -> None:
        if self.view is not None and self.view.logs is not None and self._log is not None:
            stream = await self.view.logs.previous(*self._log)
            self.query_one(LogPane).stream = stream
            self.action_pane("log")
