"""Events are stored once and shown in two shapes: core/v1 and events.k8s.io/v1."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

# core/v1 name -> events.k8s.io/v1 name
_RENAMED = {
    "involvedObject": "regarding",
    "message": "note",
    "reportingComponent": "reportingController",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
}


def shown(event: Json, api_version: str) -> Json:
    """A stored event in the shape of the asked API version."""
    if api_version == "v1":
        return event
    return {_RENAMED.get(k, k): v for k, v in event.items() if v is not None} | {"apiVersion": api_version}


def stored(event: Json) -> Json:
    """A received event in the shape that is stored."""
    if event.get("apiVersion") == "v1":
        return event
    names = {new: old for old, new in _RENAMED.items()}
    return {names.get(k, k): v for k, v in event.items()} | {"apiVersion": "v1"}
