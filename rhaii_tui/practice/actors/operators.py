"""The operators' own work, in small: the mesh operator starts istiod, cert-manager issues, each once it runs itself."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Iterable
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from rhaii_tui.practice.actors.control import Controller
from rhaii_tui.practice.actors.objects import (
    Key,
    Obj,
    conditions_in,
    controller_of,
    deleting,
    is_available,
    key_of,
    owner_reference,
    set_condition,
)

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.journal import Change

MESH_OPERATOR = ("istio-system", "servicemesh-operator3")
CERT_MANAGER = ("cert-manager", "cert-manager")
ISTIOD_IMAGE = "registry.redhat.io/openshift-service-mesh/istio-pilot-rhel9:1.27"
_ISSUERS = ("Issuer", "ClusterIssuer")


class MeshOperator(Controller):
    """The sail operator: an Istio object becomes istiod, and says Healthy when that is Available."""

    kinds = ("Istio", "Deployment")

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind == "Istio":
            return (key_of(change.obj),)
        owner = controller_of(change.obj)
        if key_of(change.obj) == MESH_OPERATOR or (owner and owner["kind"] == "Istio"):
            return [key_of(i) for i in self.store.list("Istio")]
        return ()

    def reconcile(self, key: Key) -> float | None:
        istio = self.store.get("Istio", None, key[1])
        if istio is None or deleting(istio) or not is_available(self.store.get("Deployment", *MESH_OPERATOR)):
            return None
        namespace = istio["spec"].get("namespace", "istio-system")
        if self.store.get("Deployment", namespace, "istiod") is None:
            for child in _istiod(istio, namespace):
                self.store.create(child)
        healthy = is_available(self.store.get("Deployment", namespace, "istiod"))

        def judge(i: Obj) -> None:
            conditions = conditions_in(i)
            set_condition(conditions, "Reconciled", "True")
            if healthy:
                set_condition(conditions, "Ready", "True")
            else:
                set_condition(conditions, "Ready", "False", "IstiodNotReady", "not all istiod pods are ready")
            i["status"]["state"] = "Healthy" if healthy else "IstiodNotReady"
            i["status"]["observedGeneration"] = i["metadata"]["generation"]

        self.store.update("Istio", None, key[1], judge, status=True)
        return None


def _istiod(istio: Obj, namespace: str) -> list[Obj]:
    labels = {"app": "istiod", "istio.io/rev": "default"}
    meta = {"name": "istiod", "namespace": namespace, "labels": labels, "ownerReferences": [owner_reference(istio)]}
    variables = (((istio["spec"].get("values") or {}).get("pilot") or {}).get("env")) or {}
    container = {
        "name": "discovery",
        "image": ISTIOD_IMAGE,
        "args": ["discovery", "--monitoringAddr=:15014", "--log_output_level=default:info"],
        "ports": [{"name": "grpc-xds", "containerPort": 15010}, {"name": "webhooks", "containerPort": 15017}],
        "env": [{"name": k, "value": str(v)} for k, v in variables.items()],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "initialDelaySeconds": 1, "periodSeconds": 3},
        "resources": {"requests": {"cpu": "250m", "memory": "512Mi"}},
    }
    spec = {
        "serviceAccountName": "istiod",
        "imagePullSecrets": [{"name": "redhat-pull-secret"}],
        "containers": [container],
    }
    ports = [
        {"name": "grpc-xds", "port": 15010, "targetPort": 15010},
        {"name": "https-webhook", "port": 443, "targetPort": 15017},
    ]
    return [
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
        {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"selector": labels, "ports": ports}},
    ]


class CertManager(Controller):
    """Issuers become Ready and Certificates become Secrets, once cert-manager runs."""

    kinds = ("Certificate", "ClusterIssuer", "Issuer", "Deployment", "Secret")

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind == "Certificate":
            return (key_of(change.obj),)
        if change.kind in _ISSUERS:
            return ((f"{change.kind}:{key_of(change.obj)[0]}", key_of(change.obj)[1]),)
        owner = controller_of(change.obj)
        if change.kind == "Secret" and (owner is None or owner["kind"] != "Certificate"):
            return ()
        if change.kind == "Deployment" and key_of(change.obj) != CERT_MANAGER:
            return ()
        issuers = [(f"{kind}:{key_of(i)[0]}", key_of(i)[1]) for kind in _ISSUERS for i in self.store.list(kind)]
        return [*issuers, *(key_of(c) for c in self.store.list("Certificate"))]

    def reconcile(self, key: Key) -> float | None:
        if not is_available(self.store.get("Deployment", *CERT_MANAGER)):
            return None
        kind, _, namespace = key[0].rpartition(":")
        if kind:
            self._judge_issuer(kind, namespace, key[1])
            return None
        certificate = self.store.get("Certificate", *key)
        if certificate is None or deleting(certificate):
            return None
        secret = certificate["spec"]["secretName"]
        if self.store.get("Secret", key[0], secret) is None:
            self.store.create(_issued(certificate))
            text = "The certificate has been successfully issued"
            self.store.event(certificate, "Normal", "Issuing", text, "cert-manager-certificates-issuing")

        def ready(c: Obj) -> None:
            text = "Certificate is up to date and has not expired"
            set_condition(conditions_in(c), "Ready", "True", "Ready", text, generation=c["metadata"]["generation"])

        self.store.update("Certificate", *key, ready, status=True)
        return None

    def _judge_issuer(self, kind: str, namespace: str, name: str) -> None:
        issuer = self.store.get(kind, namespace or None, name)
        if issuer is None or deleting(issuer):
            return
        secret = (issuer["spec"].get("ca") or {}).get("secretName")
        place = namespace or "cert-manager"
        missing = secret is not None and self.store.get("Secret", place, secret) is None

        def judge(i: Obj) -> None:
            conditions, generation = conditions_in(i), i["metadata"]["generation"]
            if missing:
                text = f'Error getting keypair for CA issuer: secrets "{secret}" not found'
                set_condition(conditions, "Ready", "False", "ErrGetKeyPair", text, generation=generation)
            elif secret:
                set_condition(
                    conditions, "Ready", "True", "KeyPairVerified", "Signing CA verified", generation=generation
                )
            else:
                set_condition(conditions, "Ready", "True", "IsReady", generation=generation)

        self.store.update(kind, namespace or None, name, judge, status=True)


def _issued(certificate: Obj) -> Obj:
    """The Secret of a self-signed RSA certificate (KServe's controller refuses other keys)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, certificate["spec"].get("commonName", "practice-ca"))])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=bool(certificate["spec"].get("isCA")), path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = base64.b64encode(made.public_bytes(serialization.Encoding.PEM)).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {
            "name": certificate["spec"]["secretName"],
            "namespace": certificate["metadata"]["namespace"],
            "annotations": {"cert-manager.io/certificate-name": certificate["metadata"]["name"]},
            "ownerReferences": [owner_reference(certificate)],
        },
        "data": {"tls.crt": pem, "tls.key": base64.b64encode(private).decode(), "ca.crt": pem},
    }
