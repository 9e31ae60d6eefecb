"""The project itself: which of the wanted permissions one holds, and which APIs are switched on."""

from __future__ import annotations

from collections.abc import Sequence

from rhaii_tui.google.rest import Rest


async def held_permissions(rest: Rest, base: str, project: str, wanted: Sequence[str]) -> frozenset[str]:
    """The subset of `wanted` that the account holds on the project. Raises CloudError."""
    answer = await rest.ask(f"{base}/v3/projects/{project}:testIamPermissions", {"permissions": list(wanted)})
    return frozenset(str(p) for p in answer.get("permissions") or [])


async def service_states(rest: Rest, base: str, project: str, services: Sequence[str]) -> dict[str, str]:
    """ENABLED or DISABLED by service name, such as container.googleapis.com. Raises CloudError."""
    names = tuple(("names", f"projects/{project}/services/{service}") for service in services)
    answer = await rest.get(f"{base}/v1/projects/{project}/services:batchGet", names)
    found: dict[str, str] = {}
    for service in answer.get("services") or []:
        found[str(service.get("name", "")).rsplit("/", 1)[-1]] = str(service.get("state", "STATE_UNSPECIFIED"))
    return found
