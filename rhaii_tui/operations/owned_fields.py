"""Changes one field of an object that was applied, without giving up the others and without a second manager.

Server-side apply takes a request as a manager's whole intent: what it leaves out, it gives up. A plain patch would make
a second manager, with which the next apply of the manifest is in conflict. So the fields we own are read from the live
object (as client-go's ExtractInto does), changed, and applied again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rhaii_tui.kube.connect import Cluster

Obj = dict[str, Any]


async def set_replicas(cluster: Cluster, service: Obj, replicas: int) -> Obj:
    """`spec.replicas` of a live LLMInferenceService, whoever set it before. Returns the object as stored."""
    intent = owned(service, "rhaii-tui")
    meta = service["metadata"]
    intent |= {"apiVersion": service["apiVersion"], "kind": service["kind"]}
    intent["metadata"] = {**intent.get("metadata", {}), "name": meta["name"], "namespace": meta["namespace"]}
    intent["spec"] = {**intent.get("spec", {}), "replicas": replicas}
    return await cluster.apply(intent, force=True)


def owned(obj: Obj, manager: str) -> Obj:
    """The part of an object that a manager has applied; empty when it has applied nothing."""
    for entry in obj["metadata"].get("managedFields") or []:
        if (entry.get("manager"), entry.get("operation")) == (manager, "Apply") and not entry.get("subresource"):
            found = _part(obj, entry.get("fieldsV1") or {})
            return found if isinstance(found, dict) else {}
    return {}


def _part(value: Any, fields: Obj) -> Any:
    """`fields` is a FieldsV1 node: `f:NAME` a field, `k:{...}` a list item by its keys, `v:...` a set's member."""
    children = {key: sub for key, sub in fields.items() if key != "."}
    if not children:
        return value
    if isinstance(value, dict):
        return {
            key[2:]: _part(value[key[2:]], sub)
            for key, sub in children.items()
            if key.startswith("f:") and key[2:] in value
        }
    if isinstance(value, list):
        return [part for item in value if (part := _item(item, children)) is not None]
    return value


def _item(item: Any, children: Obj) -> Any:
    for key, sub in children.items():
        if key.startswith("k:") and isinstance(item, dict):
            keys: Obj = json.loads(key[2:])
            if keys.items() <= item.items():
                part = _part(item, sub)
                return {**keys, **part} if isinstance(part, dict) else part
        if key.startswith("v:") and item == json.loads(key[2:]):
            return item
    return None
