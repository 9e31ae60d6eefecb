"""The operators as Kubernetes objects: one small builder per kind, one table of what runs."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

Obj = dict[str, Any]

PULL_SECRET = "redhat-pull-secret"
_PUBLIC = "ghcr.io/opendatahub-io/rhaii-on-xks"


@dataclass(frozen=True)
class Operator:
    """One Deployment that must become Available. `webhook` is the Service in front of its webhooks."""

    namespace: str
    name: str
    image: str
    webhook: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    control_plane: str = ""

    def labels(self) -> dict[str, str]:
        """The pods' labels."""
        return {"app": self.name} | ({"control-plane": self.control_plane} if self.control_plane else {})

    def manifests(self) -> list[Obj]:
        """ServiceAccount, Deployment and, with a webhook, its Service."""
        labels = self.labels()
        meta = {"name": self.name, "namespace": self.namespace, "labels": labels}
        container = {
            "name": "manager",
            "image": self.image,
            "ports": [{"name": "healthz", "containerPort": 8081, "protocol": "TCP"}],
            "env": [{"name": n, "value": v} for n, v in self.environment],
            "readinessProbe": {
                "httpGet": {"path": "/readyz", "port": 8081},
                "initialDelaySeconds": 5,
                "periodSeconds": 10,
            },
            "livenessProbe": {
                "httpGet": {"path": "/healthz", "port": 8081},
                "initialDelaySeconds": 15,
                "periodSeconds": 20,
            },
            "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}},
        }
        spec = {
            "serviceAccountName": self.name,
            "imagePullSecrets": [{"name": PULL_SECRET}],
            "containers": [container],
        }
        made: list[Obj] = [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": meta,
                "spec": {
                    "replicas": 1,
                    "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": spec},
                },
            },
        ]
        if self.webhook:
            ports = [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 9443}]
            service = {"name": self.webhook, "namespace": self.namespace, "labels": labels}
            made.append(
                {
                    "apiVersion": "v1",
                    "kind": "Service",
                    "metadata": service,
                    "spec": {"selector": labels, "ports": ports},
                }
            )
        return made


CERT_MANAGER_OPERATOR = Operator(
    "cert-manager-operator",
    "cert-manager-operator-controller-manager",
    "registry.redhat.io/cert-manager/cert-manager-operator-rhel9:v1.15.2",
)
_CERT_IMAGE = "registry.redhat.io/cert-manager/jetstack-cert-manager-rhel9:v1.15.2"
CERT_MANAGER = (
    Operator("cert-manager", "cert-manager", _CERT_IMAGE),
    Operator("cert-manager", "cert-manager-webhook", _CERT_IMAGE, "cert-manager-webhook"),
    Operator("cert-manager", "cert-manager-cainjector", _CERT_IMAGE),
)
MESH_OPERATOR = Operator(
    "istio-system",
    "servicemesh-operator3",
    "registry.redhat.io/openshift-service-mesh/istio-rhel9-operator:3.2.1",
)
LWS_OPERATOR = Operator(
    "openshift-lws-operator",
    "openshift-lws-operator",
    "registry.redhat.io/leader-worker-set/lws-rhel9-operator:1.0",
)
LWS_CONTROLLER = Operator(
    "openshift-lws-operator", "lws-controller-manager", "registry.redhat.io/leader-worker-set/lws-rhel9:1.0"
)
KSERVE = Operator(
    "opendatahub",
    "kserve-controller-manager",
    f"{_PUBLIC}/kserve-controller:3.4.0-ea.1-dev-8a30e66",
    "kserve-webhook-server-service",
    (
        ("ENABLE_LLMISVC_CONTROLLER", "true"),
        ("LLMISVC_AUTH_DISABLED", "true"),
        ("LLMISVC_MONITORING_DISABLED", "true"),
        ("LLMISVC_SCC_DISABLED", "true"),
        ("SERVICE_CA_SIGNING_SECRET_NAME", "opendatahub-ca"),
        ("SERVICE_CA_SIGNING_SECRET_NAMESPACE", "cert-manager"),
        ("ISTIO_CA_CERTIFICATE_PATH", "/var/run/secrets/opendatahub/ca.crt"),
    ),
    "kserve-controller-manager",
)
ISTIOD = ("istio-system", "istiod")
NAMESPACES = ("cert-manager-operator", "cert-manager", "istio-system", "openshift-lws-operator", "opendatahub")

ISTIO: Obj = {
    "apiVersion": "sailoperator.io/v1",
    "kind": "Istio",
    "metadata": {"name": "default"},
    "spec": {
        "version": "v1.27-latest",
        "namespace": "istio-system",
        "values": {
            "pilot": {
                "env": {
                    "PILOT_ENABLE_GATEWAY_API": "true",
                    "PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER": "true",
                    "PILOT_ENABLE_GATEWAY_API_STATUS": "true",
                    "ENABLE_GATEWAY_API_INFERENCE_EXTENSION": "true",
                }
            }
        },
    },
}
GATEWAY_CLASS: Obj = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "GatewayClass",
    "metadata": {"name": "istio"},
    "spec": {"controllerName": "istio.io/gateway-controller"},
}
SELF_SIGNED: Obj = {
    "apiVersion": "cert-manager.io/v1",
    "kind": "ClusterIssuer",
    "metadata": {"name": "opendatahub-selfsigned-issuer"},
    "spec": {"selfSigned": {}},
}
CA: Obj = {
    "apiVersion": "cert-manager.io/v1",
    "kind": "Certificate",
    "metadata": {"name": "opendatahub-ca", "namespace": "cert-manager"},
    "spec": {
        "isCA": True,
        "commonName": "opendatahub-ca",
        "secretName": "opendatahub-ca",
        "duration": "87600h",
        "privateKey": {"algorithm": "RSA", "size": 2048},
        "issuerRef": {"name": "opendatahub-selfsigned-issuer", "kind": "ClusterIssuer", "group": "cert-manager.io"},
    },
}
CA_ISSUER: Obj = {
    "apiVersion": "cert-manager.io/v1",
    "kind": "ClusterIssuer",
    "metadata": {"name": "opendatahub-ca-issuer"},
    "spec": {"ca": {"secretName": "opendatahub-ca"}},
}
INGRESS: Obj = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "inferenceservice-config", "namespace": "opendatahub"},
    "data": {
        "ingress": json.dumps(
            {"enableGatewayApi": True, "kserveIngressGateway": "opendatahub/inference-gateway", "urlScheme": "http"}
        ),
        "credentials": json.dumps({"storageSecretNameAnnotation": "serving.kserve.io/storageSecretName"}),
    },
}


def namespace(name: str) -> Obj:
    """A Namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def pull_secret(place: str) -> Obj:
    """The registry login that podman would hold: a dummy here."""
    login = base64.b64encode(b"1234567|practice:practice").decode()
    config = json.dumps({"auths": {"registry.redhat.io": {"auth": login}}})
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/dockerconfigjson",
        "metadata": {"name": PULL_SECRET, "namespace": place},
        "data": {".dockerconfigjson": base64.b64encode(config.encode()).decode()},
    }


def webhook(name: str, operator: Operator, group: str, resources: list[str]) -> Obj:
    """A ValidatingWebhookConfiguration that fails closed."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [
            {
                "name": name if name.count(".") > 1 else f"{name}.{group}",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "failurePolicy": "Fail",
                "timeoutSeconds": 10,
                "clientConfig": {
                    "service": {
                        "name": operator.webhook,
                        "namespace": operator.namespace,
                        "path": "/validate",
                        "port": 443,
                    }
                },
                "rules": [
                    {
                        "apiGroups": [group],
                        "apiVersions": ["*"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": resources,
                        "scope": "*",
                    }
                ],
            }
        ],
    }


def webhooks() -> list[Obj]:
    """KServe's two."""
    group = "serving.kserve.io"
    return [
        webhook(f"llminferenceservice.{group}", KSERVE, group, ["llminferenceservices"]),
        webhook(f"llminferenceserviceconfig.{group}", KSERVE, group, ["llminferenceserviceconfigs"]),
    ]


def cert_manager_webhook() -> Obj:
    """cert-manager's own."""
    return webhook(
        "cert-manager-webhook", CERT_MANAGER[1], "cert-manager.io", ["certificates", "issuers", "clusterissuers"]
    )
