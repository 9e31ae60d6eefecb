"""Permissions: which one a refusal is about, in the words an administrator needs for a role; and the one to ask for."""

from __future__ import annotations

import re
from typing import Any

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


def may_create_cluster_roles() -> dict[str, Any]:
    """The review to create: what the operators' installation needs, and an Editor of the project lacks. The answer's
    `status.allowed` tells, its `status.reason` why."""
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "metadata": {},
        "spec": {
            "resourceAttributes": {"verb": "create", "group": "rbac.authorization.k8s.io", "resource": "clusterroles"}
        },
    }
