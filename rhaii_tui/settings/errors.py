"""What is wrong with a setting, in words for the person who gave it."""

from __future__ import annotations


class SettingsError(Exception):
    """Bad or missing input: what is wrong, why it cannot be used, what to do next. Commands exit with 2."""

    def __init__(self, what: str, why: str, next_step: str) -> None:
        super().__init__(f"{what}: {why} {next_step}")
        self.what = what
        self.why = why
        self.next = next_step
