"""Plans for a deployment that exists: scale, stop, wake. Pure: they read the description, the price table, no clock.

Up: nodes first, then replicas. Down: replicas first, then exactly the nodes they have left, by name, because a resize
lets Google pick the machines, whatever runs on them.
"""

from __future__ import annotations

from collections.abc import Iterable

from rhaii_tui.catalog.accelerators import accelerator_facts
from rhaii_tui.catalog.bill import Bill
from rhaii_tui.catalog.durations import usual
from rhaii_tui.catalog.findings import Command
from rhaii_tui.catalog.shapes import Accelerator
from rhaii_tui.catalog.target import Target
from rhaii_tui.deployment.plan import Change, Effect, Plan, PlanKind, StepSpec
from rhaii_tui.operations import commands
from rhaii_tui.operations.discovery import Deployment
from rhaii_tui.operations.trouble import Trouble

MOST_REPLICAS = 16


def surplus(found: Deployment) -> int:
    """Nodes of the pool that neither the service nor anybody else is on, and that no autoscaler would take away."""
    return 0 if found.pool.autoscaled else max(0, found.nodes - found.replicas - found.others)


def scale_plan(found: Deployment, replicas: int) -> Plan:
    """To `replicas`, 1 to 16; as many as there are already gives back nodes that nothing is on, as an operation that
    was broken off leaves them. Raises Trouble for other numbers and for a service that is stopped."""
    if not 1 <= replicas <= MOST_REPLICAS:
        raise Trouble(
            f"{replicas} replicas are not possible",
            f"A service has 1 to {MOST_REPLICAS} replicas here.",
            "To have none and pay for none: rhaii-tui stop.",
            usage=True,
        )
    name = f"{found.target.namespace}/{found.target.service}"
    if found.stopped:
        raise Trouble(f"{name} is stopped", "It has no replicas to change.", f"rhaii-tui wake --replicas {replicas}.")
    gives_back = replicas == found.replicas and surplus(found) > 0
    nodes = replicas + found.others
    stays = replicas >= found.replicas and not gives_back
    if stays:
        nodes = max(nodes + len(found.cordoned), found.nodes)
    _refuse_zones(found, nodes)
    change = _change(found, replicas, nodes, _scale_notes(found, replicas, nodes))
    if stays:
        change = _with_room(found, change)
    target = _target(found, replicas)
    if replicas < found.replicas:
        road = [("connect", ()), ("service", ("connect",)), ("drained", ("service",)), ("pool", ("drained",))]
    elif gives_back:
        road = [("connect", ()), ("pool", ("connect",))]
    elif nodes > found.nodes:
        road = [("connect", ()), ("limits", ()), ("pool", ("limits", "connect")), ("accelerators", ("pool",))]
        road += [("service", ("accelerators",)), ("replicas", ("service",))]
    else:
        road = [("connect", ()), ("service", ("connect",)), ("replicas", ("service",))]
    road = _uncordoned_first(road, change)
    last = road[-1][0]
    road += [("routes", (last,)), ("members", ("routes",)), ("verify", ("members",)), ("count", ("verify",))]
    return _plan("scale", target, road, change, found)


def stop_plan(found: Deployment) -> Plan:
    """To nothing that costs but the cluster: the service's own stop first, then its nodes."""
    change = _change(found, 0, found.others, _stop_notes(found), dict(found.pool.scaling))
    road = [("connect", ()), ("stop", ("connect",)), ("gone", ("stop",))]
    if found.pool.autoscaled:
        road += [("autoscaler", ("gone",)), ("pool", ("autoscaler",))]
    else:
        road += [("pool", ("gone",))]
    road += [("zero", ("pool",))]
    return _plan("stop", _target(found, max(found.replicas, 1)), road, change, found)


def wake_plan(found: Deployment, replicas: int | None, scaling: dict[str, int | str]) -> Plan:
    """Back to `replicas` (None: as many as it wants, or had). `scaling`: the autoscaler's settings to give back.

    Raises Trouble for numbers other than 1 to 16.
    """
    wanted = (found.replicas or found.before or 1) if replicas is None else replicas
    if not 1 <= wanted <= MOST_REPLICAS:
        raise Trouble(
            f"{wanted} replicas are not possible", f"A service has 1 to {MOST_REPLICAS} replicas here.", usage=True
        )
    nodes = max(wanted + found.others + len(found.cordoned), found.nodes)
    _refuse_zones(found, nodes)
    change = _with_room(found, _change(found, wanted, nodes, (), scaling))
    road = [("connect", ()), ("limits", ()), ("pool", ("limits", "connect"))]
    if scaling:
        road += [("autoscaler", ("pool",))]
    road += [("accelerators", (road[-1][0],)), ("start", ("accelerators",)), ("replicas", ("start",))]
    road += [("routes", ("start",)), ("members", ("replicas", "routes")), ("verify", ("members",))]
    road = _uncordoned_first([*road, ("count", ("verify",))], change)
    return _plan("wake", _target(found, wanted), road, change, found)


def _with_room(found: Deployment, change: Change) -> Change:
    """For replicas to come: nodes that we have cordoned are used again, those of others are left and said."""
    if not found.cordoned:
        return change.model_copy(update={"uncordons": found.ours_cordoned})
    names = ", ".join(found.cordoned)
    note = (
        f"{names}: cordoned, and not by an operation from here, so that no replica can go there. They are left as they "
        f"are, are billed, and do not count as room; kubectl uncordon {' '.join(found.cordoned)} would make them room."
    )
    return change.model_copy(update={"uncordons": found.ours_cordoned, "notes": (*change.notes, note)})


def _uncordoned_first(road: list[tuple[str, tuple[str, ...]]], change: Change) -> list[tuple[str, tuple[str, ...]]]:
    """The road with its cordoned nodes given back before anything counts on them."""
    if not change.uncordons:
        return road
    needs = next(id for id in ("accelerators", "service") if any(id == step for step, _ in road))
    at = next(i for i, (id, _) in enumerate(road) if id == needs)
    before = (needs, (*road[at][1], "uncordon"))
    return [*road[:at], ("uncordon", ("connect",)), before, *road[at + 1 :]]


def _refuse_zones(found: Deployment, nodes: int) -> None:
    """Raise Trouble for growing a pool over several zones: GKE is told a size per zone, so that a zone with more nodes
    than that would lose one, whatever runs on it, and another might get one that nobody asked for."""
    zones = found.pool.locations
    if nodes > found.nodes and len(zones) > 1:
        raise Trouble(
            f"{found.pool.name} has nodes in several zones",
            f"They are {', '.join(zones)}; GKE sets one size for each of them, and may take away nodes that serve.",
            f"Make it {nodes} nodes with gcloud container clusters resize; then the same command uses them.",
        )


def bill_for(target: Target, nodes: int) -> Bill:
    """What the cluster costs with so many accelerator nodes; lines that come to nothing are left out."""
    from rhaii_tui.advisor.bill import bill_of

    whole = bill_of(target.accelerator, target.region, target.provisioning, nodes)
    return whole.model_copy(update={"components": tuple(c for c in whole.components if c.quantity)})


def step(id: str, target: Target, change: Change, after: Iterable[str], kind: PlanKind) -> StepSpec:
    """One step with its title, usual time and the lines that would do the same."""
    title, takes, waits_for, effect = _WORDS[id, kind] if (id, kind) in _WORDS else _WORDS[id, "scale"]
    if id == "pool":
        title, takes, effect = _pool_words(change)
    time = usual(takes, target.accelerator)
    values = {**target.model_dump(), "n": change.replicas_after, "nodes": change.nodes_after}
    return StepSpec(
        id=id,
        title=title.format(**values),
        after=tuple(after),
        effect=effect,
        usual_seconds=time.seconds,
        usual_source=time.source,
        waits_for=waits_for.format(**values),
        commands=tuple(Command(text=text, why=why) for text, why in commands.lines(id, kind, target, change)),
    )


def _plan(
    kind: PlanKind, target: Target, road: list[tuple[str, tuple[str, ...]]], change: Change, found: Deployment
) -> Plan:
    routed = target.shape.routed
    skipped = () if routed else ("members",)
    steps = []
    for id, after in road:
        if id in skipped:
            continue
        before = tuple(a if a not in skipped else "routes" for a in after)
        steps.append(step(id, target, change, before, kind))
    return Plan(
        kind=kind,
        target=target,
        steps=tuple(steps),
        bill=bill_for(target, change.nodes_after),
        bill_before=bill_for(target, found.nodes),
        change=change,
    )


def _change(
    found: Deployment, replicas: int, nodes: int, notes: tuple[str, ...], scaling: dict[str, int | str] | None = None
) -> Change:
    return Change(
        replicas_before=0 if found.stopped else found.replicas,
        replicas_after=replicas,
        nodes_before=found.nodes,
        nodes_after=nodes,
        endpoint=found.endpoint,
        ours=found.ours,
        scaling=scaling or {},
        notes=(*_common_notes(found), *notes),
    )


def _target(found: Deployment, replicas: int) -> Target:
    return found.target.model_copy(update={"replicas": replicas})


def _common_notes(found: Deployment) -> tuple[str, ...]:
    facts = accelerator_facts(found.target.accelerator)
    notes = []
    if found.pool.machine_type != facts.machine_type:
        notes.append(f"The pool has {found.pool.machine_type} machines; the bill is that of {facts.machine_type}.")
    if found.others:
        notes.append(f"{found.others} nodes of the pool carry other workloads and are left as they are.")
    return tuple(notes)


def _scale_notes(found: Deployment, replicas: int, nodes: int) -> tuple[str, ...]:
    scaling, notes = found.pool.scaling, []
    most = int(scaling.get("total_max_node_count") or scaling.get("max_node_count") or 0)
    least = int(scaling.get("total_min_node_count") or scaling.get("min_node_count") or 0)
    if scaling and nodes > most:
        notes.append(f"The pool's autoscaler allows {most} nodes at most; it will not replace a lost one beyond that.")
    if scaling and nodes < least:
        notes.append(f"The pool's autoscaler keeps {least} nodes at least; it may bring some back.")
    if replicas == found.replicas and nodes < found.nodes:
        notes.append(f"{found.nodes - nodes} nodes carry nothing and are given back.")
    if nodes < found.nodes and found.target.provisioning != "on-demand":
        notes.append("Spot and flex-start machines that are given back may not be had again soon.")
    return tuple(notes)


def _stop_notes(found: Deployment) -> tuple[str, ...]:
    notes = []
    if found.target.accelerator is Accelerator.TPU_V6E:
        notes.append(
            "TPU capacity that is given back may be gone when you wake: a stockout can last hours, and quota is no "
            "capacity."
        )
    elif found.target.provisioning != "on-demand":
        notes.append("Spot machines that are given back may not be had again soon.")
    if found.pool.autoscaled:
        notes.append("The pool's autoscaler is switched off, so that the stop lasts; wake gives it back as it was.")
    notes.append("Requests get errors until it is woken.")
    return tuple(notes)


def _pool_words(change: Change) -> tuple[str, str, Effect]:
    title = f"Node pool, {change.nodes_before} to {change.nodes_after}"
    if change.nodes_after >= change.nodes_before:
        return title, "grow", Effect.SPEND
    return title, "resize-down", Effect.CHANGE


_SEE, _DO = Effect.OBSERVE, Effect.CHANGE
_WORDS: dict[tuple[str, str], tuple[str, str, str, Effect]] = {
    ("connect", "scale"): ("Connect to the cluster", "credentials", "API server ready", _SEE),
    ("limits", "scale"): ("Zone and quotas", "verify", "enough of each quota left, the zone offers the machines", _SEE),
    ("pool", "scale"): ("Node pool", "grow", "{nodes} nodes in the instance group of {pool}", _DO),
    ("accelerators", "scale"): (
        "Accelerators on the nodes", "device-plugin", "{n} nodes Ready with the accelerator allocatable", _SEE
    ),
    ("uncordon", "scale"): ("Nodes back in use", "service", "no node of ours in {pool} is cordoned", _DO),
    ("service", "scale"): ("Replicas wanted: {n}", "service", "spec.replicas of {service} is {n}", _DO),
    ("drained", "scale"): ("Drain", "drain", "surplus replicas have answered their last requests and are gone", _SEE),
    ("replicas", "scale"): ("Replicas", "pods", "{n} of {n} ready and WorkloadsReady True", _SEE),
    ("routes", "scale"): ("Routes", "routes", "RouterReady True", _SEE),
    ("members", "scale"): ("Endpoint picker's pool", "verify", "the endpoint picker counts {n} ready pods", _SEE),
    ("verify", "scale"): ("Answered request", "verify", "health, models and a completion with text", _SEE),
    ("count", "scale"): ("Count", "secrets", "replicas and nodes as they are now", _SEE),
    ("stop", "stop"): ("Stop the service", "service", "annotation serving.kserve.io/stop is true", _DO),
    ("gone", "stop"): ("Workloads gone", "stop", "no replica and no Deployment of {service} is left", _SEE),
    ("autoscaler", "stop"): ("Autoscaler off", "autoscaling", "node pool {pool} has no autoscaler", _DO),
    ("zero", "stop"): ("Zero, verified twice", "twice", "no node and an instance group of size {nodes}, twice", _SEE),
    ("autoscaler", "wake"): ("Autoscaler back", "autoscaling", "node pool {pool} has its autoscaler as before", _DO),
    ("start", "wake"): ("Start the service", "service", "no stop annotation, spec.replicas is {n}", _DO),
}  # fmt: skip
