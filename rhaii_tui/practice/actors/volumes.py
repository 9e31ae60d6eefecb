"""What a pod needs of other objects before it can run: mounted Secrets and ConfigMaps, keys in its environment."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rhaii_tui.practice.actors.objects import Obj

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.store import Store

_SOURCES = (("secret", "Secret", "secretName"), ("configMap", "ConfigMap", "name"))


def missing_mounts(store: Store, pod: Obj) -> Iterator[str]:
    """The FailedMount message of every volume that cannot be set up."""
    namespace = pod["metadata"]["namespace"]
    for volume in pod["spec"].get("volumes") or ():
        sources = [volume, *((volume.get("projected") or {}).get("sources") or ())]
        for source in sources:
            for field, kind, name_field in _SOURCES:
                wanted = source.get(field)
                if not wanted or wanted.get("optional"):
                    continue
                name = wanted.get(name_field) or wanted.get("name")
                found = store.get(kind, namespace, name)
                head = f'MountVolume.SetUp failed for volume "{volume["name"]}" : '
                if found is None:
                    yield f'{head}{kind.lower()} "{name}" not found'
                    continue
                held = {**(found.get("data") or {}), **(found.get("binaryData") or {})}
                for item in wanted.get("items") or ():
                    if item["key"] not in held:
                        yield f"{head}references non-existent {kind.lower()} key: {item['key']}"


def config_error(store: Store, pod: Obj, container: Obj) -> str:
    """The CreateContainerConfigError message of a container, or ""."""
    namespace = pod["metadata"]["namespace"]
    wanted: list[tuple[str, Obj]] = []
    for env in container.get("env") or ():
        source = env.get("valueFrom") or {}
        wanted += [
            (k, source[f]) for f, k in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")) if f in source
        ]
    for source in container.get("envFrom") or ():
        wanted += [(k, source[f]) for f, k in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")) if f in source]
    for kind, ref in wanted:
        if ref.get("optional"):
            continue
        found = store.get(kind, namespace, ref["name"])
        if found is None:
            return f'{kind.lower()} "{ref["name"]}" not found'
        if "key" in ref and ref["key"] not in (found.get("data") or {}):
            what = "Secret" if kind == "Secret" else "ConfigMap"
            return f"couldn't find key {ref['key']} in {what} {namespace}/{ref['name']}"
    return ""


def secret_text(store: Store, namespace: str, source: Obj) -> str:
    """The text that an env entry's `valueFrom` finds in a Secret, "" when there is none."""
    ref = source.get("secretKeyRef") or {}
    held = (store.get("Secret", namespace, str(ref.get("name", ""))) or {}).get("data") or {}
    try:
        return base64.b64decode(held.get(ref.get("key"), "")).decode(errors="replace").strip()
    except binascii.Error:
        return ""


def environment(store: Store, pod: Obj, container: Obj) -> dict[str, str]:
    """The container's plain environment; values from Secrets are only told apart as present ("set") or empty."""
    namespace = pod["metadata"]["namespace"]
    values: dict[str, str] = {}
    for env in container.get("env") or ():
        source = env.get("valueFrom") or {}
        if "secretKeyRef" in source:
            held = (store.get("Secret", namespace, source["secretKeyRef"]["name"]) or {}).get("data") or {}
            values[env["name"]] = "set" if held.get(source["secretKeyRef"]["key"]) else ""
        elif "configMapKeyRef" in source:
            held = (store.get("ConfigMap", namespace, source["configMapKeyRef"]["name"]) or {}).get("data") or {}
            values[env["name"]] = held.get(source["configMapKeyRef"]["key"], "")
        else:
            values[env["name"]] = str(env.get("value", ""))
    return values
