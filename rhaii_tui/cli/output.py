"""How every command writes: one JSON object per line, or plain lines; and what its exit code means."""

from __future__ import annotations

import json
import os
import sys
from enum import IntEnum
from typing import Any

import typer


class Exit(IntEnum):
    """0 ready or passed, 1 not ready or failed, 2 usage, 3 could not be found out, 130 interrupted."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNKNOWN = 3
    INTERRUPTED = 130


class Output:
    """Writes for a machine (`as_json`) or for a person. `line` and `record` are each other's silent counterpart."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.unheard = False
        """The reader has gone away; what only writes may end."""
        self.concluded = False
        """The result was told: a machine gets one."""

    def record(self, record: dict[str, Any]) -> None:
        """One JSON object on a line of its own; nothing for a person."""
        self.concluded = self.concluded or record.get("type") == "result"
        if self.as_json:
            self._write(json.dumps(record))

    def raw(self, text: str) -> None:
        """A line that is JSON already."""
        if self.as_json:
            self._write(text)

    def line(self, text: str = "") -> None:
        """A line for a person; nothing for a machine."""
        if not self.as_json:
            self._write(text)

    def refuse(self, what: str, why: str = "", next_step: str = "", code: Exit = Exit.USAGE) -> Exit:
        """One clear error on stderr, and as the result for a machine."""
        text = " ".join(part for part in (what.rstrip(".") + ".", why, next_step) if part)
        typer.echo(text, err=True)
        self.record(
            {"type": "result", "ok": False, "exit_code": int(code), "what": what, "why": why, "next": next_step}
        )
        return code

    def _write(self, text: str) -> None:
        """A reader that has gone away (`| head`) must not end what was begun: the rest goes nowhere."""
        try:
            typer.echo(text)
        except BrokenPipeError:
            self.unheard = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def clock_text(cloud_seconds: float) -> str:
    """`1h02m`, `6m28s`, `41s`."""
    total = round(cloud_seconds)
    if total >= 3600:
        return f"{total // 3600}h{total % 3600 // 60:02}m"
    return f"{total // 60}m{total % 60:02}s" if total >= 60 else f"{total}s"
