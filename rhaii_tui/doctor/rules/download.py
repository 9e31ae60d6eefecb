"""The model's download: token, licence, memory, names, and the way out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rhaii_tui.catalog.findings import Command, Evidence, Status
from rhaii_tui.deployment.plan import Effect
from rhaii_tui.doctor import edits
from rhaii_tui.doctor.evidence import Snapshot, is_true
from rhaii_tui.doctor.hops import Hop
from rhaii_tui.doctor.rule import Change, Fix, Hit, HopRules, Rule
from rhaii_tui.doctor.sick import DOWNLOAD, container, ended, hits, sick, signs
from rhaii_tui.kube.objects import name_of
from rhaii_tui.serving.manifests import HUB_SECRET, STORAGE_SECRET_ANNOTATION
from rhaii_tui.serving.milestones import DOWNLOADER

Json = dict[str, Any]
KEY = "HF_TOKEN"
STUCK = 1200.0
"""Cloud seconds without a line of the download's log: a 3B model takes 30 to 60."""


def _secret_name(s: Snapshot) -> str:
    """The Secret the service takes its token from; empty when it names none."""
    service = s.service
    return str(((service or {}).get("metadata") or {}).get("annotations", {}).get(STORAGE_SECRET_ANNOTATION) or "")


def _wrong_key(s: Snapshot) -> Iterator[Hit]:
    """The download reads HF_TOKEN; a token under another key is as good as none."""
    name = _secret_name(s)
    secret = s.one("Secret", s.place.namespace, name) if name else None
    if secret is None:
        return
    keys = sorted(secret.get("data") or {})
    if KEY in keys or not keys:
        return
    likely = next((k for k in ("token", "hf_token", "HUGGING_FACE_HUB_TOKEN", "hf-token") if k in keys), keys[0])
    refused = [x for x in signs(s, DOWNLOAD) if x.signature.rule in ("hub-token", "model-access")]
    stuck = [p for p in s.replicas if not is_true(p, "Initialized")]
    yield Hit(
        about=name,
        message=f"Secret {name} has no key {KEY}: the download runs without a token.",
        evidence=(
            s.note(f"Secret {s.place.namespace}/{name} keys", ", ".join(keys), "Secret"),
            *(x.evidence for x in refused[:2]),
        ),
        fix=Fix(
            title=f"Add the key {KEY} with the value of {likely}, and restart the downloads",
            changes=(
                Change("copy-key", "Secret", s.place.namespace, name, {"from": likely, "to": KEY}),
                *_reconcile(s),
                *edits.restart(stuck),
            ),
            commands=(
                Command(
                    text=f"kubectl -n {s.place.namespace} create secret generic {name} --from-file={KEY}=TOKENFILE "
                    "--dry-run=client -o yaml | kubectl apply -f -"
                ),
            ),
            settle=900.0,
        ),
        status=Status.FAIL if refused or stuck else Status.WARN,
    )


def _reconcile(s: Snapshot) -> tuple[Change, ...]:
    """KServe reads the Secret's keys when it writes the replicas' template: an annotation makes it look again."""
    note = {"metadata": {"annotations": {"rhaii-tui.io/looked-again": f"{s.at:.0f}"}}}
    return (edits.service_patch(s, note),)


def _token(s: Snapshot) -> Iterator[Hit]:
    yield from hits(s, DOWNLOAD, ("hub-token",), _renew(s))


def _renew(s: Snapshot) -> Fix:
    target = s.place.target
    file = target.hf_token_file if target else None
    stuck = [p for p in s.replicas if not is_true(p, "Initialized")]
    guide = (
        Command(
            text=f"kubectl -n {s.place.namespace} create secret generic {HUB_SECRET} --from-file={KEY}=TOKENFILE",
            why="a read token of huggingface.co/settings/tokens",
        ),
        *(Command(text=f"kubectl -n {s.place.namespace} delete pod {name_of(p)}") for p in stuck),
    )
    if file is None:
        return Fix(title="Give a valid token, then delete the waiting pods", commands=guide)
    return Fix(
        title=f"Write the token from {file.name} again and restart the downloads",
        changes=(
            Change("secret-from-file", "Secret", s.place.namespace, HUB_SECRET, {"file": str(file), "what": "hub"}),
            *_reconcile(s),
            *edits.restart(stuck),
        ),
        commands=guide,
        risk="Put a valid token into the file first: the one in the cluster is refused here too.",
        undoable=False,
        settle=900.0,
    )


def _gated(s: Snapshot) -> Iterator[Hit]:
    model = str((((s.service or {}).get("spec") or {}).get("model") or {}).get("uri") or "").removeprefix("hf://")
    yield from hits(
        s,
        DOWNLOAD,
        ("model-access",),
        Fix(
            title="Accept the model's licence with the token's account, or choose an open model",
            commands=(
                Command(text=f"https://huggingface.co/{model}", why="the page where the licence is accepted"),
                edits.edit_command(s),
            ),
        ),
    )


def _memory(s: Snapshot) -> Iterator[Hit]:
    """Killed for memory: by the container's own limit, or because the node has less than the limit promises."""
    killed = [
        (p, t)
        for p in s.replicas
        if not is_true(p, "Initialized")
        for t in ended(container(p, DOWNLOADER))
        if t.get("reason") == "OOMKilled"
    ]
    if not killed:
        return
    pod, end = killed[0]
    limit = _limit(pod)
    yield Hit(
        about=", ".join(dict.fromkeys(name_of(p) for p, _ in killed)),
        message=f"The model's download is killed for memory (limit {limit or 'none'}).",
        evidence=(
            s.note(f"pod {name_of(pod)} {DOWNLOADER}", f"OOMKilled, exit {end.get('exitCode')}", "Pod"),
            s.note(f"pod {name_of(pod)} {DOWNLOADER} resources.limits.memory", limit or "none", "Pod"),
        ),
        fix=_more_memory(s, limit),
    )


def _limit(pod: Json) -> str:
    for one in (pod.get("spec") or {}).get("initContainers") or []:
        if one.get("name") == DOWNLOADER:
            return str(((one.get("resources") or {}).get("limits") or {}).get("memory") or "")
    return ""


def _more_memory(s: Snapshot, limit: str) -> Fix:
    """The shipped limit is 24Gi; where somebody set less in the service, that entry goes."""
    template = ((s.service or {}).get("spec") or {}).get("template") or {}
    own = [c for c in template.get("initContainers") or [] if c.get("name") == DOWNLOADER]
    kept = [c for c in template.get("initContainers") or [] if c.get("name") != DOWNLOADER]
    commands = (
        edits.edit_command(s),
        Command(text="rhaii-tui options", why="nodes with more memory, if the node itself is too small; costs"),
    )
    if own:
        return Fix(
            title="Remove the download's own memory limit from the service (the preset's is 24Gi)",
            changes=(
                edits.service_patch(s, {"spec": {"template": {"initContainers": kept or None}}}),
                edits.retire(s),
            ),
            commands=commands,
            settle=1200.0,
        )
    deployment = s.deployment
    if deployment is not None and limit and limit != "24Gi":
        pod_spec = ((deployment.get("spec") or {}).get("template") or {}).get("spec") or {}
        raised = [
            {**c, "resources": {**(c.get("resources") or {}), "limits": {"cpu": "1", "memory": "24Gi"}}}
            if c.get("name") == DOWNLOADER
            else c
            for c in pod_spec.get("initContainers") or []
        ]
        name = name_of(deployment)
        body = {"spec": {"template": {"spec": {"initContainers": raised}}}}
        return Fix(
            title="Give the download the preset's 24Gi again",
            changes=(Change("patch", "Deployment", s.place.namespace, name, body), edits.retire(s)),
            commands=commands,
            settle=1200.0,
        )
    return Fix(title="Nodes with more memory, or a smaller model", effect=Effect.SPEND, commands=commands)


def _egress(s: Snapshot) -> Iterator[Hit]:
    yield from hits(
        s,
        DOWNLOAD,
        ("egress",),
        Fix(
            title="Open the way: policies in the namespace, Cloud NAT for private nodes",
            commands=(Command(text=f"kubectl -n {s.place.namespace} get networkpolicy -o yaml"),),
        ),
    )


def _throttled(s: Snapshot) -> Iterator[Hit]:
    for hit in hits(
        s,
        DOWNLOAD,
        ("hub-throttled",),
        Fix(title="Wait, or use a token", effect=Effect.OBSERVE, commands=_renew(s).commands[:1]),
    ):
        yield Hit(hit.about, hit.message, hit.evidence, hit.fix, Status.WARN, raw=hit.raw)


def _disk(s: Snapshot) -> Iterator[Hit]:
    yield from hits(s, DOWNLOAD, ("disk-full",), edits.larger_disks(s))


def _silent(s: Snapshot) -> Iterator[Hit]:
    for pod in sick(s):
        if is_true(pod, "Initialized") or "running" not in (container(pod, DOWNLOADER).get("state") or {}):
            continue
        quiet = s.silence(name_of(pod), DOWNLOADER)
        if quiet is not None and quiet > STUCK:
            yield Hit(
                about=name_of(pod),
                message=f"The model's download has written nothing for {quiet / 60:.0f} minutes.",
                evidence=(s.note(f"log {name_of(pod)}/{DOWNLOADER}", f"last line {quiet:.0f} s ago"),),
                fix=Fix(title="Start the download again", changes=edits.restart([pod]), undoable=False, settle=900.0),
                status=Status.WARN,
            )


def _prove(s: Snapshot) -> Evidence | None:
    done = [p for p in s.replicas if is_true(p, "Initialized") and container(p, DOWNLOADER)]
    if s.replicas and len(done) == len(s.replicas):
        return s.note("pods Initialized", f"{len(done)} downloads finished", "Pod")
    return None


RULES = HopRules(
    Hop.DOWNLOAD,
    (
        Rule(
            "download.wrong-key",
            Hop.DOWNLOAD,
            "401 from Hugging Face although a token was given.",
            "The download reads the key HF_TOKEN, and the Secret has it under another name.",
            "The Secret has the key HF_TOKEN.",
            _wrong_key,
        ),
        Rule(
            "download.token",
            Hop.DOWNLOAD,
            "401 Client Error from Hugging Face.",
            "The token is missing or not valid.",
            "The download passes with it.",
            _token,
            explained_by=("download.wrong-key",),
        ),
        Rule(
            "download.gated",
            Hop.DOWNLOAD,
            "403 Client Error, access to the model is restricted.",
            "The token's account has not accepted the model's licence.",
            "The model's page shows that access is granted.",
            _gated,
            explained_by=("download.wrong-key",),
        ),
        Rule(
            "download.memory",
            Hop.DOWNLOAD,
            "Init:OOMKilled.",
            "The download needs more memory than its limit, or than the node has.",
            "The init container completes.",
            _memory,
        ),
        Rule(
            "download.egress",
            Hop.DOWNLOAD,
            "Name or service not known.",
            "DNS or the way out is closed.",
            "huggingface.co resolves from the pod.",
            _egress,
            explained_by=("policy.egress",),
        ),
        Rule(
            "download.throttled",
            Hop.DOWNLOAD,
            "429 Too Many Requests.",
            "Several anonymous downloads at once.",
            "The download goes on.",
            _throttled,
        ),
        Rule(
            "download.disk",
            Hop.DOWNLOAD,
            "No space left on device.",
            "The node's disk is too small for image and model.",
            "The download completes.",
            _disk,
        ),
        Rule(
            "download.silent",
            Hop.DOWNLOAD,
            "Init:0/1 for many minutes.",
            "The download hangs.",
            "Its log grows.",
            _silent,
            explained_by=("download.", "policy.egress"),
        ),
    ),
    _prove,
)
