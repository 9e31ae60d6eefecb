"""The chain a request and a replica pass through, and in which order trouble on it is a cause."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rhaii_tui.catalog.findings import Evidence


class Hop(StrEnum):
    """One link. The value is its name on screens and in records."""

    ACCESS = "access"
    CONTROLLERS = "controllers"
    CLIENT = "client"
    GATEWAY = "gateway"
    ROUTE = "route"
    POOL = "pool"
    PICKER = "endpoint picker"
    POLICY = "policy"
    SERVICE = "service and TLS"
    VLLM = "vLLM"
    SCHEDULING = "scheduling"
    NODE = "node"
    ACCELERATOR = "accelerator"
    IMAGE = "image"
    DOWNLOAD = "model download"
    ENGINE = "engine start"
    COMPILE = "compile"
    PROBES = "probes"


GROUND = (Hop.ACCESS, Hop.CONTROLLERS)
"""What everything stands on."""
PATH = (
    Hop.CLIENT,
    Hop.GATEWAY,
    Hop.ROUTE,
    Hop.POOL,
    Hop.PICKER,
    Hop.POLICY,
    Hop.SERVICE,
    Hop.VLLM,
)
"""A request's way."""
LIFE = (
    Hop.SCHEDULING,
    Hop.NODE,
    Hop.ACCELERATOR,
    Hop.IMAGE,
    Hop.DOWNLOAD,
    Hop.ENGINE,
    Hop.COMPILE,
    Hop.PROBES,
)
"""A replica's way to the last hop of the path."""
CHAIN = (*GROUND, *PATH, *LIFE)
"""As drawn."""
CAUSE_ORDER = (*GROUND, *PATH[:-1], *LIFE, Hop.VLLM)
"""As blamed: a replica that serves nothing is the end of its life's way, so vLLM comes after it."""


class State(StrEnum):
    """GREEN only on evidence; UNPROVEN when nothing says so; UNUSED where the shape has no such hop."""

    GREEN = "green"
    RED = "red"
    UNPROVEN = "unproven"
    UNUSED = "unused"


@dataclass(frozen=True, slots=True)
class Link:
    """A hop as it was seen: `line` is the one-line evidence, `findings` the rules that speak about it."""

    hop: Hop
    state: State
    line: str
    evidence: tuple[Evidence, ...] = ()
    findings: tuple[str, ...] = ()
    is_cause: bool = False
