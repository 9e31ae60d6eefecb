"""Somebody edits the LLMInferenceService: arguments, image, probes, route, stop.

Where the edit breaks the engine, running replicas are made anew: the person deletes the Deployment, and KServe makes
it again from the edited service. A rolling update would leave the old ones running on a full pool.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rhaii_tui.practice.actors import kserve_router
from rhaii_tui.practice.actors.kserve import STOP
from rhaii_tui.practice.actors.objects import Obj, annotations_of, is_true, key_of
from rhaii_tui.practice.mischief.acts import Act
from rhaii_tui.practice.mischief.edits import Path

Change = tuple[Path, Any]
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
EXTRA_ARGUMENTS = "VLLM_ADDITIONAL_ARGS"


class ServiceEdit(Act):
    """Edits each service once."""

    kinds = ("LLMInferenceService",)
    anew = True
    """Whether running replicas are made anew."""

    def strike(self) -> None:
        for service in self.services():
            if not self.first_time(service):
                continue
            changes = tuple(self.changes(service))
            for path, value in changes:
                self.edits.change(service, path, value)
            deployment = self.deployment(service)
            running = any(is_true(p, "Ready") for p in self.replicas(service))
            if self.anew and changes and running and deployment is not None:
                self.store.delete("Deployment", *key_of(deployment))

    def changes(self, service: Obj) -> Iterable[Change]:
        """What is edited; nothing when the fault has no hold on this service."""
        raise NotImplementedError


class Arguments(ServiceEdit):
    """Other arguments for vLLM. `on_gpu_only` for faults that TPUs do not know."""

    def __init__(self, *args: Any, words: dict[str, str | None], on_gpu_only: bool = True) -> None:
        super().__init__(*args)
        self._words, self._on_gpu_only = words, on_gpu_only

    def changes(self, service: Obj) -> Iterable[Change]:
        index, container = main_of(service)
        if self._on_gpu_only and "google.com/tpu" in str(container.get("resources")):
            return
        place = ("spec", "template", "containers", index)
        if isinstance(container.get("args"), list):
            yield (*place, "args"), with_options(container["args"], self._words)
            return
        env = [e for e in container.get("env") or () if e["name"] != EXTRA_ARGUMENTS]
        held: Obj = next((e for e in container.get("env") or () if e["name"] == EXTRA_ARGUMENTS), {})
        words = with_options(str(held.get("value", "")).split(), self._words)
        yield (*place, "env"), [*env, {"name": EXTRA_ARGUMENTS, "value": " ".join(words)}]


class Image(ServiceEdit):
    """A tag that the registry does not have."""

    def changes(self, service: Obj) -> Iterable[Change]:
        index, container = main_of(service)
        image = str(container.get("image", "registry.redhat.io/rhaiis/vllm-cuda-rhel9:3.2.5"))
        name = image.partition("@")[0]
        if ":" in name.rsplit("/", 1)[-1]:
            name = name.rpartition(":")[0]
        yield ("spec", "template", "containers", index, "image"), f"{name}:3.2.5-rhel9"


class HttpProbes(ServiceEdit):
    """Every HTTP probe asks without TLS."""

    def changes(self, service: Obj) -> Iterable[Change]:
        index, container = main_of(service)
        for probe in PROBES:
            given = container.get(probe) or {"httpGet": {"path": "/health", "port": 8000}}
            if "httpGet" in given:
                asked = {**given, "httpGet": {**given["httpGet"], "scheme": "HTTP"}}
                yield ("spec", "template", "containers", index, probe), asked


class ShortStartup(ServiceEdit):
    """A minute for the start: six probes, ten seconds apart."""

    def changes(self, service: Obj) -> Iterable[Change]:
        index, container = main_of(service)
        given = container.get("startupProbe") or {"httpGet": {"path": "/health", "port": 8000, "scheme": "HTTPS"}}
        probe = {**given, "periodSeconds": 10, "failureThreshold": 6}
        yield ("spec", "template", "containers", index, "startupProbe"), probe


class Rollout(ServiceEdit):
    """A harmless change of the template: the rolling update needs an accelerator that nobody has to spare."""

    anew = False

    def changes(self, service: Obj) -> Iterable[Change]:
        index, container = main_of(service)
        env = [e for e in container.get("env") or () if e["name"] != "VLLM_LOG_STATS_INTERVAL"]
        changed = [*env, {"name": "VLLM_LOG_STATS_INTERVAL", "value": "5"}]
        yield ("spec", "template", "containers", index, "env"), changed

    def strike(self) -> None:
        full = [s for s in self.services() if any(is_true(p, "Ready") for p in self.replicas(s))]
        if full:
            super().strike()


class Stop(ServiceEdit):
    """KServe's own way to stop a service."""

    anew = False

    def changes(self, service: Obj) -> Iterable[Change]:
        if annotations_of(service).get(STOP) != "true":
            yield ("metadata", "annotations", STOP), "true"


class UnresolvedRoute(ServiceEdit):
    """The route's rules written by hand, with a Service name that is not quite right."""

    anew = False

    def changes(self, service: Obj) -> Iterable[Change]:
        router = service["spec"].get("router") or {}
        if "route" not in router:
            return
        made = kserve_router.route(service, {"router": {**router, "route": {}}}, [])
        right = next(b["name"] for rule in made["spec"]["rules"] for b in rule["backendRefs"] if b["kind"] == "Service")
        for rule in made["spec"]["rules"]:
            for backend in rule["backendRefs"]:
                if backend["name"] == right:
                    backend["name"] = right.removesuffix("-svc")
        yield ("spec", "router", "route"), {"http": {"spec": {"rules": made["spec"]["rules"]}}}


def main_of(service: Obj) -> tuple[int, Obj]:
    """The container `main` of a service's template and its place in the list."""
    containers = ((service["spec"].get("template") or {}).get("containers")) or [{}]
    return next(((i, c) for i, c in enumerate(containers) if c.get("name") == "main"), (0, containers[0]))


def with_options(words: list[str], wanted: dict[str, str | None]) -> list[str]:
    """Command-line words with options set; None is an option without a value."""
    left: list[str] = []
    skip = False
    for word in words:
        name, equals, _ = str(word).partition("=")
        if skip:
            skip = False
        elif name in wanted:
            skip = not equals and wanted[name] is not None
        else:
            left.append(str(word))
    return [*left, *(name if value is None else f"{name}={value}" for name, value in wanted.items())]
