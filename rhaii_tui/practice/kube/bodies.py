"""Request bodies: JSON, YAML, protobuf."""

from __future__ import annotations

import json
from typing import Any

import yaml
from aiohttp import web

from rhaii_tui.practice.kube import protobuf
from rhaii_tui.practice.kube.errors import StatusError


async def read(request: web.Request) -> Any:
    """The body as a value; {} when empty. Raises 400 for what cannot be parsed, 415 for an unknown format."""
    raw = await request.read()
    if not raw:
        return {}
    kind = request.content_type
    if kind == "application/vnd.kubernetes.protobuf" or raw.startswith(protobuf.MAGIC):
        return protobuf.read(raw)
    try:
        if kind.endswith("yaml") and not raw.lstrip().startswith((b"{", b"[")):
            loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
            return yaml.load(raw, loader)
        return json.loads(raw)
    except (ValueError, yaml.YAMLError) as error:
        raise StatusError(400, f"error decoding request body: {error}") from None


async def mapping(request: web.Request) -> dict[str, Any]:
    """The body as an object. Raises 400."""
    value = await read(request)
    if not isinstance(value, dict):
        raise StatusError(400, "the body of the request is not an object")
    return value
