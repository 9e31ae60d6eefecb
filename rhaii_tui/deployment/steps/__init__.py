"""The steps of the road, one file each, found by the id the plan uses."""

from __future__ import annotations

from rhaii_tui.deployment.step import Step


def all_steps() -> dict[str, Step]:
    """A fresh object per step and run, by id."""
    steps: tuple[Step, ...] = ()
    return {step.id: step for step in steps}
