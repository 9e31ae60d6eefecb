"""A plan is a value: the steps, what follows what, what it costs and how long it should take."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from rhaii_tui.catalog.bill import Bill
from rhaii_tui.catalog.findings import Command
from rhaii_tui.catalog.target import Target


class Effect(StrEnum):
    """The most a step may do. Spending and destroying ask first."""

    OBSERVE = "observe"
    CHANGE = "change"
    SPEND = "spend"
    DESTROY = "destroy"


class StepSpec(BaseModel):
    """A step as data. `usual_seconds` is cloud time; `usual_source` says who observed it."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    after: tuple[str, ...] = ()
    effect: Effect = Effect.OBSERVE
    usual_seconds: float
    usual_source: str = ""
    waits_for: str = ""
    commands: tuple[Command, ...] = ()


PlanKind = Literal["setup", "scale", "stop", "wake", "teardown"]


class Item(BaseModel):
    """A resource that an operation removes or leaves; `why` says why where it is left, `uid` tells one that is removed
    from a namesake (empty in plans of earlier versions)."""

    model_config = ConfigDict(frozen=True)

    kind: str
    name: str
    why: str = ""
    uid: str = ""


class Change(BaseModel):
    """What an operation makes of a deployment that is there: replicas and nodes of its pool, before and after.

    `endpoint` is its address before; `ours` whether the ledger knows the service; `scaling` are the settings of the
    pool's autoscaler to switch off or to give back; `uncordons` are nodes that an earlier operation cordoned and that
    are needed again; `gone` is what was ours and is no more, though a namesake may stand there; `notes` are warnings
    to read before approving.
    """

    model_config = ConfigDict(frozen=True)

    replicas_before: int
    replicas_after: int
    nodes_before: int
    nodes_after: int
    endpoint: str = ""
    ours: bool = False
    scaling: dict[str, int | str] = {}
    uncordons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    removes: tuple[Item, ...] = ()
    leaves: tuple[Item, ...] = ()
    gone: tuple[Item, ...] = ()


class Plan(BaseModel):
    """Steps in an order in which each comes after what it depends on. `bill` is what the deployment costs afterwards;
    `bill_before` and `change` are there for operations on a deployment that exists."""

    model_config = ConfigDict(frozen=True)

    target: Target
    steps: tuple[StepSpec, ...]
    bill: Bill
    kind: PlanKind = "setup"
    bill_before: Bill | None = None
    change: Change | None = None

    def finish_times(self) -> dict[str, float]:
        """Expected end of each step in cloud seconds after approval, everything that can running side by side."""
        ends: dict[str, float] = {}
        for step in self.steps:
            ends[step.id] = max((ends[a] for a in step.after), default=0.0) + step.usual_seconds
        return ends

    @property
    def expected_seconds(self) -> float:
        """Cloud seconds from approval to the last step's end, as usual."""
        return max(self.finish_times().values(), default=0.0)

    @property
    def critical_path(self) -> tuple[str, ...]:
        """Ids of the longest chain, first to last."""
        return longest_chain(self.steps, {s.id: s.usual_seconds for s in self.steps})


def longest_chain(steps: tuple[StepSpec, ...], seconds: dict[str, float]) -> tuple[str, ...]:
    """The chain of dependent steps with the largest sum of durations; steps without a duration count as zero."""
    ends: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for step in steps:
        previous = max(step.after, key=lambda a: ends[a], default=None)
        before[step.id] = previous
        ends[step.id] = (ends[previous] if previous else 0.0) + seconds.get(step.id, 0.0)
    chain: list[str] = []
    at = max(ends, key=lambda i: ends[i], default=None)
    while at is not None:
        chain.append(at)
        at = before[at]
    return tuple(reversed(chain))
