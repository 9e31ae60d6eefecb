"""Lists of the Compute API: filter expressions, pages, and the scopes of aggregated lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from rhaii_tui.practice.google.errors import GoogleError

COMPUTE = "https://www.googleapis.com/compute/v1"
_TERM = re.compile(
    r"""\s*(?:AND\s+)?\(?\s*(?P<field>[\w.]+)\s*(?P<op>=|!=|:|eq\b|ne\b)\s*(?:"(?P<quoted>[^"]*)"|(?P<bare>[^\s()"]+))\s*\)?"""
)


def _terms(expression: str) -> list[tuple[str, str, str]]:
    terms, at = [], 0
    while expression[at:].strip():
        match = _TERM.match(expression, at)
        if match is None:
            raise GoogleError(400, f"Invalid value for field 'filter': '{expression}'. Invalid list filter expression.")
        terms.append((match["field"], match["op"], match["bare"] if match["quoted"] is None else match["quoted"]))
        at = match.end()
    return terms


def _fits(item: Mapping[str, Any], field: str, op: str, value: str) -> bool:
    found: Any = item
    for part in field.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    text = "" if found is None else str(found)
    if op in ("eq", "ne"):  # the older operators take RE2 patterns that must match the whole value
        try:
            same = re.fullmatch(value, text) is not None
        except re.error as error:
            raise GoogleError(400, f"Invalid value for field 'filter': '{value}' is not a pattern: {error}.") from error
        return same == (op == "eq")
    if op == ":":
        return value.strip("*") in text
    return (text == value) == (op == "=")


def filtered(items: Iterable[dict[str, Any]], request: web.Request) -> list[dict[str, Any]]:
    """The items that every term of `?filter=` fits. Raises GoogleError 400."""
    terms = _terms(request.query.get("filter", ""))
    return [item for item in items if all(_fits(item, *term) for term in terms)]


def page(
    items: list[dict[str, Any]], request: web.Request, size: str = "maxResults"
) -> tuple[list[dict[str, Any]], str]:
    """One page by `?maxResults=` and `?pageToken=`, and the next token ("" at the end). Raises GoogleError 400."""
    try:
        start = int(request.query.get("pageToken") or 0)
        most = int(request.query.get(size) or 500)
    except ValueError as error:
        raise GoogleError(400, f"Invalid value for field '{size}' or 'pageToken'.") from error
    if start < 0 or most < 0:
        raise GoogleError(400, f"Invalid value for field '{size}' or 'pageToken'.")
    end = start + (most or 500)
    return items[start:end], str(end) if end < len(items) else ""


def listed(kind: str, items: Iterable[dict[str, Any]], request: web.Request) -> web.Response:
    """A `compute#…List` answer."""
    shown, token = page(filtered(items, request), request)
    answer: dict[str, Any] = {"kind": f"compute#{kind}List", "id": request.path, "selfLink": COMPUTE + request.path}
    if shown:
        answer["items"] = shown
    if token:
        answer["nextPageToken"] = token
    return web.json_response(answer)


def aggregated(kind: str, scopes: Mapping[str, Iterable[dict[str, Any]]], request: web.Request) -> web.Response:
    """A `compute#…AggregatedList`: scopes in which nothing fits are there too, with a warning."""
    items: dict[str, Any] = {}
    for scope, candidates in scopes.items():
        found = filtered(candidates, request)
        warning = {
            "code": "NO_RESULTS_ON_PAGE",
            "message": f"There are no results for scope '{scope}' on this page.",
            "data": [{"key": "scope", "value": scope}],
        }
        items[scope] = {f"{kind}s": found} if found else {"warning": warning}
    return web.json_response({"kind": f"compute#{kind}AggregatedList", "id": request.path, "items": items})


def not_found(resource: str) -> GoogleError:
    """Compute's 404."""
    return GoogleError(404, f"The resource '{resource}' was not found")
