"""The service and its TLS: a Service in front of the replicas, certificates, and both sides speaking HTTPS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rhaii_tui.catalog.findings import Command, Evidence, Status
from rhaii_tui.deployment.plan import Effect
from rhaii_tui.doctor import edits
from rhaii_tui.doctor.evidence import Snapshot, labels_of
from rhaii_tui.doctor.hops import Hop
from rhaii_tui.doctor.policies import selects
from rhaii_tui.doctor.rolling import ROLLED_FROM, owed
from rhaii_tui.doctor.rule import Change, Fix, Hit, HopRules, Rule
from rhaii_tui.kube.objects import name_of
from rhaii_tui.serving import conditions
from rhaii_tui.serving.stack import WORKLOAD_COMPONENT

Json = dict[str, Any]
TLS = {"--ssl-certfile": "/var/run/kserve/tls/tls.crt", "--ssl-keyfile": "/var/run/kserve/tls/tls.key"}


def _certificates(s: Snapshot) -> Iterator[Hit]:
    if s.service is None or not s.replicas:
        return
    name = f"{s.place.service}-kserve-self-signed-certs"
    if s.child("Secret", name) is None:
        yield Hit(
            about=name,
            message=f"Secret {name} with the replicas' certificate is not there.",
            evidence=(s.note(f"Secrets in {s.place.namespace}", f"no {name}", "Secret"),),
            fix=Fix(
                title="See why the controller does not write it (the CA's Secret, an RSA key)",
                effect=Effect.OBSERVE,
                commands=(Command(text="kubectl -n cert-manager get secret opendatahub-ca"), _describe(s)),
            ),
        )


def _selects_nothing(s: Snapshot) -> Iterator[Hit]:
    name = f"{s.place.service}-kserve-workload-svc"
    service = s.child("Service", name, component=WORKLOAD_COMPONENT)
    if s.service is None or not s.replicas or s.place.under_way:
        return
    if service is None:
        yield Hit(
            about=name,
            message=f"Service {name} in front of the replicas is not there.",
            evidence=(s.note(f"Services in {s.place.namespace}", f"no {name}", "Service"),),
            fix=Fix(title="See why the controller does not write it", effect=Effect.OBSERVE, commands=(_describe(s),)),
        )
        return
    name = name_of(service)
    selector = (service.get("spec") or {}).get("selector") or {}
    if not any(selects({"matchLabels": selector}, labels_of(p)) for p in s.replicas):
        yield Hit(
            about=name,
            message=f"Service {name} selects none of the replicas.",
            evidence=(s.note(f"Service {name} spec.selector", str(selector), "Service"),),
            fix=Fix(
                title="Have KServe write the Service anew",
                changes=(Change("delete", "Service", s.place.namespace, name, uid=service["metadata"].get("uid", "")),),
            ),
        )


def _plain(s: Snapshot) -> Iterator[Hit]:
    given = edits.options(s)
    if not edits.main_container(s) or set(TLS) <= set(given):
        return
    missing = [name for name in TLS if name not in given]
    yield Hit(
        about=s.place.service,
        message=f"vLLM speaks plain HTTP where everything else expects TLS: {', '.join(missing)} missing.",
        evidence=(
            s.note("container main args", " ".join(f"{k}={v}" for k, v in given.items()), "LLMInferenceService"),
        ),
        fix=Fix(
            title="Give vLLM the certificate that is mounted in its pod",
            changes=edits.with_options(s, dict(TLS)),
            commands=(edits.edit_command(s),),
            risk="The replicas are replaced.",
            settle=1200.0,
        ),
    )


def _sidecar(s: Snapshot) -> Iterator[Hit]:
    """A mesh proxy in the replicas or the picker: a second TLS, and seconds of latency."""
    pods = [p for p in (*s.replicas, *s.pickers) if "istio-proxy" in _containers(p)]
    namespace = s.one("Namespace", None, s.place.namespace)
    labels = labels_of(namespace) if namespace else {}
    injected = labels.get("istio-injection") == "enabled" or bool(labels.get("istio.io/rev"))
    if not pods and not injected:
        return
    evidence: list[Evidence] = []
    changes: list[Change] = []
    if injected:
        text = ", ".join(f"{k}={labels[k]}" for k in ("istio-injection", "istio.io/rev") if k in labels)
        evidence.append(s.note(f"Namespace {s.place.namespace} labels", text, "Namespace"))
        off = {k: None for k in ("istio-injection", "istio.io/rev") if k in labels}
        changes.append(Change("patch", "Namespace", "", s.place.namespace, {"metadata": {"labels": off}}))
    for pod in pods[:2]:
        evidence.append(s.note(f"pod {name_of(pod)} containers", ", ".join(_containers(pod)), "Pod"))
    service = s.service
    if service is not None and "sidecar.istio.io/inject" in labels_of(service):
        inject = {"metadata": {"labels": {"sidecar.istio.io/inject": None}}}
        changes.insert(0, edits.service_patch(s, inject))
    changes += edits.restart(pods)
    yield Hit(
        about=s.place.namespace,
        message="An Istio sidecar is injected into the service's pods: they answer slowly or not at all."
        if pods
        else f"Namespace {s.place.namespace} asks for Istio sidecars: the next replica gets one.",
        evidence=tuple(evidence),
        fix=Fix(
            title="Take the injection label away and restart the pods that have a sidecar",
            changes=tuple(changes),
            commands=(
                Command(text=f"kubectl label namespace {s.place.namespace} istio-injection-"),
                *(Command(text=f"kubectl -n {s.place.namespace} delete pod {name_of(p)}") for p in pods),
            ),
            risk="The replicas restart; requests fail until the first is ready." if pods else "",
            settle=1200.0,
        ),
        status=Status.WARN,
    )


def _containers(pod: Json) -> list[str]:
    spec = pod.get("spec") or {}
    return [str(c.get("name")) for c in (*(spec.get("containers") or []), *(spec.get("initContainers") or []))]


def _absent(s: Snapshot) -> Iterator[Hit]:
    if s.service is None and not s.place.under_way:
        yield Hit(
            about=str(s.place),
            message=f"There is no LLMInferenceService {s.place}.",
            evidence=(s.note("llminferenceservices", f"none named {s.place}", "LLMInferenceService"),),
            fix=Fix(title="Deploy one", commands=(Command(text="rhaii-tui setup"),)),
        )


def _replica_owed(s: Snapshot) -> Iterator[Hit]:
    """A fix of ours that was killed between its two patches."""
    before = owed(s.service)
    if not before:
        return
    yield Hit(
        about=str(s.place),
        message=f"One replica of {before} was taken away for an update and is not asked for again. While a fix of the "
        "doctor still runs somewhere, it does so itself.",
        evidence=(
            s.note(
                f"LLMInferenceService {s.place}",
                f"annotation {ROLLED_FROM}: {before}, spec.replicas: {s.wanted}",
                "LLMInferenceService",
            ),
        ),
        fix=Fix(
            title=f"Ask for {before} replicas again",
            changes=(Change("restore", edits.KIND, s.place.namespace, s.place.service),),
            commands=(Command(text=f"rhaii-tui scale {before}"),),
            risk="A fix of the doctor that still runs ends without its update.",
            undoable=False,
            settle=1200.0,
        ),
        status=Status.WARN,
    )


def _stopped(s: Snapshot) -> Iterator[Hit]:
    service = s.service
    if service is None or not s.stopped:
        return
    zero = (service.get("spec") or {}).get("replicas") == 0
    field = "spec.replicas: 0" if zero else "annotation serving.kserve.io/stop: true"
    yield Hit(
        about=str(s.place),
        message=f"Service {s.place} is stopped on purpose; nothing is wrong.",
        evidence=(s.note(f"LLMInferenceService {s.place}", field, "LLMInferenceService"),),
        fix=Fix(
            title="Wake it",
            effect=Effect.SPEND,
            commands=(Command(text="rhaii-tui wake", why="brings nodes back, which cost"),),
        ),
        status=Status.SKIP,
    )


def _describe(s: Snapshot) -> Command:
    return Command(text=f"kubectl -n {s.place.namespace} describe llmisvc {s.place.service}")


def _prove(s: Snapshot) -> Evidence | None:
    told = conditions.service(s.service)
    if s.service is None or s.answers.health.status is not Status.PASS:
        return None
    said = told.why if told.is_ready else "HTTPS answers"
    return s.note(f"LLMInferenceService {s.place}", f"{said}; {s.answers.health.message}", "LLMInferenceService")


RULES = HopRules(
    Hop.SERVICE,
    (
        Rule(
            "service.stopped",
            Hop.SERVICE,
            "No replica is there.",
            "Somebody switched the service off.",
            "The annotation is gone and replicas are asked for.",
            _stopped,
        ),
        Rule(
            "service.replica-owed",
            Hop.SERVICE,
            "One replica fewer than before an update.",
            "The doctor let an update through on a full pool and was ended before it asked for all replicas again.",
            f"No annotation {ROLLED_FROM}, or another number of replicas was asked for since.",
            _replica_owed,
        ),
        Rule(
            "service.plain-http",
            Hop.SERVICE,
            "503 WRONG_VERSION_NUMBER, or readiness fails: server gave HTTP response to HTTPS client.",
            "vLLM was started without its certificate.",
            "The options --ssl-certfile and --ssl-keyfile are given.",
            _plain,
        ),
        Rule(
            "service.sidecar",
            Hop.SERVICE,
            "Pods are 2/2, answers take seconds, or the pods do not start.",
            "The namespace or the service asks Istio to inject a proxy beside vLLM.",
            "The pods have no container istio-proxy, and no label asks for one.",
            _sidecar,
        ),
        Rule(
            "service.certificates",
            Hop.SERVICE,
            "Replicas wait in ContainerCreating: MountVolume.SetUp failed.",
            "The Secret with the replicas' certificate was not written.",
            "The Secret exists.",
            _certificates,
            explained_by=("controllers.",),
        ),
        Rule(
            "service.selects-nothing",
            Hop.SERVICE,
            "GET answers 503 no healthy upstream although replicas are ready.",
            "The Service is missing, or its selector and the replicas' labels differ.",
            "The Service's selector matches a replica.",
            _selects_nothing,
            explained_by=("controllers.",),
        ),
        Rule(
            "service.absent",
            Hop.SERVICE,
            "Nothing answers.",
            "There is no service of this name.",
            "The LLMInferenceService exists.",
            _absent,
            explained_by=("access.", "controllers."),
            fallback=True,
        ),
    ),
    _prove,
)
