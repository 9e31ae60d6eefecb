"""Scale: another number of replicas, none, or back from none; the bill before and after, then the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.content import Content

from rhaii_tui.deployment.plan import Plan
from screens import operation_pages as words
from screens.dialogs.confirm import Confirm
from screens.operation import OperationScreen
from screens.theme.figures import count

if TYPE_CHECKING:
    from rhaii_tui.operations.discovery import Deployment


class ScaleScreen(OperationScreen):
    """Zero is a stop, from zero up is a wake: one stepper for all three."""

    STAGE = "Scale"
    SUMMARY = "Choose how many replicas run; 0 stops the service and its cost. Nothing changes before g and a yes."
    BINDINGS = [
        Binding(
            "plus,equals_sign,right", "step(1)", "More, fewer", key_display="+ -", id="scale.more", tooltip="One more"
        ),
        Binding("minus,left", "step(-1)", "Fewer", show=False, id="scale.fewer", tooltip="One fewer"),
        Binding("0", "stop", "Stop", id="scale.stop", tooltip="To zero: no replica, no accelerator node"),
        Binding("x", "app.teardown", "Tear down", id="scale.teardown", tooltip="Remove what was created"),
        Binding("v", "progress", "View", show=False, id="scale.view", tooltip="The operation under way or done last"),
    ]

    found: Deployment | None = None
    chosen: int | None = None
    """The number chosen by key; None until one is, and again once its operation has begun or the screen was left."""
    _scaling: dict[str, int | str]

    async def look(self) -> None:
        from rhaii_tui.operations.discovery import find
        from rhaii_tui.operations.memory import place, scaling_to_restore

        journey = self.road.journey
        assert journey.endpoints is not None
        self.found = found = await find(journey.endpoints, journey.home, self.wish())
        where = place(found.target)
        self._scaling = scaling_to_restore(journey.home, journey.endpoints.name, where, found.pool.name)

    @property
    def now(self) -> int:
        """Replicas that run now."""
        return 0 if self.found is None or self.found.stopped else self.found.replicas

    @property
    def wanted(self) -> int | None:
        """What is chosen, else what is there; of a stopped service, what it had before. None while nothing is known."""
        if self.found is None or self.chosen is not None:
            return self.chosen
        return self.found.replicas or self.found.before or 1

    def make(self) -> Plan | None:
        from rhaii_tui.operations.planning import scale_plan, stop_plan, surplus, wake_plan

        if self.found is None or self.wanted is None:
            return None
        if self.wanted == self.now and not (self.now and surplus(self.found)):
            return None
        if self.wanted == 0:
            return stop_plan(self.found)
        if self.found.stopped:
            return wake_plan(self.found, self.wanted, self._scaling)
        return scale_plan(self.found, self.wanted)

    def headline(self) -> Content:
        found = self.found
        if found is None or self.wanted is None:
            return Content.styled("No deployment is known yet.", "$dim")
        target = found.target
        ours = "" if found.ours else "  made by hand or by others"
        wanted = f"‹ {self.wanted} ›"
        what = (
            "stops it" if self.wanted == 0 else "as it is" if self.plan is None else words.VERB[self.plan.kind].lower()
        )
        keys = "" if self.plan else "\n+ and - choose another number, 0 stops the service and its cost, x tears down."
        last = self.road.operation_state
        if last.outcome in ("failed", "cancelled") and not self.plan:
            keys += f"\n{words.outcome(last)} v shows it, r goes on there."
        return Content.assemble(
            (f"{target.namespace}/{target.service}", "bold"),
            (f"  {target.accelerator.value} in {target.cluster}, {target.zone}{ours}\n", "$dim"),
            f"{count(self.now, 'replica')} now, wanted ",
            (wanted, "$accent bold"),
            (f"  {what}", "$dim"),
            (keys, "$dim"),
        )

    def action_step(self, by: int) -> None:
        from rhaii_tui.operations.planning import MOST_REPLICAS

        if self.found is None or self.wanted is None:
            self.say("The deployment is being read.", "WARN")
            return
        if not 0 <= self.wanted + by <= MOST_REPLICAS:
            self.say(f"0 to {MOST_REPLICAS} replicas are possible.", "WARN")
            return
        self.chosen = self.wanted + by
        self.say("")
        self.renew()

    def action_stop(self) -> None:
        if self.found is not None:
            self.chosen = 0
            self.say("It is stopped already; + chooses how many to wake." if self.now == 0 else "", "SKIP")
            self.renew()

    def refusal(self, action: str) -> str:
        idle = not (self.looking or self.road.journey.running)
        if action == "go_on" and self.found is not None and idle and self.plan is None:
            return f"{count(self.now, 'replica')} already: + and - choose another number."
        return super().refusal(action)

    def action_back(self) -> None:
        self.chosen = None
        super().action_back()

    def action_progress(self) -> None:
        if self.road.operation_state.plan is None:
            self.say("Nothing was scaled, stopped or woken yet.", "SKIP")
        else:
            self.app.push_screen("progress")

    def ask(self) -> None:
        assert self.plan is not None
        endpoints = self.road.journey.endpoints
        page = words.question(self.plan, bool(endpoints and endpoints.is_practice))
        verb = words.VERB[self.plan.kind]
        self.app.push_screen(Confirm(f"{verb} it?", page, yes=verb, no="Not yet"), self._answered)

    def _answered(self, yes: bool | None) -> None:
        if yes:
            self.chosen = None
            self.begin("user at the scale screen")
