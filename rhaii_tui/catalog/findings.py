"""Results of looking: a check, its evidence, and what to do next. Shared by preflight, steps, console and doctor."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Status(StrEnum):
    """UNKNOWN means the evidence could not be read. It is never shown as green."""

    PASS = "PASS"
    WARN = "WARN"
    FAIL = "FAIL"
    SKIP = "SKIP"
    UNKNOWN = "UNKNOWN"


class Next(StrEnum):
    """What the next key does; which key that is, the screens say."""

    NOTHING = ""
    RETRY = "retry"
    ZONE = "zone"
    SETTINGS = "settings"


class Evidence(BaseModel):
    """What was read, where, and when (Unix seconds). `source` is an object, field, log line or metric."""

    model_config = ConfigDict(frozen=True)

    source: str
    text: str
    observed_at: float


class Command(BaseModel):
    """A line a person could type to do the same. Never contains a secret."""

    model_config = ConfigDict(frozen=True)

    text: str
    why: str = ""


class Finding(BaseModel):
    """One thing found: what happened, what it means, what to do next; `raw` keeps the original text."""

    model_config = ConfigDict(frozen=True)

    rule: str
    category: str
    name: str
    status: Status
    message: str
    meaning: str = ""
    remediation: str = ""
    next_key: Next = Next.NOTHING
    commands: tuple[Command, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    raw: str = ""
    observed_at: float = 0.0
