"""Why an operation cannot even be planned."""

from __future__ import annotations


class Trouble(Exception):
    """`what` happened, `why`, and what to do `next`; `usage` when another command line helps, `unknown` when something
    could not be read."""

    def __init__(
        self, what: str, why: str = "", next_step: str = "", *, usage: bool = False, unknown: bool = False
    ) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.next = next_step
        self.usage = usage
        self.unknown = unknown
