"""Which program a container runs: a model server, its helpers, or something plain."""

from __future__ import annotations

from rhaii_tui.practice.actors.images import is_engine
from rhaii_tui.practice.actors.objects import labels_of
from rhaii_tui.practice.actors.processes.base import Place, Process
from rhaii_tui.practice.actors.processes.initializer import StorageInitializer
from rhaii_tui.practice.actors.processes.kserve_controller import KServeController
from rhaii_tui.practice.actors.processes.picker import Picker
from rhaii_tui.practice.actors.processes.plain import Plain
from rhaii_tui.practice.actors.processes.vllm import Vllm

SCHEDULER = "llminferenceservice-router-scheduler"


def choose(place: Place) -> Process:
    """The process of a container, by its image, its name and its pod's labels."""
    name, labels = place.container["name"], labels_of(place.pod)
    if "storage-initializer" in place.container["image"] or name == "storage-initializer":
        return StorageInitializer(place)
    if name == "main" and labels.get("app.kubernetes.io/component") == SCHEDULER:
        return Picker(place)
    if name == "main" and (is_engine(place.container["image"]) or labels.get("kserve.io/component") == "workload"):
        return Vllm(place)
    if labels.get("control-plane") == "kserve-controller-manager":
        return KServeController(place)
    return Plain(place)
