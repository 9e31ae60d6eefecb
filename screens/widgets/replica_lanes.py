"""One lane per replica through the stages of its start, with how long each one took."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from rhaii_tui.deployment.state import STAGES, Replica, RunState
from screens.theme.figures import clip, count, duration, gauge

NAMES = ("pend", "sched", "init", "model", "image", "start", "load", "comp", "warm", "ready")
"""Short names of state.STAGES, in the same order."""
LEAST_CELL, MOST_CELL = 6, 9
LABEL = 7


def stage_seconds(replica: Replica, now: float, rate: float) -> dict[str, float]:
    """Cloud seconds spent in each stage reached so far; the current one is still growing. A replica that was ready
    before anybody watched has no times."""
    first: dict[str, float] = {}
    if replica.created_at:
        first["pending"] = replica.created_at
    for milestone in replica.milestones:
        first.setdefault(milestone.stage, milestone.at)
    reached = [s for s in STAGES if s in first]
    spent = {}
    for stage, after in zip(reached, [*reached[1:], None], strict=True):
        if after is None and replica.is_ready and stage != "ready":
            continue
        end = first[after] if after else now
        spent[stage] = max(0.0, end - first[stage]) * rate
    return spent


def brief(seconds: float) -> str:
    """A duration in at most five cells: whole minutes from ten minutes on."""
    return duration(seconds) if seconds < 600 else f"{round(seconds / 60)}m"


class ReplicaLanes(Widget):
    """`state` and `now` (Unix seconds) in, lanes out; says what it waits for while there are none."""

    DEFAULT_CSS = "ReplicaLanes { height: auto; text-wrap: nowrap; }"

    state: reactive[RunState] = reactive(RunState(), layout=True)
    now: reactive[float] = reactive(0.0)

    @property
    def cell(self) -> int:
        """Cells per stage."""
        return max(LEAST_CELL, min(MOST_CELL, (self.size.width - LABEL) // len(NAMES)))

    def render(self) -> Content:
        replicas = [r for r in self.state.replicas if r.role == "replica"]
        others = [r for r in self.state.replicas if r.role != "replica"]
        lines: list[Content] = []
        if replicas:
            lines.append(self._head())
            for replica in sorted(replicas, key=lambda r: r.pod):
                lines += self._lane(replica)
        else:
            lines += self._before()
        for other in others:
            lines.append(self._other(other))
        return Content("\n").join(lines)

    def _before(self) -> list[Content]:
        plan = self.state.plan
        if self.state.outcome == "done":
            return [Content.styled("No replica runs.", "$dim")]
        if plan is not None and plan.change is not None:
            return [Content.styled("The replicas appear when this operation looks at them.", "$dim")]
        wanted = plan.target.replicas if plan else 0
        lines = [Content(f"{count(wanted, 'replica')} wanted; none exists yet.")]
        step = next((s for s in self.state.steps if s.spec.id == "service"), None)
        if step is not None:
            open_ = [
                s.spec.title
                for s in self.state.steps
                if s.spec.id in step.spec.after and s.status not in ("done", "already", "skipped")
            ]
            if open_:
                lines.append(Content.styled(f"They are created after: {', '.join(open_)}", "$dim"))
        return lines

    def _head(self) -> Content:
        cells = "".join(f"{name:>{self.cell}}" for name in NAMES)
        return Content.styled(f"{'pod':<{LABEL}}{cells}", "$dim")

    def _lane(self, replica: Replica) -> list[Content]:
        spent = stage_seconds(replica, self.now, self.state.rate)
        at = STAGES.index(replica.stage) if replica.stage in STAGES else 0
        ready = replica.is_ready
        name = replica.pod[-(LABEL - 2) :]
        cell = self.cell
        cells: list[Content] = [Content.styled(f"{name:<{LABEL}}", "bold")]
        for i, stage in enumerate(STAGES):
            took = brief(spent[stage]) if stage in spent else "✓"
            if ready and stage == "ready":
                cells.append(Content.styled(f"{'✓':>{cell}}", "$success bold"))
            elif i < at or ready:
                cells.append(Content.styled(f"{took:>{cell}}", "$success"))
            elif i == at:
                cells.append(Content.styled(f"{'▸' + (took if stage in spent else ''):>{cell}}", "$accent bold"))
            else:
                cells.append(Content.styled(f"{'·':>{cell}}", "$dim"))
        return [Content.assemble(*cells), self._words(replica)]

    def _words(self, replica: Replica) -> Content:
        restarts = f"  {replica.restarts} restarts" if replica.restarts else ""
        alarming = bool(replica.restarts) or (not replica.is_ready and bool(replica.message))
        said = f"{replica.status} {replica.ready}{restarts}"
        parts: list[Content | tuple[str, str]] = [(" " * LABEL, ""), (said, "$warning" if alarming else "")]
        room = max(0, self.size.width - LABEL - len(said) - 2)
        if replica.stage == "compiling" and not replica.is_ready and replica.compile_what:
            total = replica.compile_total
            count = f"{replica.compile_what} {replica.compile_done}" + (f"/{total}" if total else " so far")
            bar = "  " + gauge(replica.compile_done, total, 16) if total else ""
            parts += [("  " + count, "$accent"), (bar, "$accent")]
        else:
            last = replica.message or (replica.milestones[-1].text if replica.milestones else "")
            node = f"  on {replica.node}" if replica.is_ready and replica.node else ""
            parts.append(("  " + clip(node.strip() or last, room), "$dim"))
        return Content.assemble(*parts)

    def _other(self, pod: Replica) -> Content:
        mark = ("✓", "$success") if pod.is_ready else ("▸", "$accent")
        name = {"scheduler": "endpoint picker", "gateway": "gateway"}.get(pod.role, pod.role)
        return Content.assemble(mark, f" {name}  {pod.status} {pod.ready}", (f"  {clip(pod.message, 60)}", "$dim"))
