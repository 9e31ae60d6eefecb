"""Events as controllers record them: counted when repeated, in the old shape or the scheduler's new one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rhaii_tui.practice.clock import CloudClock

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.store import Store

# Newest events kept; a real cluster forgets them after an hour.
KEPT = 4000


def record(
    store: Store, involved: dict[str, Any], type_: str, reason: str, message: str, component: str, new_style: bool
) -> None:
    """Create the event, or count it when the same one about the same object exists."""
    meta = involved["metadata"]
    namespace = meta.get("namespace", "default")
    prefix = f"{meta['name']}."
    for event in store.list("Event", namespace):
        if (
            event["metadata"]["name"].startswith(prefix)
            and event["involvedObject"].get("uid") == meta.get("uid")
            and (event["type"], event["reason"], event["message"]) == (type_, reason, message)
        ):
            store.update("Event", namespace, event["metadata"]["name"], _repeat)
            return
    now, micro = CloudClock.stamp(), CloudClock.stamp_micro()
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{prefix}{time.time_ns():016x}", "namespace": namespace},
        "involvedObject": {
            "kind": involved["kind"],
            "namespace": meta.get("namespace"),
            "name": meta["name"],
            "uid": meta.get("uid"),
            "apiVersion": involved["apiVersion"],
            "resourceVersion": meta.get("resourceVersion"),
        },
        "type": type_,
        "reason": reason,
        "message": message,
        "reportingComponent": component,
        "reportingInstance": "",
    }
    event["involvedObject"] = {k: v for k, v in event["involvedObject"].items() if v}
    if new_style:
        event |= {"eventTime": micro, "action": "Binding", "source": {}, "firstTimestamp": None, "lastTimestamp": None}
        event["reportingInstance"] = f"{component}-practice"
    else:
        event |= {"firstTimestamp": now, "lastTimestamp": now, "count": 1, "eventTime": None}
        event["source"] = {"component": component}
    store.create(event)
    forget_old(store)


def forget_old(store: Store) -> None:
    """Keep the newest events only."""
    events = store.list("Event")
    if len(events) < KEPT:
        return
    for event in sorted(events, key=lambda e: int(e["metadata"]["resourceVersion"]))[: KEPT // 10]:
        store.delete("Event", event["metadata"]["namespace"], event["metadata"]["name"])


def _repeat(event: dict[str, Any]) -> None:
    if event.get("count"):
        event["count"] += 1
        event["lastTimestamp"] = CloudClock.stamp()
    else:
        count = event.get("series", {}).get("count", 1) + 1
        event["series"] = {"count": count, "lastObservedTime": CloudClock.stamp_micro()}
