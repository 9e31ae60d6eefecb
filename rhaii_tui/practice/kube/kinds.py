"""Which kinds the API serves: the built-in ones, and those that CustomResourceDefinition objects add."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")

# Kinds that live in several groups: the group whose objects the plain kind name means.
HOMES = {"Gateway": "gateway.networking.k8s.io", "InferencePool": "inference.networking.k8s.io"}


@dataclass(frozen=True)
class Kind:
    """`versions` are served, the preferred one first; `storage` is the one objects are kept in."""

    kind: str
    group: str
    versions: tuple[str, ...]
    plural: str
    namespaced: bool = True
    short: tuple[str, ...] = ()
    singular: str = ""
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    storage: str = ""
    key: str = ""  # the store's name of the kind; two kinds may share one, as the two Event groups do
    verbs: tuple[str, ...] = ALL_VERBS
    custom: bool = False
    columns: dict[str, list[dict[str, Any]]] = field(default_factory=dict, hash=False, compare=False)
    schemas: dict[str, dict[str, Any]] = field(default_factory=dict, hash=False, compare=False)
    shapes: dict[str, Any] = field(default_factory=dict, hash=False, compare=False, repr=False)
    scale_paths: dict[str, str] = field(default_factory=dict, hash=False, compare=False)

    @property
    def store_key(self) -> str:
        return self.key or self.kind

    @property
    def stored_version(self) -> str:
        return self.storage or self.versions[0]

    def api_version(self, version: str = "") -> str:
        """`apps/v1`, `v1`."""
        version = version or self.stored_version
        return f"{self.group}/{version}" if self.group else version


_STATUS, _SCALE = ("status",), ("scale", "status")
_READ = ("get", "list")
_RBAC = "rbac.authorization.k8s.io"
_AUTH = "authorization.k8s.io"
_CREATE = ("create",)

BUILT_IN: tuple[Kind, ...] = (
    Kind("Namespace", "", ("v1",), "namespaces", False, ("ns",), subresources=("finalize", "status")),
    Kind("Node", "", ("v1",), "nodes", False, ("no",), subresources=("proxy", "status")),
    Kind(
        "Pod",
        "",
        ("v1",),
        "pods",
        True,
        ("po",),
        categories=("all",),
        subresources=("binding", "eviction", "log", "proxy", "status"),
    ),
    Kind("Service", "", ("v1",), "services", True, ("svc",), categories=("all",), subresources=("proxy", "status")),
    Kind("Endpoints", "", ("v1",), "endpoints", True, ("ep",), singular="endpoints"),
    Kind("Event", "", ("v1",), "events", True, ("ev",)),
    Kind("Secret", "", ("v1",), "secrets"),
    Kind("ConfigMap", "", ("v1",), "configmaps", True, ("cm",)),
    Kind("ServiceAccount", "", ("v1",), "serviceaccounts", True, ("sa",), subresources=("token",)),
    Kind("PersistentVolume", "", ("v1",), "persistentvolumes", False, ("pv",), subresources=_STATUS),
    Kind("PersistentVolumeClaim", "", ("v1",), "persistentvolumeclaims", True, ("pvc",), subresources=_STATUS),
    Kind(
        "ReplicationController",
        "",
        ("v1",),
        "replicationcontrollers",
        True,
        ("rc",),
        categories=("all",),
        subresources=_SCALE,
    ),
    Kind("ResourceQuota", "", ("v1",), "resourcequotas", True, ("quota",), subresources=_STATUS),
    Kind("LimitRange", "", ("v1",), "limitranges", True, ("limits",)),
    Kind("Deployment", "apps", ("v1",), "deployments", True, ("deploy",), categories=("all",), subresources=_SCALE),
    Kind("ReplicaSet", "apps", ("v1",), "replicasets", True, ("rs",), categories=("all",), subresources=_SCALE),
    Kind("StatefulSet", "apps", ("v1",), "statefulsets", True, ("sts",), categories=("all",), subresources=_SCALE),
    Kind("DaemonSet", "apps", ("v1",), "daemonsets", True, ("ds",), categories=("all",), subresources=_STATUS),
    Kind("ControllerRevision", "apps", ("v1",), "controllerrevisions"),
    Kind("Job", "batch", ("v1",), "jobs", categories=("all",), subresources=_STATUS),
    Kind("CronJob", "batch", ("v1",), "cronjobs", True, ("cj",), categories=("all",), subresources=_STATUS),
    Kind(
        "HorizontalPodAutoscaler",
        "autoscaling",
        ("v2", "v1"),
        "horizontalpodautoscalers",
        True,
        ("hpa",),
        categories=("all",),
        subresources=_STATUS,
    ),
    Kind("PodDisruptionBudget", "policy", ("v1",), "poddisruptionbudgets", True, ("pdb",), subresources=_STATUS),
    Kind("NetworkPolicy", "networking.k8s.io", ("v1",), "networkpolicies", True, ("netpol",)),
    Kind("Ingress", "networking.k8s.io", ("v1",), "ingresses", True, ("ing",), subresources=_STATUS),
    Kind("IngressClass", "networking.k8s.io", ("v1",), "ingressclasses", False),
    Kind("Role", _RBAC, ("v1",), "roles"),
    Kind("RoleBinding", _RBAC, ("v1",), "rolebindings"),
    Kind("ClusterRole", _RBAC, ("v1",), "clusterroles", False),
    Kind("ClusterRoleBinding", _RBAC, ("v1",), "clusterrolebindings", False),
    Kind("StorageClass", "storage.k8s.io", ("v1",), "storageclasses", False, ("sc",)),
    Kind("PriorityClass", "scheduling.k8s.io", ("v1",), "priorityclasses", False, ("pc",)),
    Kind("RuntimeClass", "node.k8s.io", ("v1",), "runtimeclasses", False),
    Kind("Lease", "coordination.k8s.io", ("v1",), "leases"),
    Kind("EndpointSlice", "discovery.k8s.io", ("v1",), "endpointslices"),
    Kind("Event", "events.k8s.io", ("v1",), "events", True, ("ev",), key="Event"),
    Kind(
        "CustomResourceDefinition",
        "apiextensions.k8s.io",
        ("v1",),
        "customresourcedefinitions",
        False,
        ("crd", "crds"),
        categories=("api-extensions",),
        subresources=_STATUS,
    ),
    Kind(
        "ValidatingWebhookConfiguration",
        "admissionregistration.k8s.io",
        ("v1",),
        "validatingwebhookconfigurations",
        False,
        categories=("api-extensions",),
    ),
    Kind(
        "MutatingWebhookConfiguration",
        "admissionregistration.k8s.io",
        ("v1",),
        "mutatingwebhookconfigurations",
        False,
        categories=("api-extensions",),
    ),
    Kind("APIService", "apiregistration.k8s.io", ("v1",), "apiservices", False, subresources=_STATUS),
    Kind("NodeMetrics", "metrics.k8s.io", ("v1beta1",), "nodes", False, verbs=_READ),
    Kind("PodMetrics", "metrics.k8s.io", ("v1beta1",), "pods", True, verbs=_READ),
    Kind("SelfSubjectAccessReview", _AUTH, ("v1",), "selfsubjectaccessreviews", False, verbs=_CREATE),
    Kind("SelfSubjectRulesReview", _AUTH, ("v1",), "selfsubjectrulesreviews", False, verbs=_CREATE),
    Kind("SubjectAccessReview", _AUTH, ("v1",), "subjectaccessreviews", False, verbs=_CREATE),
    Kind("SelfSubjectReview", "authentication.k8s.io", ("v1",), "selfsubjectreviews", False, verbs=_CREATE),
    Kind("TokenReview", "authentication.k8s.io", ("v1",), "tokenreviews", False, verbs=_CREATE),
)


class KindTable:
    """The kinds of one cluster; custom ones come and go with their definitions."""

    def __init__(self) -> None:
        self._by_group: dict[tuple[str, str], Kind] = {}
        self._by_plural: dict[tuple[str, str], Kind] = {}
        self._by_key: dict[str, Kind] = {}
        for kind in BUILT_IN:
            self._enter(kind)

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._by_group.values())

    def _enter(self, kind: Kind) -> None:
        self._by_group[kind.group, kind.kind] = kind
        self._by_plural[kind.group, kind.plural] = kind
        self._by_key.setdefault(kind.store_key, kind)

    def by_key(self, key: str) -> Kind | None:
        """The kind of a store key: "Pod", or "InferencePool.inference.networking.x-k8s.io" away from its home group."""
        return self._by_key.get(key)

    def of(self, api_version: str, kind: str) -> Kind | None:
        """The kind an object names, when that version is served."""
        group, _, version = api_version.rpartition("/")
        found = self._by_group.get((group, kind))
        return found if found and version in found.versions else None

    def by_group(self, group: str, kind: str) -> Kind | None:
        """The kind of a group, whatever the version."""
        return self._by_group.get((group, kind))

    def by_plural(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind behind a path."""
        found = self._by_plural.get((group, plural))
        return found if found and version in found.versions else None

    def define(self, crd: dict[str, Any]) -> Kind:
        """Enter the kind that a CustomResourceDefinition describes."""
        spec = crd["spec"]
        group, names = spec["group"], spec["names"]
        served = [v for v in spec["versions"] if v.get("served", True)]
        subresources = sorted({name for v in served for name in v.get("subresources", {})})
        known = self._by_key.get(names["kind"])
        home = HOMES.get(names["kind"], known.group if known else group)
        kind = Kind(
            names["kind"],
            group,
            tuple(v["name"] for v in sorted(served, key=_preference)),
            names["plural"],
            spec.get("scope", "Namespaced") == "Namespaced",
            tuple(names.get("shortNames", ())),
            names.get("singular", ""),
            tuple(names.get("categories", ())),
            tuple(subresources),
            next((v["name"] for v in spec["versions"] if v.get("storage")), served[0]["name"]),
            "" if home == group else f"{names['kind']}.{group}",
            custom=True,
            columns={v["name"]: v.get("additionalPrinterColumns", []) for v in served},
            schemas={v["name"]: v.get("schema", {}).get("openAPIV3Schema", {}) for v in served},
            scale_paths=next((v["subresources"]["scale"] for v in served if "scale" in v.get("subresources", {})), {}),
        )
        self.forget(group, kind.kind)
        self._enter(kind)
        return kind

    def forget(self, group: str, kind: str) -> None:
        """Take a custom kind out."""
        found = self._by_group.pop((group, kind), None)
        if found is not None:
            self._by_plural.pop((group, found.plural), None)
            if self._by_key.get(found.store_key) is found:
                del self._by_key[found.store_key]


def _preference(version: dict[str, Any]) -> tuple[int, int, str]:
    """Kubernetes' order: v2 before v1 before v1beta1 before v1alpha2 before v1alpha1."""
    name: str = version["name"]
    for rank, stage in ((1, "beta"), (2, "alpha")):
        major, found, minor = name.removeprefix("v").partition(stage)
        if found and major.isdigit() and minor.isdigit():
            return rank, -int(major) * 1000 - int(minor), name
    digits = name.removeprefix("v")
    return (0, -int(digits), name) if digits.isdigit() else (3, 0, name)
