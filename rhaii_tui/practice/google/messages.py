"""Request bodies, held against Google's own message types: an unknown field is a 400, as in life.

The packages take a while to import (container_v1 0.3 s, compute_v1 1.7 s), so that happens in threads, when needed.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import re
from typing import Any

from aiohttp import web

from rhaii_tui.practice.google.errors import GoogleError

_UNKNOWN = re.compile(r'has no field named "(?P<name>[^"]+)"(?: at "(?P<path>[^"]*)")?')


async def load(package: str) -> Any:
    """A Google package such as `container_v1`, imported off the event loop."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    return await asyncio.to_thread(importlib.import_module, f"google.cloud.{package}")


async def json_body(request: web.Request) -> dict[str, Any]:
    """The body as an object; an empty body is an empty object. Raises GoogleError 400."""
    text = await request.text()
    try:
        body = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise GoogleError(400, f"Invalid JSON payload received. {error}") from error
    if not isinstance(body, dict):
        raise GoogleError(400, "Invalid JSON payload received. Root element must be a message.")
    return body


async def parse(request: web.Request, package: str, message: str) -> dict[str, Any]:
    """The body as a message of a package, in canonical JSON: camelCase, enum names, zeros left out.

    Takes what gcloud sends (enum names, explicit zeros) and what the Python clients send (enum numbers).
    Raises GoogleError 400.
    """
    from google.protobuf import json_format

    body = await json_body(request)
    types = await load(package)
    try:
        parsed = json_format.ParseDict(body, getattr(types, message).pb()())
    except json_format.ParseError as error:
        raise _refusal(str(error)) from error
    canonical: dict[str, Any] = json_format.MessageToDict(parsed)
    return canonical


def _refusal(text: str) -> GoogleError:
    unknown = _UNKNOWN.search(text)
    if unknown is None:
        return GoogleError(400, f"Invalid value at {text.splitlines()[0]}")
    path = (unknown["path"] or "").partition(".")[2]
    where = f" at '{path}'" if path else ""
    message = f'Invalid JSON payload received. Unknown name "{unknown["name"]}"{where}: Cannot find field.'
    violation = {"description": message, **({"field": path} if path else {})}
    detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}
    return GoogleError(400, message, details=(detail,))
