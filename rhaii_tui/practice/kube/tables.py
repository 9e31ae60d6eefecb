"""`Table` answers: what kubectl prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rhaii_tui.practice.kube.ages import age
from rhaii_tui.practice.kube.call import partial
from rhaii_tui.practice.kube.columns import COLUMNS, Column
from rhaii_tui.practice.kube.jsonpath import values

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.call import Call

Json = dict[str, Any]


def table(call: Call, objects: Sequence[Json], meta: Json) -> Json:
    """A Table of objects of the call's kind."""
    columns = _columns(call)
    include = call.query("includeObject") or "Metadata"
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": meta,
        "columnDefinitions": [
            {"name": c.name, "type": c.type, "format": c.format, "description": c.name, "priority": c.priority}
            for c in columns
        ],
        "rows": [_row(call, columns, obj, include) for obj in objects],
    }


def _row(call: Call, columns: Sequence[Column], obj: Json, include: str) -> Json:
    row: Json = {"cells": [column.cell(obj) for column in columns]}
    if include == "Metadata":
        row["object"] = partial(obj)
    elif include == "Object":
        row["object"] = {**obj, "apiVersion": call.api_version}
    return row


def _columns(call: Call) -> Sequence[Column]:
    if not call.kind.custom:
        return COLUMNS.get(call.kind.kind, COLUMNS[""])
    printed = call.kind.columns.get(call.path.version) or []
    if not printed:
        return COLUMNS[""]
    return [COLUMNS[""][0], *(_printed(column) for column in printed)]


def _printed(column: Json) -> Column:
    """A column of a CustomResourceDefinition."""
    path, kind = column["jsonPath"], column.get("type", "string")

    def cell(obj: Json) -> Any:
        found = values(path, obj)
        if not found:
            return None if kind != "date" else "<unknown>"
        if kind == "date":
            return age(str(found[0]))
        if kind in ("integer", "number", "boolean") and len(found) == 1:
            return found[0]
        return ",".join(("true" if v else "false") if isinstance(v, bool) else str(v) for v in found)

    shown = "string" if kind == "date" else kind
    return Column(column["name"], cell, shown, column.get("format", ""), column.get("priority", 0))
