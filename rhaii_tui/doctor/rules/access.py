"""Access: the Google APIs the deployment needs, the cluster's API server, and what we may do there."""

from __future__ import annotations

from collections.abc import Iterator

from rhaii_tui.catalog.findings import Command, Evidence, Status
from rhaii_tui.deployment.plan import Effect
from rhaii_tui.doctor.evidence import Snapshot
from rhaii_tui.doctor.hops import Hop
from rhaii_tui.doctor.pieces import Unread
from rhaii_tui.doctor.rule import Change, Fix, Hit, HopRules, Rule


def _api_disabled(s: Snapshot) -> Iterator[Hit]:
    for name in ("GKE cluster", "GKE operations"):
        piece = s.facts.get(name)
        if isinstance(piece, Unread) and piece.reason.startswith("API_DISABLED"):
            yield _off(s, ("container.googleapis.com",), name, piece.reason)
            return
    states: dict[str, str] = s.fact("Google APIs")
    if off := tuple(name for name, state in states.items() if state == "DISABLED"):
        yield _off(s, off, "serviceusage services.batchGet", ", ".join(f"{n} DISABLED" for n in off))


def _off(s: Snapshot, off: tuple[str, ...], source: str, text: str) -> Hit:
    return Hit(
        about=s.place.project,
        message=f"{', '.join(off)} is switched off in project {s.place.project}.",
        evidence=(s.note(source, text),),
        fix=Fix(
            title=f"Switch {', '.join(off)} on",
            changes=(Change("enable-api", "Service", "", s.place.project, {"services": list(off)}),),
            commands=(Command(text=f"gcloud services enable {' '.join(off)} --project {s.place.project}"),),
            undoable=False,
            settle=180.0,
        ),
        raw=text,
    )


def _denied(s: Snapshot) -> Iterator[Hit]:
    if not s.fact("may create clusterroles"):
        yield Hit(
            about=s.place.cluster or "cluster",
            message='This account cannot create resource "clusterroles" in the cluster.',
            evidence=(s.note("SelfSubjectAccessReview create clusterroles", "allowed: false"),),
            status=Status.WARN,
            fix=Fix(
                title="Ask for the role Kubernetes Engine Admin (roles/container.admin)",
                commands=(
                    Command(
                        text=f"gcloud projects add-iam-policy-binding {s.place.project or 'PROJECT'} "
                        "--member user:YOU --role roles/container.admin",
                        why="A project owner runs it; the role Editor is not enough for cluster roles.",
                    ),
                ),
            ),
        )


def _cluster_broken(s: Snapshot) -> Iterator[Hit]:
    info = s.google_cluster
    if info.status in ("ERROR", "DEGRADED"):
        yield Hit(
            about=info.name,
            message=f"GKE calls cluster {info.name} {info.status}.",
            evidence=(s.note(f"GKE cluster {info.name} status", f"{info.status} {info.status_message}".strip()),),
            fix=Fix(
                title="Read what GKE says about the cluster",
                effect=Effect.OBSERVE,
                commands=(
                    Command(
                        text=f"gcloud container clusters describe {info.name} --zone {s.place.zone} "
                        f"--project {s.place.project} --format='yaml(status,statusMessage,conditions)'"
                    ),
                ),
            ),
            raw="; ".join(info.conditions),
        )


def _prove(s: Snapshot) -> Evidence | None:
    nodes = s.items("Node")
    allowed = bool(s.fact("may create clusterroles"))
    return s.note("Kubernetes API", f"answers, {len(nodes)} nodes listed", "Node") if allowed else None


RULES = HopRules(
    Hop.ACCESS,
    (
        Rule(
            "access.api-disabled",
            Hop.ACCESS,
            "Google answers that an API has not been used or is disabled.",
            "The Kubernetes Engine or Compute Engine API is off in the project.",
            "serviceusage says ENABLED for both services.",
            _api_disabled,
        ),
        Rule(
            "access.rbac",
            Hop.ACCESS,
            'Setup or operators fail with: cannot create resource "clusterroles".',
            "The account's role covers workloads but not cluster roles (Editor instead of Kubernetes Engine Admin).",
            "A SelfSubjectAccessReview for create clusterroles says allowed.",
            _denied,
        ),
        Rule(
            "access.cluster-broken",
            Hop.ACCESS,
            "The cluster answers partly or not at all.",
            "GKE itself reports the cluster in ERROR or DEGRADED.",
            "The cluster's status is RUNNING.",
            _cluster_broken,
        ),
    ),
    _prove,
)
