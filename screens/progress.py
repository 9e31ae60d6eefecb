"""An operation at work: the same four panes as the road's."""

from __future__ import annotations

from textual.binding import Binding

from screens.deploy import DeployScreen


class ProgressScreen(DeployScreen):
    """Follows the newest operation; leaving it does not stop it."""

    STAGE = "Progress"
    SUMMARY = "Watch the operation. Times are cloud time. Leaving does not stop it; r goes on after a failure."
    STATE = "operation_state"
    NOTHING_YET = "No findings. Conditions and cluster events come once this operation looks at them."
    BINDINGS = [
        Binding("g", "go_on", "Go on: back", id="road.next", tooltip="To where the operation was begun from"),
    ]

    def refusal(self, action: str) -> str:
        if action == "go_on" and self.state.outcome != "done":
            return "It is not done yet; Esc leaves it going on."
        return super().refusal(action) if action != "go_on" else ""

    def action_go_on(self) -> None:
        """Back to where the operation was begun from."""
        if self.refused("go_on"):
            return
        from screens.operation import OperationScreen

        self.app.pop_screen()
        if isinstance(self.app.screen, OperationScreen) and len(self.app.screen_stack) > 2:
            self.app.pop_screen()
