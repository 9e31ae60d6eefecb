"""What every actor asks of a Kubernetes object: its key, its owner, its conditions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from rhaii_tui.practice.clock import CloudClock

Obj = dict[str, Any]
Key = tuple[str, str]

# Letters that cannot form words by chance: the alphabet of generated names.
_SAFE = "bcdfghjklmnpqrstvwxz2456789"


def key_of(obj: Obj) -> Key:
    """(namespace, name); the namespace of a cluster-wide object is ""."""
    meta = obj["metadata"]
    return meta.get("namespace", ""), meta["name"]


def deleting(obj: Obj) -> bool:
    """Whether deletion has begun."""
    return "deletionTimestamp" in obj["metadata"]


def labels_of(obj: Obj) -> dict[str, str]:
    """Labels, never None."""
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: Obj) -> dict[str, str]:
    """Annotations, never None."""
    return obj["metadata"].get("annotations") or {}


def owner_reference(owner: Obj, *, controller: bool = True) -> Obj:
    """The reference a child carries."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": controller,
        "blockOwnerDeletion": True,
    }


def controller_of(obj: Obj) -> Obj | None:
    """The owner reference of the managing controller."""
    return next((r for r in obj["metadata"].get("ownerReferences") or () if r.get("controller")), None)


def owned_by(objects: Iterable[Obj], owner: Obj) -> list[Obj]:
    """Those that `owner` controls."""
    uid = owner["metadata"]["uid"]
    return [o for o in objects if (ref := controller_of(o)) is not None and ref["uid"] == uid]


def condition(obj: Obj, type_: str) -> Obj | None:
    """One condition of `status.conditions`."""
    found: Iterable[Obj] = (obj.get("status") or {}).get("conditions") or ()
    return next((c for c in found if c["type"] == type_), None)


def is_true(obj: Obj | None, type_: str) -> bool:
    """Whether a condition is there and True."""
    return obj is not None and (c := condition(obj, type_)) is not None and c["status"] == "True"


def set_condition(
    conditions: list[Obj],
    type_: str,
    status: str,
    reason: str = "",
    message: str = "",
    *,
    generation: int | None = None,
    updated: bool = False,
) -> bool:
    """Write a condition in place; the transition time moves only with the status.

    `updated` keeps a `lastUpdateTime` too, as Deployments do. Returns whether anything changed.
    """
    wanted: Obj = {"type": type_, "status": status}
    wanted |= {"reason": reason} if reason else {}
    wanted |= {"message": message} if message else {}
    wanted |= {"observedGeneration": generation} if generation is not None else {}
    now = CloudClock.stamp()
    old = next((c for c in conditions if c["type"] == type_), None)
    stamps = ("lastTransitionTime", "lastUpdateTime", "lastProbeTime", "lastHeartbeatTime")
    if old is not None and {k: v for k, v in old.items() if k not in stamps} == wanted:
        return False
    wanted["lastTransitionTime"] = old["lastTransitionTime"] if old and old["status"] == status else now
    if updated:
        wanted["lastUpdateTime"] = now
    if old is not None and "lastHeartbeatTime" in old:
        # Unknown is what others say of a kubelet that has fallen silent.
        wanted["lastHeartbeatTime"] = old["lastHeartbeatTime"] if status == "Unknown" else now
    if old is None:
        conditions.append(wanted)
    else:
        conditions[conditions.index(old)] = wanted
    return True


def conditions_in(obj: Obj) -> list[Obj]:
    """The condition list of an object that may be changed, created when missing."""
    status: Obj = obj.setdefault("status", {})
    found: list[Obj] = status.setdefault("conditions", [])
    return found


def is_available(deployment: Obj | None) -> bool:
    """A Deployment whose controller has seen its spec and calls it Available."""
    if deployment is None:
        return False
    seen = (deployment.get("status") or {}).get("observedGeneration", 0)
    return bool(seen >= deployment["metadata"].get("generation", 0)) and is_true(deployment, "Available")


def digest_name(value: object, length: int) -> str:
    """A stable name part, spelt as Kubernetes spells generated ones."""
    number = int.from_bytes(hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()[:16], "big")
    letters = ""
    for _ in range(length):
        number, rest = divmod(number, len(_SAFE))
        letters += _SAFE[rest]
    return letters


def selects(selector: Obj | None, labels: dict[str, str]) -> bool:
    """Whether a `matchLabels` selector picks these labels."""
    return all(labels.get(k) == v for k, v in ((selector or {}).get("matchLabels") or {}).items())
