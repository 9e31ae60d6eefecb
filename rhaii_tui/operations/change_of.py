"""What an operation's plan says, for its steps."""

from __future__ import annotations

from rhaii_tui.deployment.context import RunContext
from rhaii_tui.deployment.plan import Change


def change_of(run: RunContext) -> Change:
    """The plan's change. Raises RuntimeError for a plan that has none: it is not an operation's."""
    plan = run.state.plan
    if plan is None or plan.change is None:
        raise RuntimeError("this plan changes no deployment")
    return plan.change
