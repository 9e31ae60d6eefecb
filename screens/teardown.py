"""Tear down: everything the ledger knows, in order, verified gone; everything else is listed and left."""

from __future__ import annotations

from textual.content import Content

from rhaii_tui.deployment.plan import Plan
from screens import operation_pages as words
from screens.dialogs.ask import Ask
from screens.operation import OperationScreen


class TeardownScreen(OperationScreen):
    """Agreed to only by typing the cluster's name."""

    STAGE = "Tear down"
    SUMMARY = "Removes what was created from this machine and nothing else. g asks for the cluster's name, typed."

    _made: Plan | None = None

    async def look(self) -> None:
        from rhaii_tui.operations.discovery import Wish
        from rhaii_tui.operations.teardown import plan_teardown

        journey, wish = self.road.journey, self.wish()
        assert journey.endpoints is not None
        self._made = None
        only = Wish(project=wish.project, zone=wish.zone, cluster=wish.cluster)
        self._made = await plan_teardown(journey.endpoints, journey.home, only)

    def make(self) -> Plan | None:
        return self._made

    def headline(self) -> Content:
        if self.plan is None:
            return Content.styled("Nothing to remove is known.", "$dim")
        target = self.plan.target
        return Content.assemble(
            ("Tear down ", "bold"), (target.cluster, "$error bold"), (f"  {target.zone}, {target.project}", "$dim")
        )

    def details(self) -> tuple[str, Content]:
        assert self.plan is not None
        assert self.plan.change is not None
        title, text = super().details()
        return f"What goes, what stays; then {title}", Content("\n\n").join([words.items(self.plan.change), text])

    def ask(self) -> None:
        assert self.plan is not None
        name = self.plan.target.cluster
        note = "This cannot be undone. Type the cluster's name to begin; Esc leaves everything as it is."

        def check(value: str) -> str:
            return "" if value == name else f"not {name}"

        self.app.push_screen(Ask(f"Tear down {name}?", note, "", check), self._answered)

    def _answered(self, name: str | None) -> None:
        if name is not None:
            self.begin("the cluster's name, typed")
