"""Images: pulled with a credential the registry accepts, under a name that exists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rhaii_tui.catalog.accelerators import accelerator_facts
from rhaii_tui.catalog.findings import Command, Evidence
from rhaii_tui.catalog.shapes import Accelerator
from rhaii_tui.doctor import edits
from rhaii_tui.doctor.evidence import ACCELERATORS, Snapshot
from rhaii_tui.doctor.hops import Hop
from rhaii_tui.doctor.rule import Change, Fix, Hit, HopRules, Rule
from rhaii_tui.doctor.sick import EVENT, container, containers, hits, signs
from rhaii_tui.kube.objects import name_of
from rhaii_tui.serving.manifests import PULL_SECRET

Json = dict[str, Any]


def _credentials(s: Snapshot) -> Iterator[Hit]:
    waiting = [p for p in s.replicas if _pulling(p)]
    yield from hits(s, EVENT, ("pull-credentials",), _renew(s, waiting))


def _pulling(pod: Json) -> bool:
    return any(
        ((c.get("state") or {}).get("waiting") or {}).get("reason") in ("ErrImagePull", "ImagePullBackOff")
        for c in containers(pod)
    )


def _renew(s: Snapshot, pods: list[Json]) -> Fix:
    target = s.place.target
    file = target.pull_secret_file if target else None
    namespace = s.place.namespace
    guide = (
        Command(
            text=f"kubectl -n {namespace} create secret generic {PULL_SECRET} "
            "--from-file=.dockerconfigjson=AUTH.json --type=kubernetes.io/dockerconfigjson",
            why="with a registry service account of access.redhat.com/terms-based-registry",
        ),
        *(Command(text=f"kubectl -n {namespace} delete pod {name_of(p)}") for p in pods),
    )
    if file is None:
        return Fix(title="Give a valid pull secret, then delete the waiting pods", commands=guide)
    return Fix(
        title=f"Write the pull secret from {file.name} again and restart the waiting pods",
        changes=(
            Change("secret-from-file", "Secret", namespace, PULL_SECRET, {"file": str(file), "what": "pull"}),
            *edits.restart(pods),
        ),
        commands=guide,
        risk="Put a valid credential into the file first: the one in the cluster is refused here too.",
        undoable=False,
        settle=900.0,
    )


def _secret_absent(s: Snapshot) -> Iterator[Hit]:
    named = {
        str(one.get("name"))
        for p in s.replicas
        if _pulling(p)
        for one in (p.get("spec") or {}).get("imagePullSecrets") or []
    }
    for name in sorted(named):
        if s.one("Secret", s.place.namespace, name) is None:
            yield Hit(
                about=name,
                message=f"The replicas name the pull secret {name}, which is not in {s.place.namespace}.",
                evidence=(s.note(f"Secrets in {s.place.namespace}", f"no {name}", "Secret"),),
                fix=_renew(s, [p for p in s.replicas if _pulling(p)]),
            )


def _missing(s: Snapshot) -> Iterator[Hit]:
    """The registry answers that it has no such image; a tag that is known to exist is offered."""
    found = [x for x in signs(s, EVENT) if x.signature.rule == "image-missing"]
    found += [x for x in _invalid_names(s) if x not in found]
    if not found:
        return
    main = str(edits.main_container(s).get("image") or "")
    first = found[0]
    if container(first.pod, "main") and not _main_waits(first.pod):
        main = ""  # it is another container's image, which is not the service's to name
    known = accelerator_facts(Accelerator.TPU_V6E if s.resource == ACCELERATORS[1] else Accelerator.GPU_T4).image
    fix = Fix(
        title="Correct the image",
        commands=(edits.edit_command(s),),
    )
    if main and main != known:

        def edit(container: Json) -> None:
            container["image"] = known

        fix = Fix(
            title=f"Use {known}",
            changes=edits.with_main(s, edit),
            commands=(edits.edit_command(s),),
            risk="Another engine version may know other options.",
            settle=1200.0,
        )
    yield Hit(
        about=", ".join(name_of(f.pod) for f in found),
        message=f"The image does not exist under this name and tag: {main or first.text[:120]}",
        evidence=tuple(f.evidence for f in found[:3]),
        fix=fix,
        raw=first.text[:2000],
    )


def _main_waits(pod: Json) -> bool:
    return "waiting" in (container(pod, "main").get("state") or {})


def _invalid_names(s: Snapshot) -> list[Any]:
    return [
        x
        for x in signs(s, EVENT)
        if any(
            ((c.get("state") or {}).get("waiting") or {}).get("reason") == "InvalidImageName" for c in containers(x.pod)
        )
    ]


def _disk(s: Snapshot) -> Iterator[Hit]:
    yield from hits(
        s,
        EVENT,
        ("disk-full",),
        edits.larger_disks(s),
    )


def _sandbox(s: Snapshot) -> Iterator[Hit]:
    yield from hits(
        s,
        EVENT,
        ("sandbox",),
        Fix(
            title="Remove the Istio CNI's leftover, or recreate the node",
            commands=(Command(text="kubectl -n kube-system get daemonset | grep -i cni"),),
        ),
    )


def _prove(s: Snapshot) -> Evidence | None:
    ids = {str(container(p, "main").get("imageID") or "") for p in s.replicas}
    if not ids or "" in ids:
        return None
    return s.note("pods status.containerStatuses[].imageID", ", ".join(sorted(i[-20:] for i in ids)), "Pod")


RULES = HopRules(
    Hop.IMAGE,
    (
        Rule(
            "image.secret-absent",
            Hop.IMAGE,
            "ImagePullBackOff: 401 Unauthorized.",
            "The pull secret that the pods name is not in their namespace.",
            "The Secret exists there.",
            _secret_absent,
        ),
        Rule(
            "image.credentials",
            Hop.IMAGE,
            "ImagePullBackOff: 401 Unauthorized.",
            "The registry refuses the pull secret: wrong, expired, or not entitled.",
            "A pull with it succeeds.",
            _credentials,
            explained_by=("image.secret-absent",),
        ),
        Rule(
            "image.missing",
            Hop.IMAGE,
            "ImagePullBackOff: manifest unknown, not found.",
            "The registry has no image of this name and tag.",
            "The pull succeeds.",
            _missing,
        ),
        Rule(
            "image.disk",
            Hop.IMAGE,
            "Pods are evicted, or pulls end with: no space left on device.",
            "Image and model together do not fit on the node's disk.",
            "The node's condition DiskPressure is False.",
            _disk,
        ),
        Rule(
            "image.sandbox",
            Hop.IMAGE,
            "Failed to create pod sandbox.",
            "The node cannot set up the pod's network.",
            "The pod's sandbox starts.",
            _sandbox,
        ),
    ),
    _prove,
)
