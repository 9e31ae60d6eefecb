"""Kubernetes events of both shapes: the kubelet's old one (lastTimestamp, count), the scheduler's new one (series)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rhaii_tui.kube import timestamps


@dataclass(frozen=True, slots=True)
class ClusterEvent:
    """`level` is Normal or Warning; `at` Unix seconds of the last time it happened; `object` is `Kind/name`."""

    uid: str
    at: float
    level: str
    reason: str
    object: str
    object_uid: str
    namespace: str
    message: str
    count: int
    source: str


def read(obj: Mapping[str, Any]) -> ClusterEvent:
    """An event object of core/v1 or events.k8s.io/v1. Missing parts become empty, never an error."""
    meta = obj.get("metadata") or {}
    about = obj.get("involvedObject") or obj.get("regarding") or {}
    series = obj.get("series") or {}
    last_seen = (
        series.get("lastObservedTime")
        or obj.get("lastTimestamp")
        or obj.get("deprecatedLastTimestamp")
        or obj.get("eventTime")
        or obj.get("firstTimestamp")
        or meta.get("creationTimestamp")
    )
    source = obj.get("reportingComponent") or obj.get("reportingController")
    return ClusterEvent(
        uid=str(meta.get("uid") or ""),
        at=timestamps.unix(last_seen) or 0.0,
        level=str(obj.get("type") or "Normal"),
        reason=str(obj.get("reason") or ""),
        object=f"{about.get('kind', '')}/{about.get('name', '')}",
        object_uid=str(about.get("uid") or ""),
        namespace=str(about.get("namespace") or meta.get("namespace") or ""),
        message=str(obj.get("message") or obj.get("note") or ""),
        count=int(series.get("count") or obj.get("count") or obj.get("deprecatedCount") or 1),
        source=str(source or (obj.get("source") or {}).get("component") or ""),
    )
