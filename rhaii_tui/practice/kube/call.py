"""One request, understood: which kind, object and subresource it is about, and what form of answer it wants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from aiohttp import web

from rhaii_tui.practice.kube.errors import StatusError, not_found, resource
from rhaii_tui.practice.kube.journal import Version
from rhaii_tui.practice.kube.kinds import Kind

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster
    from rhaii_tui.practice.kube.store import Store


@dataclass(frozen=True)
class Path:
    """The parts of `/api/v1/...` and `/apis/GROUP/VERSION/...`; absent parts are empty. `tail` follows a proxy."""

    group: str
    version: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    tail: str = ""


def parse(raw: str) -> Path | None:
    """Split a path that names a resource; None for any other path."""
    parts = raw.split("/")[1:]
    if parts[0] == "api" and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, rest = unquote(parts[1]), parts[2], parts[3:]
    else:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = unquote(rest[1]), rest[2:]
    if not rest[0]:
        return None
    plural, name, subresource = (*map(unquote, rest[:3]), "", "")[:3]
    return Path(group, version, plural, namespace, name, subresource, "/".join(rest[3:]))


@dataclass(frozen=True)
class Call:
    """A request for a kind that exists."""

    request: web.Request
    cluster: KubeCluster
    kind: Kind
    path: Path

    @property
    def store(self) -> Store:
        return self.cluster.store

    @property
    def api_version(self) -> str:
        """The version the answer is presented in."""
        return self.kind.api_version(self.path.version)

    @property
    def where(self) -> str:
        """`deployments.apps`."""
        return resource(self.kind.plural, self.kind.group)

    def query(self, name: str) -> str:
        """A query parameter, "" when absent."""
        return self.request.query.get(name, "")

    def flag(self, name: str) -> bool:
        """A boolean query parameter."""
        return self.query(name) in ("true", "1", "True")

    @property
    def dry_run(self) -> bool:
        return self.query("dryRun") == "All"

    @property
    def strictness(self) -> str:
        """`fieldValidation`: Strict, Warn or Ignore."""
        return self.query("fieldValidation") or "Warn"

    @property
    def manager(self) -> str:
        """The field manager: asked for, or the client's name."""
        return self.query("fieldManager") or self.request.headers.get("User-Agent", "unknown").split("/")[0]

    def found(self) -> Version:
        """The named object. Raises 404."""
        version = self.store.version(self.kind.store_key, self.path.namespace, self.path.name)
        if version is None:
            raise not_found(self.kind.plural, self.kind.group, self.path.name)
        return version

    def missing(self) -> StatusError:
        """404 for the named object."""
        return not_found(self.kind.plural, self.kind.group, self.path.name)


def form(request: web.Request) -> str:
    """What the client wants: "table", "partial" (metadata only), or "object"."""
    for part in request.headers.get("Accept", "").split(","):
        parameters = dict(item.strip().partition("=")[::2] for item in part.split(";")[1:])
        wanted = parameters.get("as", "")
        if wanted == "Table" and parameters.get("v") == "v1":
            return "table"
        if wanted in ("PartialObjectMetadata", "PartialObjectMetadataList") and parameters.get("v") == "v1":
            return "partial"
        if not wanted and "protobuf" not in part:
            return "object"
    return "object"


def partial(obj: dict[str, Any]) -> dict[str, Any]:
    """The metadata of an object alone."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}
