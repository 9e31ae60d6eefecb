"""Which groups, versions and resources there are: aggregated and legacy discovery, and the server's version."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from rhaii_tui.practice.kube.errors import StatusError
from rhaii_tui.practice.kube.kinds import Kind, KindTable

Json = dict[str, Any]

# A GKE 1.33 control plane, as `kubectl version` shows it.
VERSION = {
    "major": "1",
    "minor": "33",
    "gitVersion": "v1.33.5-gke.1162000",
    "gitCommit": "0000000000000000000000000000000000000000",
    "gitTreeState": "clean",
    "buildDate": "2025-10-01T00:00:00Z",
    "goVersion": "go1.24.6 X:boringcrypto",
    "compiler": "gc",
    "platform": "linux/amd64",
}
_PART_VERBS = {
    "log": ["get"],
    "proxy": ["create", "delete", "get", "patch", "update"],
    "binding": ["create"],
    "eviction": ["create"],
    "token": ["create"],
    "finalize": ["update"],
}
# Kinds that some subresources speak instead of their resource's own.
_PART_KINDS = {
    "scale": ("autoscaling", "v1", "Scale"),
    "eviction": ("policy", "v1", "Eviction"),
    "token": ("authentication.k8s.io", "v1", "TokenRequest"),
    "binding": ("", "v1", "Binding"),
}


def groups(kinds: KindTable) -> dict[str, dict[str, list[Kind]]]:
    """Kinds by group and version, in the order they were entered; the core group is ""."""
    found: dict[str, dict[str, list[Kind]]] = {}
    for kind in kinds:
        for version in kind.versions:
            found.setdefault(kind.group, {}).setdefault(version, []).append(kind)
    return found


def answer(request: web.Request, kinds: KindTable) -> web.Response | None:
    """The answer to a discovery path; None for any other path."""
    parts = [part for part in request.path.split("/") if part]
    if not parts:
        return web.json_response({"paths": ["/api", "/apis", "/openapi/v2", "/openapi/v3", "/version"]})
    if parts == ["version"]:
        return web.json_response(VERSION)
    if parts in (["api"], ["apis"]):
        return _root(request, kinds, core=parts == ["api"])
    if len(parts) == 2 and parts[0] == "apis":
        return web.json_response(
            _group(parts[1], _existing(kinds, parts[1])) | {"kind": "APIGroup", "apiVersion": "v1"}
        )
    if (parts[0] == "api" and len(parts) == 2) or (parts[0] == "apis" and len(parts) == 3):
        group, version = ("", parts[1]) if parts[0] == "api" else (parts[1], parts[2])
        found = _existing(kinds, group)
        if version not in found:
            raise StatusError(404, "the server could not find the requested resource")
        return web.json_response(_resources(group, version, found[version]))
    return None


def _existing(kinds: KindTable, group: str) -> dict[str, list[Kind]]:
    found = groups(kinds).get(group)
    if found is None:
        raise StatusError(404, "the server could not find the requested resource")
    return found


def _root(request: web.Request, kinds: KindTable, *, core: bool) -> web.Response:
    accept = request.headers.get("Accept", "")
    for version in ("v2", "v2beta1"):
        wanted = f"g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
        if any(part.strip().endswith(wanted) for part in accept.split(",")):
            body = {
                "kind": "APIGroupDiscoveryList",
                "apiVersion": f"apidiscovery.k8s.io/{version}",
                "metadata": {},
                "items": [_aggregated(g, v) for g, v in groups(kinds).items() if (g == "") == core],
            }
            return web.Response(body=json.dumps(body).encode(), headers={"Content-Type": f"application/json;{wanted}"})
    if core:
        server = {"clientCIDR": "0.0.0.0/0", "serverAddress": request.host}
        return web.json_response({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [server]})
    found = [_group(group, versions) for group, versions in groups(kinds).items() if group]
    return web.json_response({"kind": "APIGroupList", "apiVersion": "v1", "groups": found})


def _group(group: str, versions: dict[str, list[Kind]]) -> Json:
    found = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
    return {"name": group, "versions": found, "preferredVersion": found[0]}


def _resources(group: str, version: str, kinds: list[Kind]) -> Json:
    """An APIResourceList."""
    found: list[Json] = []
    for kind in kinds:
        entry: Json = {
            "name": kind.plural,
            "singularName": kind.singular or kind.kind.lower(),
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": list(kind.verbs),
        }
        if kind.short:
            entry["shortNames"] = list(kind.short)
        if kind.categories:
            entry["categories"] = list(kind.categories)
        found.append(entry)
        for part in kind.subresources:
            g, v, k = _PART_KINDS.get(part, ("", "", kind.kind))
            verbs = _PART_VERBS.get(part, ["get", "patch", "update"])
            sub = {"name": f"{kind.plural}/{part}", "singularName": "", "namespaced": kind.namespaced, "kind": k}
            found.append(sub | {"verbs": verbs} | ({"group": g, "version": v} if v else {}))
    group_version = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": found}


def _aggregated(group: str, versions: dict[str, list[Kind]]) -> Json:
    """An APIGroupDiscovery."""
    return {
        "metadata": {"name": group, "creationTimestamp": None},
        "versions": [
            {"version": version, "freshness": "Current", "resources": [_discovered(group, version, k) for k in kinds]}
            for version, kinds in versions.items()
        ],
    }


def _discovered(group: str, version: str, kind: Kind) -> Json:
    entry: Json = {
        "resource": kind.plural,
        "responseKind": {"group": group, "version": version, "kind": kind.kind},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular or kind.kind.lower(),
        "verbs": list(kind.verbs),
    }
    if kind.short:
        entry["shortNames"] = list(kind.short)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    parts = []
    for part in kind.subresources:
        g, v, k = _PART_KINDS.get(part, (group, version, kind.kind))
        answers = {"group": g, "version": v, "kind": k}
        verbs = _PART_VERBS.get(part, ["get", "patch", "update"])
        parts.append({"subresource": part, "responseKind": answers, "verbs": verbs})
    return entry | ({"subresources": parts} if parts else {})
