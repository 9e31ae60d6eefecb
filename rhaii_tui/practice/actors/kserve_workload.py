"""Children of an LLMInferenceService that run the model: Deployment, Service, certificate."""

from __future__ import annotations

import base64
import copy
from typing import TYPE_CHECKING

from rhaii_tui.practice.actors.kserve_preset import child_name
from rhaii_tui.practice.actors.objects import Obj, annotations_of, labels_of, owner_reference

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.store import Store

INITIALIZER = "ghcr.io/opendatahub-io/rhaii-on-xks/kserve-storage-initializer:3.4.0-ea.1"
STORAGE_SECRET = "serving.kserve.io/storageSecretName"
TOKEN_KEY = "HF_TOKEN"


def meta(service: Obj, name: str, labels: dict[str, str]) -> Obj:
    """Metadata of a namespaced child."""
    return {
        "name": name,
        "namespace": service["metadata"]["namespace"],
        "labels": labels,
        "ownerReferences": [owner_reference(service)],
    }


def labels(service: Obj, component: str) -> dict[str, str]:
    """The labels every child carries."""
    return {
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/name": service["metadata"]["name"],
        "app.kubernetes.io/part-of": "llminferenceservice",
    }


def pod_labels(service: Obj) -> dict[str, str]:
    """The labels of a replica; the InferencePool and the Service select by them."""
    return labels(service, "llminferenceservice-workload") | {
        "kserve.io/component": "workload",
        "llm-d.ai/role": "both",
    }


def storage_secret(store: Store, service: Obj) -> tuple[str, Obj | None]:
    """The Secret named for the download: its name ("" when none is named) and itself (None when it is missing)."""
    name = annotations_of(service).get(STORAGE_SECRET, "")
    return name, store.get("Secret", service["metadata"]["namespace"], name) if name else None


def workload(store: Store, service: Obj, spec: Obj) -> list[Obj]:
    """Everything a single-node service runs by, in the order the controller makes it."""
    name = service["metadata"]["name"]
    secret_name, secret = storage_secret(store, service)
    account = child_name(name, "-kserve")
    own = labels(service, "llminferenceservice-workload")
    accounts: list[Obj] = []
    if secret is not None:
        accounts = [
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": meta(service, account, own),
                "secrets": [{"name": secret_name}],
            }
        ]
    return [
        _certificate(store, service, own),
        *accounts,
        _deployment(service, spec, account if accounts else "", _token_source(secret_name, secret)),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": meta(service, child_name(name, "-kserve-workload-svc"), own),
            "spec": {
                "type": "ClusterIP",
                "selector": {k: v for k, v in pod_labels(service).items() if k != "llm-d.ai/role"},
                "ports": [
                    {"name": "https", "port": 8000, "protocol": "TCP", "targetPort": 8000, "appProtocol": "https"}
                ],
            },
        },
    ]


def _certificate(store: Store, service: Obj, own: dict[str, str]) -> Obj:
    name = child_name(service["metadata"]["name"], "-kserve-self-signed-certs")
    found = store.get("Secret", service["metadata"]["namespace"], name)
    authority = (store.get("Secret", "cert-manager", "opendatahub-ca") or {}).get("data") or {}
    data = (found or {}).get("data") or {
        "tls.crt": authority.get("tls.crt", ""),
        "tls.key": base64.b64encode(b"practice key of " + name.encode()).decode(),
        "ca.crt": authority.get("ca.crt", authority.get("tls.crt", "")),
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": meta(service, name, own),
        "data": data,
    }


def _token_source(name: str, secret: Obj | None) -> list[Obj]:
    if secret is None or TOKEN_KEY not in (secret.get("data") or {}):
        return []
    return [{"name": TOKEN_KEY, "valueFrom": {"secretKeyRef": {"name": name, "key": TOKEN_KEY}}}]


def _deployment(service: Obj, spec: Obj, account: str, token: list[Obj]) -> Obj:
    template = copy.deepcopy(spec.get("template") or {})
    uri = str(spec["model"]["uri"])
    template.setdefault("volumes", []).append({"name": "kserve-provision-location", "emptyDir": {}})
    mount = {"name": "kserve-provision-location", "mountPath": "/mnt/models"}
    for container in template.get("containers", ()):
        if container["name"] == "main":
            container.setdefault("volumeMounts", []).append({**mount, "readOnly": True})
    template["initContainers"] = [
        {
            "name": "storage-initializer",
            "image": INITIALIZER,
            "args": [uri, "/mnt/models"],
            "env": token,
            "resources": {"requests": {"cpu": "100m", "memory": "100Mi"}, "limits": {"cpu": "1", "memory": "24Gi"}},
            "volumeMounts": [mount],
        },
        *(template.get("initContainers") or ()),
    ]
    if account:
        template.setdefault("serviceAccountName", account)
    own = pod_labels(service)
    inherited = {k: v for k, v in labels_of(service).items() if not k.startswith("app.kubernetes.io/")}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta(service, child_name(service["metadata"]["name"], "-kserve"), own),
        "spec": {
            "replicas": int(spec.get("replicas", 1)),
            "selector": {"matchLabels": own},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "progressDeadlineSeconds": 600,
            "revisionHistoryLimit": 10,
            "template": {"metadata": {"labels": own | inherited}, "spec": template},
        },
    }
