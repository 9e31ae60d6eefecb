"""Which permission a refusal is about, in the words an administrator needs for a role."""

from __future__ import annotations

import re

_FORBIDDEN = re.compile(
    r'cannot (?P<verb>[a-z]+) (?:resource "(?P<resource>[^"]+)"|path "(?P<path>[^"]+)")'
    r'(?: in API group "(?P<group>[^"]*)")?(?: in the namespace "(?P<namespace>[^"]+)"| at the cluster scope)?'
)


def missing(refusal: str) -> str:
    """`list pods in namespace demo`, `get nodes in the whole cluster`; empty when the text names no permission."""
    found = _FORBIDDEN.search(refusal)
    if found is None:
        return ""
    what = found["resource"] or found["path"] or ""
    if found["group"]:
        what += f".{found['group']}"
    where = f"in namespace {found['namespace']}" if found["namespace"] else "in the whole cluster"
    return f"{found['verb']} {what} {where}"
