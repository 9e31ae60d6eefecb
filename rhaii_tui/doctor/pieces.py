"""A piece of evidence: read, with the time, or not, with the reason and what would have been needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """A value and the Unix time it was read at."""

    value: T
    at: float


@dataclass(frozen=True, slots=True)
class Unread:
    """What could not be read. `permission` is the verb and resource that was refused, such as `get pods/log`;
    `absent`: there is nothing to read yet (no cluster, no service), which is no fault of the reading; `remedy` is what
    to do where that is known to be something else than to ask for the permission or to try again."""

    what: str
    reason: str
    permission: str = ""
    absent: bool = False
    remedy: str = ""

    @property
    def advice(self) -> str:
        """What to do to have it read."""
        if self.remedy:
            return self.remedy
        return f"Ask for the permission: {self.permission}." if self.permission else "Try again when it answers."


LOG_IN = "Log in again: gcloud auth application-default login."
"""The remedy for credentials that are not accepted any more."""


class Missing(Exception):
    """Raised to a rule that asks for a piece that was not read; the rule's verdict becomes unknown."""

    def __init__(self, unread: Unread) -> None:
        super().__init__(unread.what)
        self.unread = unread


Piece = Read[T] | Unread


def value(piece: Piece[T]) -> T:
    """What was read. Raises Missing."""
    if isinstance(piece, Unread):
        raise Missing(piece)
    return piece.value
