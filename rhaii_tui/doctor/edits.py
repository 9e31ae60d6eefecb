"""Builders of fixes: edits of the service's own template, our own manifests for a place, restarts."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rhaii_tui.catalog.findings import Command
from rhaii_tui.catalog.shapes import Accelerator, Topology
from rhaii_tui.catalog.target import Target
from rhaii_tui.deployment.plan import Effect
from rhaii_tui.doctor.evidence import ACCELERATORS, Snapshot
from rhaii_tui.doctor.rule import Change, Fix
from rhaii_tui.kube.objects import name_of
from rhaii_tui.serving.stack import deployment_name

Json = dict[str, Any]
KIND = "LLMInferenceService"
MORE_ARGUMENTS = "VLLM_ADDITIONAL_ARGS"
"""Environment variable that the presets' start script appends to vLLM's options."""


def target_of(s: Snapshot) -> Target:
    """The run's target; for a service made by hand the parts of one that our manifests read."""
    if s.place.target is not None:
        return s.place.target
    tpu = s.resource == ACCELERATORS[1]
    return Target.model_construct(
        accelerator=Accelerator.TPU_V6E if tpu else Accelerator.GPU_T4,
        topology=Topology.SCALE_OUT if s.routed else Topology.SINGLE,
        namespace=s.place.namespace,
        service=s.place.service,
        replicas=s.wanted,
    )


def main_container(s: Snapshot) -> Json:
    """The engine's container as it runs: as its Deployment has it, presets merged in; else as the service asks for it.

    Empty without one.
    """
    for container in (*_deployment_containers(s), *_service_containers(s)):
        if container.get("name") == "main":
            return dict(container)
    return {}


def options(s: Snapshot) -> dict[str, str]:
    """vLLM's options as given: `{"--dtype": "half"}`; "" for those without a value."""
    main = main_container(s)
    more = [str(e.get("value") or "") for e in main.get("env") or [] if e.get("name") == MORE_ARGUMENTS]
    given = [*(main.get("command") or []), *(main.get("args") or []), *more]
    # A preset's start script is one long word of shell.
    words = [w.strip("\"'\\") for text in given for w in (str(text).split() if " " in str(text) else [str(text)])]
    found: dict[str, str] = {}
    last = ""
    for word in map(str, words):
        if word.startswith("--"):
            last, equals, text = word.partition("=")
            found[last] = text
            last = "" if equals else last
        elif last:
            found[last], last = word, ""
    return found


def with_options(s: Snapshot, changes: Mapping[str, str | None]) -> tuple[Change, ...]:
    """Change engine options: a value sets, "" sets without a value, None removes."""

    def edit(main: Json) -> None:
        kept: list[str] = []
        skip = False
        for word in map(str, main.get("args") or []):
            name, equals, _ = word.partition("=")
            if skip and not word.startswith("--"):
                skip = False
                continue
            skip = False
            if name in changes:
                skip = not equals
                continue
            kept.append(word)
        added = [f"{n}={v}" if v else n for n, v in changes.items() if v is not None]
        env = [e for e in main.get("env") or [] if e.get("name") == MORE_ARGUMENTS]
        if env and not main.get("args"):
            words = [w for w in str(env[0].get("value") or "").split() if w.partition("=")[0] not in changes]
            others = [e for e in main["env"] if e.get("name") != MORE_ARGUMENTS]
            main["env"] = [*others, {"name": MORE_ARGUMENTS, "value": " ".join([*words, *added])}]
        else:
            main["args"] = [*kept, *added]

    return with_main(s, edit)


def with_main(s: Snapshot, edit: Callable[[Json], None]) -> tuple[Change, ...]:
    """Edit the engine's container in the service; outdated replicas without hope then make room for the new ones."""
    containers = [copy.deepcopy(dict(c)) for c in _service_containers(s)]
    mine = next((c for c in containers if c.get("name") == "main"), None)
    if mine is None:
        mine = {"name": "main"}
        edited = copy.deepcopy(main_container(s))
        edit(edited)
        mine |= {k: v for k, v in edited.items() if main_container(s).get(k) != v}
        containers.append(mine)
    else:
        edit(mine)
    return (service_patch(s, {"spec": {"template": {"containers": containers}}}), retire(s))


def service_patch(s: Snapshot, body: Json) -> Change:
    """A merge patch of the LLMInferenceService."""
    return Change("patch", KIND, s.place.namespace, s.place.service, body)


def retire(s: Snapshot) -> Change:
    """Delete outdated ReplicaSets without a ready replica: on a full pool they would hold what the new one needs."""
    name = name_of(s.deployment) if s.deployment else deployment_name(s.place.service)
    return Change("retire", "Deployment", s.place.namespace, name)


def restart(pods: Iterable[Mapping[str, Any]]) -> tuple[Change, ...]:
    """Delete these very pods; their owners make new ones."""
    return tuple(
        Change("delete", "Pod", p["metadata"]["namespace"], name_of(p), uid=str(p["metadata"].get("uid", "")))
        for p in pods
    )


def larger_disks(s: Snapshot) -> Fix:
    """For a disk that image and model do not fit on together: a node pool's disks cannot be changed, only made anew."""
    return Fix(
        title="Larger boot disks for the node pool, or a smaller model",
        effect=Effect.SPEND,
        commands=(
            Command(text="kubectl describe nodes | grep -i -A2 diskpressure"),
            Command(
                text=f"gcloud container node-pools describe {s.place.pool or 'POOL'} "
                f"--cluster {s.place.cluster or 'CLUSTER'} --zone {s.place.zone or 'ZONE'} "
                "--format='value(config.diskSizeGb)'",
                why="a pool's disks stay as they were made; another pool with --disk-size 200 takes its place",
            ),
        ),
    )


def edit_command(s: Snapshot) -> Command:
    """The line for those who edit by hand."""
    return Command(text=f"kubectl -n {s.place.namespace} edit llmisvc {s.place.service}")


def _service_containers(s: Snapshot) -> list[Mapping[str, Any]]:
    template = ((s.service or {}).get("spec") or {}).get("template") or {}
    return list(template.get("containers") or [])


def _deployment_containers(s: Snapshot) -> list[Mapping[str, Any]]:
    template = ((s.deployment or {}).get("spec") or {}).get("template") or {}
    return list((template.get("spec") or {}).get("containers") or [])
