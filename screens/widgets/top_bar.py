"""The first line: where on the road we are, which cloud this is, what it costs now."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from screens.theme.figures import usd

ROAD = ("Decide", "Check", "Plan", "Deploy", "Test", "Done")


class TopBar(Widget):
    """The current stage stands in brackets, so that it is seen without colour."""

    DEFAULT_CSS = "TopBar { dock: top; height: 1; background: $panel; padding: 0 1; }"

    cloud: reactive[str] = reactive("")
    spending: reactive[float | None] = reactive(None)
    """USD per hour that runs now; None shows nothing."""

    def __init__(self, stage: str) -> None:
        super().__init__()
        self._stage = stage

    def render(self) -> Content:
        parts: list[Content | str] = []
        for name in ROAD if self._stage in ROAD else (self._stage,):
            here = name == self._stage
            parts.append(Content.styled(f"[{name}]" if here else f" {name} ", "$accent bold" if here else "$dim"))
        right: list[Content | str] = [Content.styled(self.cloud, "$dim")]
        if self.spending is not None:
            right.append(Content.styled(f"  {usd(self.spending, 'h')} running", "$warning bold"))
        left, end = Content.assemble(*parts), Content.assemble(*right)
        if self.size.width > left.cell_length + end.cell_length + 12:
            left = Content.assemble(("rhaii-tui  ", "bold"), left)
        gap = max(1, self.size.width - left.cell_length - end.cell_length)
        return Content.assemble(left, " " * gap, end)
