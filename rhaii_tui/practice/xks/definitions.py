"""The CustomResourceDefinitions of the stack, by component."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Obj = dict[str, Any]

_READY = '.status.conditions[?(@.type=="Ready")].status'
_AGE = ("Age", "date", ".metadata.creationTimestamp")


@dataclass(frozen=True)
class Definition:
    """One custom kind. `columns` are (name, type, JSON path); `versions` newest first, the first one is stored."""

    group: str
    kind: str
    plural: str
    versions: tuple[str, ...]
    scope: str = "Namespaced"
    short: tuple[str, ...] = ()
    columns: tuple[tuple[str, str, str], ...] = (_AGE,)
    annotations: dict[str, str] = field(default_factory=dict)

    def manifest(self) -> Obj:
        """The CustomResourceDefinition. Field by field validation of these kinds is the API server's own knowledge."""
        names: Obj = {
            "kind": self.kind,
            "listKind": f"{self.kind}List",
            "plural": self.plural,
            "singular": self.kind.lower(),
        }
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{self.plural}.{self.group}", "annotations": self.annotations},
            "spec": {
                "group": self.group,
                "names": names | ({"shortNames": list(self.short)} if self.short else {}),
                "scope": self.scope,
                "versions": [
                    {
                        "name": version,
                        "served": True,
                        "storage": version == self.versions[0],
                        "subresources": {"status": {}},
                        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                        "additionalPrinterColumns": [{"name": n, "type": t, "jsonPath": p} for n, t, p in self.columns],
                    }
                    for version in self.versions
                ],
            },
        }


def _many(group: str, version: str, kinds: str, scope: str = "Namespaced") -> tuple[Definition, ...]:
    """Kinds nobody looks at closely."""
    return tuple(Definition(group, kind, plural_of(kind), (version,), scope) for kind in kinds.split())


def plural_of(kind: str) -> str:
    """`proxyconfigs`, `wasmplugins`, `telemetries`."""
    lower = kind.lower()
    if lower.endswith("y"):
        return lower[:-1] + "ies"
    return lower + ("es" if lower.endswith("s") else "s")


_CERT = "cert-manager.io"
_ISSUER = (("Ready", "string", _READY), ("Age", "date", ".metadata.creationTimestamp"))
CERT_MANAGER = (
    Definition(
        _CERT,
        "Certificate",
        "certificates",
        ("v1",),
        short=("cert", "certs"),
        columns=(("Ready", "string", _READY), ("Secret", "string", ".spec.secretName"), _AGE),
    ),
    Definition(_CERT, "CertificateRequest", "certificaterequests", ("v1",), short=("cr", "crs"), columns=_ISSUER),
    Definition(_CERT, "Issuer", "issuers", ("v1",), columns=_ISSUER),
    Definition(_CERT, "ClusterIssuer", "clusterissuers", ("v1",), "Cluster", columns=_ISSUER),
    *_many("acme.cert-manager.io", "v1", "Order Challenge"),
    Definition("operator.openshift.io", "CertManager", "certmanagers", ("v1alpha1",), "Cluster"),
    Definition("operator.openshift.io", "IstioCSR", "istiocsrs", ("v1alpha1",)),
    Definition("config.openshift.io", "Infrastructure", "infrastructures", ("v1",), "Cluster"),
)

ISTIO = (
    Definition(
        "sailoperator.io",
        "Istio",
        "istios",
        ("v1",),
        "Cluster",
        columns=(
            ("Namespace", "string", ".spec.namespace"),
            ("Status", "string", ".status.state"),
            ("Version", "string", ".spec.version"),
            _AGE,
        ),
    ),
    *_many("sailoperator.io", "v1", "IstioRevision IstioRevisionTag IstioCNI ZTunnel", "Cluster"),
    *_many(
        "networking.istio.io",
        "v1",
        "DestinationRule ServiceEntry Sidecar VirtualService WorkloadEntry WorkloadGroup",
    ),
    Definition("networking.istio.io", "Gateway", "gateways", ("v1",), short=("gw",)),
    Definition("networking.istio.io", "EnvoyFilter", "envoyfilters", ("v1alpha3",)),
    Definition("networking.istio.io", "ProxyConfig", "proxyconfigs", ("v1beta1",)),
    *_many("security.istio.io", "v1", "AuthorizationPolicy PeerAuthentication RequestAuthentication"),
    *_many("telemetry.istio.io", "v1", "Telemetry"),
    *_many("extensions.istio.io", "v1alpha1", "WasmPlugin"),
)

_GATEWAY = "gateway.networking.k8s.io"
_BUNDLE = {f"{_GATEWAY}/bundle-version": "v1.4.0", f"{_GATEWAY}/channel": "standard"}
GATEWAY_API = (
    Definition(
        _GATEWAY,
        "GatewayClass",
        "gatewayclasses",
        ("v1", "v1beta1"),
        "Cluster",
        ("gc",),
        (
            ("Controller", "string", ".spec.controllerName"),
            ("Accepted", "string", '.status.conditions[?(@.type=="Accepted")].status'),
            _AGE,
        ),
        _BUNDLE,
    ),
    Definition(
        _GATEWAY,
        "Gateway",
        "gateways",
        ("v1", "v1beta1"),
        short=("gtw",),
        columns=(
            ("Class", "string", ".spec.gatewayClassName"),
            ("Address", "string", ".status.addresses[*].value"),
            ("Programmed", "string", '.status.conditions[?(@.type=="Programmed")].status'),
            _AGE,
        ),
        annotations=_BUNDLE,
    ),
    Definition(
        _GATEWAY,
        "HTTPRoute",
        "httproutes",
        ("v1", "v1beta1"),
        columns=(("Hostnames", "string", ".spec.hostnames"), _AGE),
        annotations=_BUNDLE,
    ),
    Definition(_GATEWAY, "GRPCRoute", "grpcroutes", ("v1",), annotations=_BUNDLE),
    Definition(_GATEWAY, "ReferenceGrant", "referencegrants", ("v1beta1",), short=("refgrant",), annotations=_BUNDLE),
    Definition(_GATEWAY, "BackendTLSPolicy", "backendtlspolicies", ("v1",), short=("btlspolicy",), annotations=_BUNDLE),
)

_OLD_POOL = "inference.networking.x-k8s.io"
INFERENCE_EXTENSION = (
    Definition("inference.networking.k8s.io", "InferencePool", "inferencepools", ("v1",), short=("infpool",)),
    Definition(_OLD_POOL, "InferencePool", "inferencepools", ("v1alpha2",), short=("xinfpool",)),
    Definition(_OLD_POOL, "InferenceObjective", "inferenceobjectives", ("v1alpha2",)),
    Definition(_OLD_POOL, "InferenceModel", "inferencemodels", ("v1alpha2",)),
    Definition(_OLD_POOL, "InferencePoolImport", "inferencepoolimports", ("v1alpha1",)),
)

LWS = (
    Definition("leaderworkerset.x-k8s.io", "LeaderWorkerSet", "leaderworkersets", ("v1",), short=("lws",)),
    Definition("operator.openshift.io", "LeaderWorkerSetOperator", "leaderworkersetoperators", ("v1",), "Cluster"),
    Definition("monitoring.coreos.com", "ServiceMonitor", "servicemonitors", ("v1",)),
)

_SERVING = "serving.kserve.io"
KSERVE = (
    Definition(
        _SERVING,
        "LLMInferenceService",
        "llminferenceservices",
        ("v1alpha1",),
        short=("llmisvc",),
        columns=(
            ("URL", "string", ".status.url"),
            ("Ready", "string", _READY),
            ("Reason", "string", '.status.conditions[?(@.type=="Ready")].reason'),
            _AGE,
        ),
    ),
    Definition(_SERVING, "LLMInferenceServiceConfig", "llminferenceserviceconfigs", ("v1alpha1",)),
)

ALL = (*CERT_MANAGER, *ISTIO, *GATEWAY_API, *INFERENCE_EXTENSION, *LWS, *KSERVE)
