"""The objects of one cluster: what etcd and the garbage collector are to a real one.

Kinds are named by `Kind` ("Pod", "LLMInferenceService"); a kind that exists in several groups keeps the plain name in
its home group and is `Kind.group` elsewhere. Objects are plain dicts in their storage version. Never mutate what you
get.
"""

from __future__ import annotations

import json
import marshal
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from rhaii_tui.practice.clock import CloudClock
from rhaii_tui.practice.kube import eventlog
from rhaii_tui.practice.kube.errors import StatusError, already_exists, not_found
from rhaii_tui.practice.kube.inbox import Inbox
from rhaii_tui.practice.kube.journal import Change, ChangeType, Entry, Journal, Version
from rhaii_tui.practice.kube.kinds import Kind, KindTable
from rhaii_tui.practice.kube.rules import check_quota

Json = dict[str, Any]
Key = tuple[str, str, str]  # store key of the kind, namespace or "", name

FIRST_VERSION = 100
FIRST_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
# Metadata that only the store writes.
SERVER_FIELDS = (
    "uid",
    "creationTimestamp",
    "resourceVersion",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "namespace",
    "name",
)
FOREGROUND = "foregroundDeletion"


def copied(obj: Json) -> Json:
    """A deep copy of a JSON object."""
    result: Json = marshal.loads(marshal.dumps(obj))
    return result


class Store:
    """All objects of a cluster. Every method is synchronous, so each call is one transaction."""

    def __init__(self) -> None:
        self.kinds = KindTable()
        self.rv = FIRST_VERSION
        self._objects: dict[str, dict[tuple[str, str], Version]] = {}
        self._journals: dict[str, Journal] = {}
        self._keys: dict[str, Key] = {}
        self._children: dict[str, set[str]] = {}
        self._inboxes: set[Inbox] = set()
        for name in FIRST_NAMESPACES:
            self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    # reading

    def get(self, kind: str, namespace: str | None, name: str) -> Json | None:
        """One object, or None."""
        version = self.version(kind, namespace, name)
        return version.obj if version else None

    def version(self, kind: str, namespace: str | None, name: str) -> Version | None:
        """The stored version of one object, with its shared encoding."""
        return self._objects.get(kind, {}).get((namespace or "", name))

    def list(self, kind: str, namespace: str | None = None, labels: Mapping[str, str] | None = None) -> list[Json]:
        """Objects of a kind in one or all namespaces that carry all `labels`, by namespace and name."""
        wanted = (labels or {}).items()
        objects = (version.obj for version in self.versions(kind, namespace))
        return [obj for obj in objects if not wanted or wanted <= obj["metadata"].get("labels", {}).items()]

    def versions(self, kind: str, namespace: str | None = None) -> Sequence[Version]:
        """The same with encodings, unfiltered."""
        objects = self._objects.get(kind, {})
        return [objects[key] for key in sorted(objects) if not namespace or key[0] == namespace]

    def has_kind(self, kind: str) -> bool:
        """Whether the API serves the kind now."""
        return self.kinds.by_key(kind) is not None

    def journal(self, kind: str) -> Journal:
        """The ring of changes of one kind."""
        return self._journals.setdefault(kind, Journal(FIRST_VERSION))

    async def watch(self, *kinds: str) -> AsyncIterator[Change]:
        """Changes of the kinds, for ever; everything existing comes first as ADDED.

        A slow reader sees the newest state of each object, not each step: the buffer holds one change per object.
        """
        inbox = Inbox(kinds)
        for kind in kinds:
            for version in self.versions(kind):
                inbox.put(Change("ADDED", kind, version.obj))
        self._inboxes.add(inbox)
        try:
            while True:
                yield await inbox.get()
        finally:
            self._inboxes.discard(inbox)

    # writing

    def create(self, obj: Json) -> Json:
        """Store a new object. Raises StatusError: 404 kind or namespace unknown, 403 namespace ending, 409 exists."""
        obj = self.draft(obj)
        kind = self.kinds.of(obj["apiVersion"], obj["kind"])
        assert kind is not None
        if kind.kind == "CustomResourceDefinition":
            self.kinds.define(obj)
        self._put("ADDED", kind.store_key, obj)
        return obj

    def draft(self, obj: Json) -> Json:
        """The object as `create` would store it, checked in the same way, but not stored."""
        kind = self.kinds.of(obj.get("apiVersion", ""), obj.get("kind", ""))
        if kind is None:
            raise StatusError(404, "the server could not find the requested resource")
        obj = json.loads(json.dumps(obj))
        obj["apiVersion"] = kind.api_version()
        meta = obj.setdefault("metadata", {})
        if kind.namespaced:
            self.check_namespace(kind, meta.setdefault("namespace", "default"), meta.get("name", ""))
        else:
            meta.pop("namespace", None)
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = meta["generateName"] + uuid.uuid4().hex[:5]
        if (meta.get("namespace", ""), meta["name"]) in self._objects.get(kind.store_key, {}):
            raise already_exists(kind.plural, kind.group, meta["name"])
        meta |= {"uid": str(uuid.uuid4()), "creationTimestamp": CloudClock.stamp()}
        meta.pop("deletionTimestamp", None)
        if "spec" in obj or kind.custom:
            meta["generation"] = 1
        if kind.kind == "Namespace":
            obj.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
            obj["status"] = {"phase": "Active"}
            meta.setdefault("labels", {}).setdefault("kubernetes.io/metadata.name", meta["name"])
        elif kind.kind == "Pod":
            check_quota(self, obj, meta["namespace"])
            obj.setdefault("status", {}).setdefault("phase", "Pending")
        elif kind.kind == "CustomResourceDefinition":
            obj["status"] = _established(obj)
        return obj

    def update(
        self, kind: str, namespace: str | None, name: str, change: Callable[[Json], None], *, status: bool = False
    ) -> Json | None:
        """Let `change` edit a copy and store it; None when the object is gone. `status` keeps only the status edits.

        An edit that changes nothing makes no version and no event; `generation` grows only when `spec` changed.
        """
        version = self.version(kind, namespace, name)
        if version is None:
            return None
        new = self.revised(version.obj, change, status=status)
        if new is version.obj:
            return new
        if kind == "CustomResourceDefinition":
            self.kinds.define(new)
        self._put("MODIFIED", kind, new, version)
        if "deletionTimestamp" in new["metadata"] and not new["metadata"].get("deletionGracePeriodSeconds"):
            self._finish((kind, namespace or "", name))
        return new

    def revised(self, old: Json, change: Callable[[Json], None], *, status: bool = False) -> Json:
        """The object as `update` would store it; `old` itself when nothing changed."""
        new = copied(old)
        change(new)
        new = json.loads(json.dumps(new))
        if status:
            new = {k: v for k, v in old.items() if k != "status"} | {k: v for k, v in new.items() if k == "status"}
            new["metadata"] = {**old["metadata"]}
        for field in SERVER_FIELDS:
            if field in old["metadata"]:
                new["metadata"][field] = old["metadata"][field]
            else:
                new["metadata"].pop(field, None)
        if new == old:
            return old
        for field in new:  # unchanged parts are shared between versions: the ring of 2,000 pods stays small
            if field in old and new[field] == old[field]:
                new[field] = old[field]
        if new.get("spec") is not old.get("spec") and "generation" in old["metadata"]:
            new["metadata"] = {**new["metadata"], "generation": old["metadata"]["generation"] + 1}
        if new["kind"] == "CustomResourceDefinition":
            new["status"] = {**old["status"], "storedVersions": _established(new)["storedVersions"]}
        return new

    # deleting

    def delete(
        self, kind: str, namespace: str | None, name: str, *, grace: int | None = 0, policy: str = "Background"
    ) -> Json | None:
        """Delete an object: finalizers hold it back, children follow. Returns its last state, None when gone before.

        `grace` None or above 0 only marks a pod that is bound and not finished: its kubelet ends it with grace 0.
        """
        version = self.version(kind, namespace, name)
        if version is None:
            return None
        key = (kind, namespace or "", name)
        uid = version.obj["metadata"]["uid"]
        if policy == "Orphan":
            self._disown(uid)
        seconds = _grace(version.obj, grace) if kind == "Pod" else 0
        foreground = policy == "Foreground" and bool(self._children.get(uid))
        self._mark(key, seconds, foreground)
        if kind == "Namespace":
            self._empty(name)
        if foreground:
            for child in self._children.get(uid, set()).copy():
                self._delete_child(child, uid)
        if not seconds:
            self._finish(key)
        return self.get(kind, namespace, name) or version.obj

    def _mark(self, key: Key, seconds: int, foreground: bool) -> None:
        """Write the deletion into the object: marked objects never come back."""
        version = self._objects[key[0]][key[1:]]
        new = copied(version.obj)
        meta = new["metadata"]
        meta.setdefault("deletionTimestamp", CloudClock.stamp())
        meta["deletionGracePeriodSeconds"] = seconds
        if foreground and FOREGROUND not in meta.get("finalizers", ()):
            meta["finalizers"] = [*meta.get("finalizers", []), FOREGROUND]
        if key[0] == "Namespace":
            new["status"] = {**new.get("status", {}), "phase": "Terminating"}
        held = seconds or meta.get("finalizers") or (key[0] == "Namespace" and self._content(key[2]))
        if held and new != version.obj:
            self._put("MODIFIED", key[0], new, version)

    def _finish(self, key: Key) -> None:
        """Remove an object whose deletion nothing holds back any more."""
        version = self.version(*key)
        if version is None or version.obj["metadata"].get("finalizers"):
            return
        if key[0] == "Namespace":
            content = self._content(key[2])
            if any(kind != "Event" for kind, *_ in content):
                return
            for event in content:  # the last pods' ends were told after the namespace had been emptied
                told = self._objects["Event"][event[1:]]
                self._put("DELETED", "Event", {**told.obj}, told)
        self._remove(key, version)

    def _remove(self, key: Key, version: Version) -> None:
        obj = {**version.obj, "metadata": {**version.obj["metadata"]}}
        uid = obj["metadata"]["uid"]
        self._put("DELETED", key[0], obj, version)
        if key[0] == "CustomResourceDefinition":
            self._undefine(obj)
        for child in self._children.pop(uid, set()).copy():
            self._delete_child(child, uid)
        for owner in _owners(obj):
            self._owner_lost_child(owner)
        namespace = self.version("Namespace", None, key[1]) if key[1] else None
        if namespace and "deletionTimestamp" in namespace.obj["metadata"]:
            self._finish(("Namespace", "", key[1]))

    def _delete_child(self, uid: str, owner: str) -> None:
        """Delete a dependant, unless another of its owners lives."""
        key = self._keys.get(uid)
        if key is None:
            return
        others = [o for o in _owners(self._objects[key[0]][key[1:]].obj) if o != owner and o in self._keys]
        if others:
            self._drop_owner(key, owner)
        else:
            self.delete(*key, grace=None)

    def _drop_owner(self, key: Key, owner: str) -> None:
        def change(obj: Json) -> None:
            references = obj["metadata"].get("ownerReferences", [])
            obj["metadata"]["ownerReferences"] = [r for r in references if r.get("uid") != owner]

        self.update(*key, change)

    def _disown(self, owner: str) -> None:
        for uid in self._children.pop(owner, set()):
            if uid in self._keys:
                self._drop_owner(self._keys[uid], owner)

    def _owner_lost_child(self, owner: str) -> None:
        """An owner deleted in the foreground goes when its last child has gone."""
        key = self._keys.get(owner)
        if key is None or self._children.get(owner):
            return
        if FOREGROUND in self._objects[key[0]][key[1:]].obj["metadata"].get("finalizers", ()):
            self.update(*key, lambda obj: obj["metadata"]["finalizers"].remove(FOREGROUND))

    def _content(self, namespace: str) -> Sequence[Key]:
        """Keys of everything inside a namespace, owners before what they own."""
        keys = [(kind, *place) for kind, objects in self._objects.items() for place in objects if place[0] == namespace]
        return sorted(keys, key=lambda key: len(_owners(self._objects[key[0]][key[1:]].obj)))

    def _empty(self, namespace: str) -> None:
        for key in self._content(namespace):
            self.delete(*key, grace=None)

    def _undefine(self, crd: Json) -> None:
        kind = self.kinds.of(
            f"{crd['spec']['group']}/{crd['spec']['versions'][0]['name']}", crd["spec"]["names"]["kind"]
        )
        if kind is None:
            return
        for version in self.versions(kind.store_key):
            self.delete(kind.store_key, version.obj["metadata"].get("namespace"), version.obj["metadata"]["name"])
        self.kinds.forget(kind.group, kind.kind)

    # events

    def event(
        self, involved: Json, type_: str, reason: str, message: str, component: str, *, new_style: bool = False
    ) -> None:
        """Record an Event about an object; a repetition only counts. `new_style` is the scheduler's shape."""
        eventlog.record(self, involved, type_, reason, message, component, new_style)

    # inside

    def check_namespace(self, kind: Kind, namespace: str, name: str) -> None:
        """Refuse new objects in a namespace that is not there (404) or on its way out (403)."""
        found = self.get("Namespace", None, namespace)
        if found is None:
            raise not_found("namespaces", "", namespace)
        if "deletionTimestamp" in found["metadata"] and kind.kind != "Event":
            text = f"unable to create new content in namespace {namespace} because it is being terminated"
            where = f"{kind.plural}.{kind.group}" if kind.group else kind.plural
            cause = ("NamespaceTerminating", f"namespace {namespace} is being terminated", "metadata.namespace")
            details = {"name": name, "kind": kind.plural}
            raise StatusError(403, f'{where} "{name}" is forbidden: {text}', details=details, causes=[cause])

    def _put(self, type_: ChangeType, kind: str, obj: Json, before: Version | None = None) -> None:
        """Enter a new version everywhere: objects, indexes, journal, watchers."""
        journal = self.journal(kind)
        self.rv += 1
        meta = obj["metadata"] = {**obj["metadata"], "resourceVersion": str(self.rv)}
        version = Version(obj)
        place, uid = (meta.get("namespace", ""), meta["name"]), meta["uid"]
        objects = self._objects.setdefault(kind, {})
        for owner in _owners(before.obj) if before else ():
            self._children.get(owner, set()).discard(uid)
        if type_ == "DELETED":
            objects.pop(place, None)
            self._keys.pop(uid, None)
        else:
            objects[place] = version
            self._keys[uid] = (kind, *place)
            for owner in _owners(obj):
                self._children.setdefault(owner, set()).add(uid)
        journal.append(Entry(self.rv, type_, version, before))
        change = Change(type_, kind, obj)
        for inbox in self._inboxes:
            inbox.put(change)


def _owners(obj: Json) -> list[str]:
    return [reference["uid"] for reference in obj["metadata"].get("ownerReferences", ()) if "uid" in reference]


def _grace(pod: Json, asked: int | None) -> int:
    """Seconds the kubelet gets to end a pod; 0 when there is nothing for it to end."""
    if not pod.get("spec", {}).get("nodeName") or pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    default: int = pod["spec"].get("terminationGracePeriodSeconds", 30)
    return default if asked is None else asked


def _established(crd: Json) -> Json:
    """Status of a definition whose names were accepted."""
    now = CloudClock.stamp()
    stored = [version["name"] for version in crd["spec"]["versions"] if version.get("storage")]
    return {
        "acceptedNames": {"listKind": crd["spec"]["names"]["kind"] + "List", **crd["spec"]["names"]},
        "storedVersions": stored,
        "conditions": [
            {"type": "NamesAccepted", "status": "True", "lastTransitionTime": now, "reason": "NoConflicts",
             "message": "no conflicts found"},
            {"type": "Established", "status": "True", "lastTransitionTime": now, "reason": "InitialNamesAccepted",
             "message": "the initial names have been accepted"},
        ],
    }  # fmt: skip
