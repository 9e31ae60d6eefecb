"""What the journals of this machine remember of a cluster: what is ours in it, and what is to be given back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rhaii_tui.catalog.target import Target
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.journal import first_event, read_events, run_folders
from rhaii_tui.deployment.state import LedgerEntry

Place = tuple[str, str, str]
"""Project, zone and name of a cluster."""


def place(target: Target) -> Place:
    """The cluster a target is in."""
    return target.project, target.zone, target.cluster


def known_targets(home: Path, cloud: str) -> tuple[Target, ...]:
    """Targets of the runs on a cloud, newest first."""
    return tuple(begun.plan.target for _, begun in _runs(home, cloud))


def ledger(home: Path, cloud: str, where: Place) -> tuple[LedgerEntry, ...]:
    """Everything that runs have created, or have asked for, in and around a cluster and that was not verified gone."""
    entries: dict[tuple[str, str], LedgerEntry] = {}
    for folder, begun in reversed(list(_runs(home, cloud))):
        if place(begun.plan.target) == where:
            for event in read_events(folder):
                _enter(entries, event, begun.run)
    return tuple(entries.values())


def _enter(entries: dict[tuple[str, str], LedgerEntry], event: e.Event, run: str) -> None:
    match event:
        case e.ResourceCreated(kind=kind, name=name):
            entries[kind, name] = LedgerEntry(kind, name, event.step, event.at, event.uid, run)
        case e.IntentRecorded(action="create" | "apply" | "install", kind=kind, name=name):
            known = entries.get((kind, name))
            if event.existing and known is not None and (known.uid, known.run) == ("", run):
                del entries[kind, name]
            elif not event.existing and (known is None or known.run != run):
                # It was absent then: what an earlier run has made under the name is gone.
                entries[kind, name] = LedgerEntry(kind, name, event.step, event.at, run=run)
        case e.ResourceDeleted(kind=kind, name=name):
            entries.pop((kind, name), None)


def entry(home: Path, cloud: str, where: Place, kind: str, name: str) -> LedgerEntry | None:
    """The ledger's entry of one resource; None when there is none."""
    return next((x for x in ledger(home, cloud, where) if (x.kind, x.name) == (kind, name)), None)


def scaling_to_restore(home: Path, cloud: str, where: Place, pool: str) -> dict[str, int | str]:
    """The settings of a pool's autoscaler that we switched off and have not given back; empty when there are none."""
    scaling: dict[str, int | str] = {}
    for event in _events(home, cloud, where):
        if isinstance(event, e.AutoscalerSwitched) and event.pool == pool:
            scaling = {} if event.enabled else event.scaling
    return scaling


def replicas_before_stop(home: Path, cloud: str, where: Place, service: str) -> int:
    """How many replicas `namespace/service` had before its last stop; 0 when none is remembered."""
    for _, begun in _runs(home, cloud):
        target, change = begun.plan.target, begun.plan.change
        named = (place(target), f"{target.namespace}/{target.service}") == (where, service)
        if named and begun.plan.kind == "stop" and change is not None and change.replicas_before:
            return change.replicas_before
    return 0


def cordoned(home: Path, cloud: str, where: Place) -> dict[str, float]:
    """Nodes that a run of ours has cordoned and that no step since has come to its end with giving back: when."""
    names: dict[str, float] = {}
    given_back: dict[str, str] = {}
    for event in _events(home, cloud, where):
        match event:
            case e.IntentRecorded(action="cordon"):
                names[event.name] = event.at
                given_back.pop(event.name, None)
            case e.IntentRecorded(action="uncordon"):
                given_back[event.name] = event.step
            case e.StepFinished():
                for name in [n for n, step in given_back.items() if step == event.step]:
                    names.pop(name, None)
                    del given_back[name]
    return names


def _events(home: Path, cloud: str, where: Place) -> Iterator[e.Event]:
    """Of all runs about a cluster, oldest first."""
    for folder, begun in reversed(list(_runs(home, cloud))):
        if place(begun.plan.target) == where:
            yield from read_events(folder)


def _runs(home: Path, cloud: str) -> Iterator[tuple[Path, e.RunStarted]]:
    for folder in run_folders(home):
        begun = first_event(folder)
        if isinstance(begun, e.RunStarted) and begun.cloud == cloud:
            yield folder, begun
