"""Questions on a terminal: whether there is somebody to ask, and the answer, which an interrupt ends at once."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from typing import TypeVar

import typer

T = TypeVar("T")


def terminal() -> bool:
    """Whether a person can be asked. Closed streams count as no."""
    try:
        return sys.stdin.isatty() and sys.stderr.isatty()
    except (ValueError, AttributeError):
        return False


def asked(question: Callable[[], T]) -> T | None:
    """What a blocking prompt answers; None at the end of input. Raises KeyboardInterrupt.

    The event loop's own handler would only cancel its task, which the prompt does not let run.
    """
    interrupted = False

    def interrupt(*_: object) -> None:
        nonlocal interrupted
        interrupted = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        return question()
    except typer.Abort:
        if interrupted:
            raise KeyboardInterrupt from None
        return None
    finally:
        signal.signal(signal.SIGINT, before)
