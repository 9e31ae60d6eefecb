"""A rule as data: what it looks for, what that means, how to mend it, and what would prove it wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from rhaii_tui.catalog.findings import Command, Evidence, Status
from rhaii_tui.deployment.plan import Effect
from rhaii_tui.doctor.hops import Hop

if TYPE_CHECKING:
    from rhaii_tui.doctor.evidence import Snapshot

Json = Mapping[str, Any]
Verb = Literal[
    "apply", "patch", "delete", "create", "retire", "roll", "restore", "copy-key", "secret-from-file", "enable-api"
]


@dataclass(frozen=True, slots=True)
class Change:
    """One mutation. `body`: the object (apply, create), the merge patch (patch), or for `copy-key` {from, to}, for
    `secret-from-file` {file, what}, for `enable-api` {services}. `retire` deletes the outdated ReplicaSets of a
    Deployment that have no ready replica, and lets an update pass that a full pool holds up; `roll` lets its update
    finish with one of {replicas} fewer, then asks for all of them again; `restore` does the latter where the
    former was killed in between. Secrets' values never stand in a change."""

    verb: Verb
    kind: str
    namespace: str
    name: str
    body: Json = field(default_factory=dict)
    uid: str = ""

    @property
    def object(self) -> str:
        """`Kind namespace/name`."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Fix:
    """What mends it. Without `changes` it is guided: `commands` say what to do, because it costs money or is a choice.

    `risk` says what happens meanwhile; `settle`: cloud seconds the hop may need to turn green afterwards.
    """

    title: str
    effect: Effect = Effect.CHANGE
    changes: tuple[Change, ...] = ()
    commands: tuple[Command, ...] = ()
    risk: str = ""
    undoable: bool = True
    settle: float = 120.0

    @property
    def guided(self) -> bool:
        """Whether a person has to do or choose something."""
        return not self.changes


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule's case found: `about` is the object's name, `status` WARN or FAIL, or SKIP for information."""

    about: str
    message: str
    evidence: tuple[Evidence, ...] = ()
    fix: Fix | None = None
    status: Status = Status.FAIL
    node: str = ""
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """`look` yields its cases; it asks the snapshot, which raises Missing for what was not read.

    `explained_by` names rules (or prefixes ending in a dot) whose cases make this one a consequence. A `fallback` is
    asked only when nothing else has been found.
    """

    id: str
    hop: Hop
    symptom: str
    cause: str
    refuted_by: str
    look: Callable[[Snapshot], Iterator[Hit]]
    explained_by: tuple[str, ...] = ()
    fallback: bool = False

    def is_explained_by(self, other: str) -> bool:
        """Whether another rule's case explains this one."""
        return any(other == name or (name.endswith(".") and other.startswith(name)) for name in self.explained_by)


Proof = Callable[["Snapshot"], Evidence | str | None]
"""What shows that a hop works: evidence; a text when the shape has no such hop; None when nothing shows it."""


@dataclass(frozen=True, slots=True)
class HopRules:
    """One file's content: the hop, its rules, and its proof."""

    hop: Hop
    rules: tuple[Rule, ...]
    prove: Proof
