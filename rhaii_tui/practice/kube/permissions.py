"""What the practice account may not do: it is a cluster admin, unless a fault has taken something from it."""

from __future__ import annotations

from rhaii_tui.practice.faults import Faults

USER = "practice-user@example.com"
RBAC = "rbac.authorization.k8s.io"
_READING = ("get", "list", "watch")
_WITHHELD = ("pods", "nodes", "events")
_CLUSTER_ROLES = {"clusterroles": "clusterRoles", "clusterrolebindings": "clusterRoleBindings"}


def lacks(faults: Faults, verb: str, group: str, plural: str, part: str = "") -> str:
    """The IAM permission that the account lacks for a request, "" when it may; `part` is the subresource."""
    if faults.on("rbac-denied") and group == RBAC and plural in _CLUSTER_ROLES and verb not in _READING:
        return f"container.{_CLUSTER_ROLES[plural]}.{'update' if verb == 'patch' else verb}"
    if faults.on("logs-forbidden") and (group, plural, part) == ("", "pods", "log"):
        return "container.pods.getLogs"
    if faults.on("metrics-forbidden") and group == "" and plural in ("pods", "services") and part == "proxy":
        return f"container.{plural}.proxy"
    seen = not part and verb in _READING and group in ("", "events.k8s.io") and plural in _WITHHELD
    if seen and faults.on(f"{plural}-forbidden"):
        return f"container.{plural}.{'get' if verb == 'get' else 'list'}"
    return ""


def refusal(permission: str, verb: str, group: str, plural: str, part: str, namespace: str, name: str) -> str:
    """GKE's words for it."""
    resource = f"{plural}/{part}" if part else plural
    head = f"{plural}.{group}" if group else plural
    named = f' "{name}"' if name else ""
    scope = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    return (
        f'{head}{named} is forbidden: User "{USER}" cannot {verb} resource "{resource}" in API group "{group}" '
        f'{scope}: requires one of ["{permission}"] permission(s).'
    )
