"""Controllers: the operators behind the objects, their webhooks and presets."""

from __future__ import annotations

from collections.abc import Iterator

from rhaii_tui.catalog.findings import Command, Evidence
from rhaii_tui.doctor import edits
from rhaii_tui.doctor.evidence import Snapshot, is_true, labels_of, status_of
from rhaii_tui.doctor.hops import Hop
from rhaii_tui.doctor.pieces import Missing
from rhaii_tui.doctor.policies import selects
from rhaii_tui.doctor.rule import Fix, Hit, HopRules, Rule
from rhaii_tui.doctor.sick import words
from rhaii_tui.kube.objects import name_of
from rhaii_tui.kube.pod_status import status
from rhaii_tui.serving import conditions
from rhaii_tui.serving.stack import EA1, EA2

_OURS = ("serving.kserve.io", "cert-manager")
"""Webhooks whose absence stops our own objects: told by what their configurations' names contain."""


def _webhook(s: Snapshot) -> Iterator[Hit]:
    told: set[tuple[str, str]] = set()
    for configuration in s.items("ValidatingWebhookConfiguration"):
        if not any(part in name_of(configuration) for part in _OURS):
            continue
        for webhook in configuration.get("webhooks") or []:
            service = (webhook.get("clientConfig") or {}).get("service") or {}
            key = (str(service.get("namespace") or ""), str(service.get("name") or ""))
            if not key[1] or key in told:
                continue
            told.add(key)
            pods = _behind(s, *key)
            if pods and any(is_true(p, "Ready") for p in pods):
                continue
            if pods is None:
                continue
            seen = "; ".join(f"{name_of(p)} {words(p)}" for p in pods) or "no pod behind its Service"
            yield Hit(
                about=name_of(configuration),
                message=f"Webhook {webhook.get('name')} has no endpoints: {key[0]}/{key[1]} has no ready pod.",
                evidence=(s.note(f"Service {key[0]}/{key[1]}", seen, "Pod"),),
                fix=Fix(
                    title="Restart the controller behind the webhook",
                    changes=edits.restart(pods),
                    commands=(
                        *(Command(text=f"kubectl -n {key[0]} delete pod {name_of(p)}") for p in pods),
                        Command(text=f"kubectl -n {key[0]} get pods,certificates,events"),
                    ),
                    undoable=False,
                ),
            )


def _behind(s: Snapshot, namespace: str, service: str) -> list[dict[str, object]] | None:
    """Pods a webhook's Service leads to; None when that cannot be told from here."""
    pods = [p for p in s.items("Pod", namespace) if "deletionTimestamp" not in p["metadata"]]
    found = s.one("Service", namespace, service)
    if found is not None:
        selector = (found.get("spec") or {}).get("selector") or {}
        return [p for p in pods if selects({"matchLabels": selector}, labels_of(p))]
    # Services are read in two namespaces only: elsewhere the Deployment that carries the name stands for it.
    mine = [p for p in pods if name_of(p).startswith(service)]
    return mine or None


def _controller(s: Snapshot) -> Iterator[Hit]:
    for stack in (EA1, EA2):
        controller = s.one("Deployment", stack.controller_namespace, stack.controller)
        if controller is None or is_true(controller, "Available"):
            continue
        pods = [p for p in s.items("Pod", stack.controller_namespace) if name_of(p).startswith(stack.controller)]
        seen = "; ".join(f"{name_of(p)} {words(p)}" for p in pods) or "no pod"
        yield Hit(
            about=stack.controller,
            message=f"The KServe controller {stack.controller} is not available.",
            evidence=(s.note(f"Deployment {stack.controller_namespace}/{stack.controller}", seen, "Deployment"),),
            fix=Fix(
                title="Restart the controller",
                changes=edits.restart(p for p in pods if status(p).word != "ContainerCreating"),
                commands=(
                    Command(text=f"kubectl -n {stack.controller_namespace} rollout restart deploy {stack.controller}"),
                    Command(
                        text=f"kubectl -n {stack.controller_namespace} get certificates,events",
                        why="ContainerCreating waits for its webhook certificate: is cert-manager ready?",
                    ),
                ),
                undoable=False,
            ),
        )


def _presets(s: Snapshot) -> Iterator[Hit]:
    service = s.service
    if service is None:
        return
    for reading in conditions.readings(service):
        if reading.condition == "PresetsCombined" and reading.status == "False" and reading.reason != "Stopped":
            yield Hit(
                about=s.place.service,
                message=f"KServe cannot build the service from its presets: {reading.reason}.",
                evidence=(
                    s.note(f"LLMInferenceService {s.place} PresetsCombined", conditions.words(reading),
                           "LLMInferenceService"),
                ),
                fix=Fix(
                    title="Install the presets again",
                    commands=(
                        Command(text="kubectl get llminferenceserviceconfigs -A"),
                        Command(text="make deploy-all", why="in the operators' checkout: writes the presets anew"),
                    ),
                ),
                raw=reading.message,
            )  # fmt: skip


def _prove(s: Snapshot) -> Evidence | None:
    for stack in (EA1, EA2):
        controller = s.one("Deployment", stack.controller_namespace, stack.controller)
        if controller is not None and is_true(controller, "Available"):
            ready = status_of(controller).get("readyReplicas", 0)
            try:
                s.items("ValidatingWebhookConfiguration")
            except Missing:
                return None
            source = f"Deployment {stack.controller_namespace}/{stack.controller}"
            return s.note(source, f"Available, {ready} ready", "Deployment")
    return None


RULES = HopRules(
    Hop.CONTROLLERS,
    (
        Rule(
            "controllers.webhook",
            Hop.CONTROLLERS,
            "Applying a service fails with: failed calling webhook, no endpoints available.",
            "The controller behind the admission webhook is not ready.",
            "A pod behind the webhook's Service is Ready.",
            _webhook,
        ),
        Rule(
            "controllers.unavailable",
            Hop.CONTROLLERS,
            "Changes of the service have no effect.",
            "The KServe controller does not run.",
            "Its Deployment is Available.",
            _controller,
            explained_by=("controllers.webhook",),
        ),
        Rule(
            "controllers.presets",
            Hop.CONTROLLERS,
            "The service is created and nothing follows.",
            "A LLMInferenceServiceConfig preset is missing or cannot be merged.",
            "Condition PresetsCombined is True.",
            _presets,
        ),
    ),
    _prove,
)
