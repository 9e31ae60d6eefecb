"""Kubernetes quantities as integers in their smallest sensible unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rhaii_tui.practice.actors.objects import Obj

_SUFFIX = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def parse(resource: str, quantity: str | int | float) -> int:
    """Milli-cores for cpu, bytes or counts for everything else. Raises ValueError for what is no quantity."""
    text = str(quantity).strip()
    if resource == "cpu":
        return int(text[:-1]) if text.endswith("m") else round(float(text) * 1000)
    digits = text.rstrip("KMGTki")
    suffix = text[len(digits) :]
    if suffix not in _SUFFIX:
        raise ValueError(f"no quantity: {text!r}")
    return round(float(digits) * _SUFFIX[suffix])


def amounts(resources: Mapping[str, str | int | float] | None) -> dict[str, int]:
    """A requests, capacity or allocatable map."""
    return {name: parse(name, value) for name, value in (resources or {}).items()}


def requests(spec: Obj) -> dict[str, int]:
    """What a pod asks of its node: the larger of the containers' sum and any one init container."""
    total: dict[str, int] = {}
    for container in spec.get("containers", ()):
        for name, value in _container(container).items():
            total[name] = total.get(name, 0) + value
    for container in spec.get("initContainers") or ():
        for name, value in _container(container).items():
            total[name] = max(total.get(name, 0), value)
    return total


def _container(container: Obj) -> dict[str, int]:
    resources = container.get("resources") or {}
    return amounts(resources.get("limits")) | amounts(resources.get("requests")) if resources else {}


def total(pods: Iterable[Obj]) -> dict[str, int]:
    """The requests of several pods together."""
    summed: dict[str, int] = {}
    for pod in pods:
        for name, value in requests(pod["spec"]).items():
            summed[name] = summed.get(name, 0) + value
    return summed
