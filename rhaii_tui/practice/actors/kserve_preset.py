"""Presets: the LLMInferenceServiceConfigs a service is merged onto, with their few template expressions filled in."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from rhaii_tui.practice.actors.merge import strategic
from rhaii_tui.practice.actors.objects import Obj

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.store import Store

SYSTEM = "opendatahub"
WORKLOAD, SCHEDULER, ROUTE = (
    "kserve-config-llm-template",
    "kserve-config-llm-scheduler",
    "kserve-config-llm-router-route",
)
_EXPRESSION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")


class PresetMissing(Exception):
    """A preset is neither in the service's namespace nor in the controller's."""


def child_name(service: str, suffix: str) -> str:
    """`SERVICE-suffix`; over 63 characters the service's part is cut and hashed."""
    name = service + suffix
    if len(name) <= 63:
        return name
    digest = hashlib.sha256(service.encode()).hexdigest()[:8]
    return f"{service[: 63 - len(suffix) - 9]}-{digest}{suffix}"


def combined(store: Store, service: Obj) -> Obj:
    """The spec the controller works from: presets, then baseRefs, then the user's own. Raises PresetMissing."""
    spec, namespace = service["spec"], service["metadata"]["namespace"]
    router = spec.get("router") or {}
    names = [WORKLOAD]
    names += [SCHEDULER] if "scheduler" in router else []
    names += [ROUTE] if "route" in router else []
    names += [ref["name"] for ref in spec.get("baseRefs") or ()]
    merged: Obj = {}
    for name in names:
        merged = strategic(merged, _preset(store, namespace, name).get("spec") or {})
    merged = strategic(merged, spec)
    # Without them the router's defaults would bring a scheduler and a route back in.
    for part in ("scheduler", "route"):
        if part not in router:
            merged.get("router", {}).pop(part, None)
    merged["model"] = {**spec["model"], "name": spec["model"].get("name") or service["metadata"]["name"]}
    filled: Obj = _fill(merged, service, str(merged["model"]["name"]))
    return filled


def _preset(store: Store, namespace: str, name: str) -> Obj:
    for place in (namespace, SYSTEM):
        found = store.get("LLMInferenceServiceConfig", place, name)
        if found is not None:
            return found
    raise PresetMissing(f'LLMInferenceServiceConfig "{name}" not found in namespaces [{namespace} {SYSTEM}]')


def _fill(value: Any, service: Obj, model: str) -> Any:
    if isinstance(value, dict):
        return {k: _fill(v, service, model) for k, v in value.items()}
    if isinstance(value, list):
        return [_fill(v, service, model) for v in value]
    if not isinstance(value, str) or "{{" not in value:
        return value
    name: str = service["metadata"]["name"]
    namespace: str = service["metadata"]["namespace"]
    known = {".ObjectMeta.Name": name, ".ObjectMeta.Namespace": namespace, ".Spec.Model.Name": model}

    def evaluate(match: re.Match[str]) -> str:
        expression = match[1]
        if expression.startswith("ChildName"):
            return child_name(name, expression.split("`")[1])
        return known.get(expression, match[0])

    return _EXPRESSION.sub(evaluate, value)
