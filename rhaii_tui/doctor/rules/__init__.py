"""The rules, one file per hop."""

from __future__ import annotations

from rhaii_tui.doctor.hops import Hop
from rhaii_tui.doctor.rule import HopRules, Rule
from rhaii_tui.doctor.rules import (
    accelerator,
    access,
    client,
    compile,
    controllers,
    download,
    engine,
    gateway,
    image,
    node,
    picker,
    policy,
    pool,
    probes,
    route,
    scheduling,
    service,
    vllm,
)

BY_HOP: dict[Hop, HopRules] = {
    one.RULES.hop: one.RULES
    for one in (
        access,
        controllers,
        client,
        gateway,
        route,
        pool,
        picker,
        policy,
        service,
        vllm,
        scheduling,
        node,
        accelerator,
        image,
        download,
        engine,
        compile,
        probes,
    )
}
RULES: dict[str, Rule] = {rule.id: rule for hop in BY_HOP.values() for rule in hop.rules}
"""By id."""
