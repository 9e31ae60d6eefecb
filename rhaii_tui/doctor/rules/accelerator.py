"""Accelerators: handed out by the node, and seen by the engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rhaii_tui.catalog.findings import Command, Evidence
from rhaii_tui.deployment.plan import Effect
from rhaii_tui.doctor import edits
from rhaii_tui.doctor.evidence import Snapshot, is_true, labels_of, status_of
from rhaii_tui.doctor.gathering_pods import plugin_pods
from rhaii_tui.doctor.hops import Hop
from rhaii_tui.doctor.pieces import Missing
from rhaii_tui.doctor.rule import Fix, Hit, HopRules, Rule
from rhaii_tui.doctor.sick import ENGINE, EVENT, hits, words
from rhaii_tui.doctor.transitions import is_joining
from rhaii_tui.kube.nodes import read
from rhaii_tui.kube.objects import name_of

Json = dict[str, Any]


def _unregistered(s: Snapshot) -> Iterator[Hit]:
    bare = [
        n
        for n in s.accelerator_nodes
        if s.resource and is_true(n, "Ready") and not read(n, s.resource).allocatable and not is_joining(s, n)
    ]
    if not bare:
        return
    names = {name_of(n) for n in bare}
    plugins = [p for p in plugin_pods(s) if (p.get("spec") or {}).get("nodeName") in names]
    evidence = [s.note(f"node {name_of(n)} status.allocatable", f"no {s.resource}", "Node") for n in bare[:2]]
    evidence += [s.note(f"pod {name_of(p)}", words(p), "Pod") for p in plugins[:2]]
    told = _plugin_words(s, plugins)
    evidence += told
    operator = labels_of(bare[0]).get("gke-no-default-nvidia-gpu-device-plugin") == "true"
    guide = (
        Command(text="kubectl -n kube-system logs -l k8s-app=nvidia-gpu-device-plugin --tail=50"),
        Command(
            text="helm install gpu-operator nvidia/gpu-operator -n gpu-operator",
            why="where GKE's own plugin keeps failing with CDI errors (seen on 1.34)"
            if not operator
            else "the node's label says that the GPU Operator hands out its GPUs",
        ),
    )
    yield Hit(
        about=", ".join(sorted(names)),
        message=f"{len(bare)} accelerator node(s) hand out no {s.resource}: the device plugin has not registered it.",
        evidence=tuple(evidence),
        fix=Fix(
            title="Restart the device plugin on these nodes" if plugins else "Bring a device plugin to these nodes",
            changes=edits.restart(plugins),
            commands=guide,
            undoable=False,
            settle=1200.0,
        ),
        node=name_of(bare[0]),
        raw=told[0].text if told else "",
    )


def _plugin_words(s: Snapshot, plugins: list[Json]) -> list[Evidence]:
    found = []
    for pod in plugins:
        for one in (pod.get("spec") or {}).get("containers") or []:
            try:
                lines = s.log_lines(name_of(pod), str(one.get("name")))
            except Missing:
                continue
            bad = [(t, src) for t, src in lines if "CDI" in t or "error" in t.lower() or "failed" in t.lower()]
            if bad:
                found.append(Evidence(source=bad[-1][1], text=bad[-1][0][:400], observed_at=s.at))
    return found


def _refused(s: Snapshot) -> Iterator[Hit]:
    failed = [p for p in s.replicas if status_of(p).get("reason") == "UnexpectedAdmissionError"]
    yield from hits(s, EVENT, ("device-plugin",), _again(s, failed))


def _again(s: Snapshot, pods: list[Json]) -> Fix:
    return Fix(
        title="Delete the pod once; if it comes again, install the GPU Operator",
        changes=edits.restart(pods),
        commands=(Command(text=f"kubectl -n {s.place.namespace} get pods -o wide"),),
        undoable=False,
        settle=1200.0,
    )


def _unseen(s: Snapshot) -> Iterator[Hit]:
    yield from hits(
        s,
        ENGINE,
        ("no-gpu", "tpu-init"),
        Fix(
            title="Find what holds or hides the device",
            effect=Effect.OBSERVE,
            commands=(
                Command(text="kubectl -n kube-system get pods -o wide | grep device-plugin"),
                Command(text=f"kubectl -n {s.place.namespace} get pods -o wide", why="two pods on one TPU host?"),
            ),
        ),
    )


def _prove(s: Snapshot) -> Evidence | None:
    used = {(p.get("spec") or {}).get("nodeName") for p in s.replicas}
    mine = [n for n in s.accelerator_nodes if name_of(n) in used]
    counts = [read(n, s.resource).allocatable for n in mine]
    if mine and all(counts):
        return s.note("nodes status.allocatable", f"{sum(counts)} {s.resource} on {len(mine)} nodes", "Node")
    return None


RULES = HopRules(
    Hop.ACCELERATOR,
    (
        Rule(
            "accelerator.unregistered",
            Hop.ACCELERATOR,
            "Pending: Insufficient nvidia.com/gpu although the node is Ready.",
            "The driver is not installed, or the device plugin fails (CDI errors on GKE 1.34).",
            "The node's allocatable names the accelerator.",
            _unregistered,
        ),
        Rule(
            "accelerator.refused",
            Hop.ACCELERATOR,
            "A replica fails with UnexpectedAdmissionError.",
            "The device plugin could not hand out the accelerator it had promised.",
            "The pod starts.",
            _refused,
            explained_by=("accelerator.unregistered",),
        ),
        Rule(
            "accelerator.unseen",
            Hop.ACCELERATOR,
            "The engine sees no GPU, or the TPU does not come up.",
            "The device is not in the container, or another process holds it.",
            "The engine's log passes its device initialisation.",
            _unseen,
        ),
    ),
    _prove,
)
