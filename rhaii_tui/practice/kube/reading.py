"""GET of one object and of lists: selectors, paging, metadata only, tables."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

from aiohttp import web

from rhaii_tui.practice.kube import selectors, tables
from rhaii_tui.practice.kube.call import Call, form, partial
from rhaii_tui.practice.kube.errors import StatusError
from rhaii_tui.practice.kube.eventforms import shown
from rhaii_tui.practice.kube.journal import Version
from rhaii_tui.practice.kube.selectors import Match


def encoded(call: Call, version: Version) -> bytes:
    """An object's bytes in the asked API version."""
    if call.kind.store_key == "Event" and call.api_version != "v1":
        return json.dumps(shown(version.obj, call.api_version)).encode()
    return version.encoded(call.api_version)


def get(call: Call) -> web.Response:
    """One object."""
    return present(call, call.found())


def present(call: Call, version: Version, status: int = 200) -> web.Response:
    """One object in the form the client wants."""
    wanted = form(call.request)
    if wanted == "table":
        body = json.dumps(tables.table(call, [version.obj], {"resourceVersion": str(version.rv)})).encode()
    elif wanted == "partial":
        body = json.dumps(partial(version.obj)).encode()
    else:
        body = encoded(call, version)
    return web.Response(body=body, content_type="application/json", status=status)


def match(call: Call) -> Match | None:
    """The call's selectors in one predicate; a name in the path selects by name."""
    by_field = selectors.fields(call.query("fieldSelector"), call.kind, call.path.version)
    found = selectors.both(selectors.labels(call.query("labelSelector")), by_field)
    if call.path.name:
        found = selectors.both(found, lambda obj: bool(obj["metadata"]["name"] == call.path.name))
    return found


def resource_version(call: Call) -> int | None:
    """The asked resourceVersion; None when absent. Raises 500 for what is no number, 504 for one of the future."""
    text = call.query("resourceVersion")
    if not text:
        return None
    if not text.isdigit():
        raise StatusError(500, f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": '
                               "invalid syntax", "")  # fmt: skip
    asked = int(text)
    if asked > call.store.rv:
        message = f"Too large resource version: {asked}, current: {call.store.rv}"
        cause = ("ResourceVersionTooLarge", "Too large resource version", "")
        raise StatusError(504, message, details={"retryAfterSeconds": 1}, causes=[cause])
    return asked


def list_(call: Call) -> web.Response:
    """A list, whole or one page of it."""
    resource_version(call)
    keep = match(call)
    versions = call.store.versions(call.kind.store_key, call.path.namespace)
    if keep is not None:
        versions = [version for version in versions if keep(version.obj)]
    page, meta = _page(call, versions)
    wanted = form(call.request)
    if wanted == "table":
        body = json.dumps(tables.table(call, [v.obj for v in page], meta), separators=(",", ":")).encode()
        return web.Response(body=body, content_type="application/json")
    if wanted == "partial":
        head = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": meta}
        items = [json.dumps(partial(version.obj)).encode() for version in page]
    else:
        head = {"kind": f"{call.kind.kind}List", "apiVersion": call.api_version, "metadata": meta}
        items = [encoded(call, version) for version in page]
    body = json.dumps(head).encode()[:-1] + b',"items":[' + b",".join(items) + b"]}"
    return web.Response(body=body, content_type="application/json")


def _page(call: Call, versions: Sequence[Version]) -> tuple[Sequence[Version], dict[str, object]]:
    """The asked page and the list's metadata. A token carries the first page's version and the last key sent."""
    token, rv = call.query("continue"), call.store.rv
    if token:
        try:
            at, namespace, name = json.loads(base64.urlsafe_b64decode(token))
        except ValueError:
            raise StatusError(400, "continue key is not valid") from None
        journal = call.store.journal(call.kind.store_key)
        if journal.after(at) is None:
            text = "The provided continue parameter is too old to display a consistent list result."
            raise StatusError(410, text)
        rv = at
        versions = [v for v in versions if _key(v) > (namespace, name)]
    meta: dict[str, object] = {"resourceVersion": str(rv)}
    limit = int(call.query("limit") or 0)
    if not limit or len(versions) <= limit:
        return versions, meta
    page = versions[:limit]
    meta["continue"] = base64.urlsafe_b64encode(json.dumps([rv, *_key(page[-1])]).encode()).decode()
    if not call.query("labelSelector") and not call.query("fieldSelector"):
        meta["remainingItemCount"] = len(versions) - limit
    return page, meta


def _key(version: Version) -> tuple[str, str]:
    meta = version.obj["metadata"]
    return meta.get("namespace", ""), meta["name"]
