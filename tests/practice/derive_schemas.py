"""Derives rhaii_tui/practice/kube/schemas/*.json from the installed kubernetes models and published CRDs.

    python tests/practice/derive_schemas.py FOLDER_WITH_CRDS

Only facts are taken over: field names, types, required fields, list keys and limits. The stack imitated is the older
KServe (0.15): of its LLMInferenceService only the fields that release had are kept.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import yaml

from rhaii_tui.practice.kube.shape import Encoded, encode

TARGET = Path(__file__).parents[2] / "rhaii_tui/practice/kube/schemas"

BUILT_IN = {
    "v1": "Namespace Node Pod Service Endpoints Secret ConfigMap ServiceAccount PersistentVolume PersistentVolumeClaim "
    "ResourceQuota LimitRange",
    "apps/v1": "Deployment ReplicaSet StatefulSet DaemonSet",
    "batch/v1": "Job CronJob",
    "policy/v1": "PodDisruptionBudget",
    "autoscaling/v2": "HorizontalPodAutoscaler",
    "networking.k8s.io/v1": "NetworkPolicy",
    "rbac.authorization.k8s.io/v1": "Role RoleBinding ClusterRole ClusterRoleBinding",
    "scheduling.k8s.io/v1": "PriorityClass",
    "storage.k8s.io/v1": "StorageClass",
    "coordination.k8s.io/v1": "Lease",
    "apiextensions.k8s.io/v1": "CustomResourceDefinition",
    "admissionregistration.k8s.io/v1": "ValidatingWebhookConfiguration MutatingWebhookConfiguration",
}
CUSTOM = {
    "gateway.networking.k8s.io": {"Gateway": ["v1"], "GatewayClass": ["v1"], "HTTPRoute": ["v1"]},
    "inference.networking.k8s.io": {"InferencePool": ["v1"]},
    "networking.istio.io": {"EnvoyFilter": ["v1alpha3"], "DestinationRule": ["v1", "v1beta1", "v1alpha3"]},
    "serving.kserve.io": {"LLMInferenceService": ["v1alpha1"], "LLMInferenceServiceConfig": ["v1alpha1"]},
}
# Keys of map lists (server-side apply's; the first one is also the strategic merge key), by type and field.
LIST_KEYS = {
    "PodSpec": {"containers": ["name"], "initContainers": ["name"], "ephemeralContainers": ["name"],
                "volumes": ["name"], "imagePullSecrets": ["name"], "hostAliases": ["ip"],
                "topologySpreadConstraints": ["topologyKey", "whenUnsatisfiable"], "schedulingGates": ["name"],
                "resourceClaims": ["name"]},
    "Container": {"ports": ["containerPort", "protocol"], "env": ["name"], "volumeMounts": ["mountPath"],
                  "volumeDevices": ["devicePath"]},
    "ResourceRequirements": {"claims": ["name"]},
    "ServiceSpec": {"ports": ["port", "protocol"]},
    "ServiceAccount": {"secrets": ["name"]},
    "ObjectMeta": {"ownerReferences": ["uid"]},
    "PodStatus": {"podIPs": ["ip"], "hostIPs": ["ip"]},
    "NodeStatus": {"addresses": ["type"]},
    "ValidatingWebhookConfiguration": {"webhooks": ["name"]},
    "MutatingWebhookConfiguration": {"webhooks": ["name"]},
}  # fmt: skip
LIST_KEYS["EphemeralContainer"] = LIST_KEYS["Container"]
SETS = {("ObjectMeta", "finalizers"), ("NamespaceSpec", "finalizers"), ("NodeSpec", "podCIDRs")}
ATOMIC = {
    "LabelSelector",
    "ConfigMapKeySelector",
    "SecretKeySelector",
    "LocalObjectReference",
    "ObjectReference",
    "TypedLocalObjectReference",
    "ObjectFieldSelector",
    "ResourceFieldSelector",
    "NodeSelector",
    "NodeSelectorTerm",
    "SecretReference",
    "ScopeSelector",
    "RoleRef",
    "RbacV1Subject",
    "TopologySelectorTerm",
    "FileKeySelector",
}
ATOMIC_MAPS = {("PodSpec", "nodeSelector"), ("ServiceSpec", "selector")}
ENUMS = {
    ("Container", "imagePullPolicy"): "Always IfNotPresent Never",
    ("PodSpec", "restartPolicy"): "Always Never OnFailure",
    ("PodSpec", "dnsPolicy"): "ClusterFirst ClusterFirstWithHostNet Default None",
    ("ContainerPort", "protocol"): "SCTP TCP UDP",
    ("ServicePort", "protocol"): "SCTP TCP UDP",
    ("NetworkPolicyPort", "protocol"): "SCTP TCP UDP",
    ("ServiceSpec", "type"): "ClusterIP ExternalName LoadBalancer NodePort",
    ("ServiceSpec", "sessionAffinity"): "ClientIP None",
    ("Toleration", "operator"): "Equal Exists",
    ("Toleration", "effect"): "NoExecute NoSchedule PreferNoSchedule",
    ("HTTPGetAction", "scheme"): "HTTP HTTPS",
    ("DeploymentStrategy", "type"): "Recreate RollingUpdate",
    ("ContainerResizePolicy", "restartPolicy"): "NotRequired RestartContainer",
    ("CustomResourceDefinitionSpec", "scope"): "Cluster Namespaced",
}
QUANTITIES = {
    "limits",
    "requests",
    "capacity",
    "allocatable",
    "hard",
    "used",
    "overhead",
    "default",
    "defaultRequest",
    "min",
    "max",
    "maxLimitRequestRatio",
    "allocatedResources",
}
LETTERS = {"str": "s", "Str": "s", "int": "i", "Int": "i", "bool": "b", "Bool": "b", "float": "n", "Float": "n",
           "datetime": "s", "bytes": "s", "Bytes": "s"}  # fmt: skip
# Fields that hold one quantity.
QUANTITY_FIELDS = {"sizeLimit", "divisor"}  # fmt: skip


def built_in() -> dict[str, Any]:
    """Types and kinds of the built-in groups."""
    from kubernetes.client import models

    types: dict[str, Encoded] = {}

    def name_of(model: Any) -> str:
        short = re.sub(r"^(V\d((alpha|beta)\d)?)(?=[A-Z])", "", model.__name__)
        return f"{model.__name__}" if model.__name__.startswith("V2") else short

    def plain(annotation: Any) -> Any:
        return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation

    def encoded(annotation: Any, owner: str, field: str) -> Encoded:
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is list:
            found: dict[str, Any] = {"l": encoded(arguments[0], owner, "")}
            if keys := LIST_KEYS.get(owner, {}).get(field) or (["type"] if field == "conditions" else None):
                found["k"] = keys
            elif (owner, field) in SETS:
                found["set"] = 1
            return found
        if origin is dict:
            quantity = field in QUANTITIES and owner != "NodeSystemInfo"
            return {"m": "q" if quantity else encoded(arguments[1], owner, f"{field}.")} | (
                {"a": 1} if (owner, field) in ATOMIC_MAPS else {}
            )
        if origin is not None and arguments:  # Optional, Annotated, Union
            real = [a for a in arguments if a is not type(None)]
            if origin is not Annotated and {str(a) for a in map(plain, real)} == {str(int), str(str)}:
                return "is"
            return encoded(real[0], owner, field)
        if hasattr(annotation, "model_fields"):
            model_type(annotation)
            return f"#{name_of(annotation)}"
        kind = getattr(annotation, "__name__", str(annotation))
        letter = LETTERS.get(kind.removeprefix("Strict"), "any")
        if field in QUANTITY_FIELDS:
            return "q"
        if allowed := ENUMS.get((owner, field)):
            return {"t": "s", "e": allowed.split()}
        return letter

    def model_type(model: Any) -> None:
        name = name_of(model)
        if name in types:
            return
        if name == "JSONSchemaProps":  # stored and shown as it comes
            types[name] = {"t": "any", "a": 1}
            return
        types[name] = {}
        fields, required = {}, []
        for attribute, info in model.model_fields.items():
            field = info.serialization_alias or info.alias or attribute
            fields[field] = encoded(info.annotation, name, field)
            if info.is_required():
                required.append(field)
        types[name] = {"f": fields} | ({"r": required} if required else {}) | ({"a": 1} if name in ATOMIC else {})

    kinds = {}
    for version, names in BUILT_IN.items():
        for kind in names.split():
            model = getattr(models, f"V2{kind}" if version.endswith("/v2") else f"V1{kind}")
            model_type(model)
            kinds[f"{version}/{kind}"] = f"#{name_of(model)}"
    return {"types": {k: types[k] for k in sorted(types)}, "kinds": kinds}


def custom(folder: Path, group: str, pod_types: dict[str, Encoded]) -> dict[str, Any]:
    """Types and kinds of one custom group."""
    types: dict[str, Encoded] = {}
    kinds: dict[str, str] = {}
    prefix = group.split(".")[0].title()
    for file in sorted(folder.glob("*.yaml")):
        for crd in yaml.load_all(file.read_text(), yaml.CSafeLoader):
            if not crd or crd["spec"]["group"] != group:
                continue
            for kind, versions in CUSTOM[group].items():
                if crd["spec"]["names"]["kind"] != kind and not kind.startswith(
                    crd["spec"]["names"]["kind"] + "Config"
                ):
                    continue
                for version in crd["spec"]["versions"]:
                    if version["name"] in versions:
                        tree = encode(version["schema"]["openAPIV3Schema"])
                        assert isinstance(tree, dict)
                        if group == "serving.kserve.io":
                            tree = first_release(tree, kind)
                        tree["f"] |= {"apiVersion": "s", "kind": "s", "metadata": "#ObjectMeta"}
                        types[f"{prefix}{kind}{version['name']}"] = shared(tree, pod_types)
                        kinds[f"{group}/{version['name']}/{kind}"] = f"#{prefix}{kind}{version['name']}"
    return {"types": folded(types, prefix), "kinds": kinds}


def first_release(tree: dict[str, Any], kind: str) -> dict[str, Any]:
    """Keep of LLMInferenceService what KServe 0.15 declared."""
    spec = tree["f"]["spec"]["f"]
    workload = ("replicas", "parallelism", "template", "worker")
    for name in set(spec) - {*workload, "model", "router", "prefill", "baseRefs"}:
        del spec[name]
    prefill = spec["prefill"]["f"]
    for name in set(prefill) - set(workload):
        del prefill[name]
    router = spec["router"]["f"]
    for name in set(router["scheduler"]["f"]) - {"pool", "template"}:
        del router["scheduler"]["f"][name]
    for name in set(router["route"]["f"]) - {"http"}:
        del router["route"]["f"][name]
    if kind.endswith("Config"):
        tree["f"].pop("status", None)
    return tree


def shared(node: Any, pod_types: dict[str, Encoded]) -> Any:
    """Put a reference where an inlined PodSpec stands."""
    if not isinstance(node, dict):
        return node
    if "f" in node:
        if {"containers", "tolerations", "nodeSelector", "volumes"} <= set(node["f"]):
            return "#PodSpec"
        return node | {"f": {name: shared(field, pod_types) for name, field in node["f"].items()}}
    return node | {key: shared(node[key], pod_types) for key in ("m", "l") if key in node}


def folded(types: dict[str, Encoded], prefix: str) -> dict[str, Encoded]:
    """Name every object type that occurs more than once, so that it is written once."""
    counts: dict[str, int] = {}

    def count(node: Any) -> None:
        if isinstance(node, dict):
            text = json.dumps(node, sort_keys=True)
            counts[text] = counts.get(text, 0) + 1
            if counts[text] == 1:
                for child in children(node):
                    count(child)

    def children(node: dict[str, Any]) -> list[Any]:
        return [*node.get("f", {}).values(), *(node[key] for key in ("m", "l") if key in node)]

    for tree in types.values():
        for child in children(tree):  # type: ignore[arg-type]
            count(child)
    names: dict[str, str] = {}
    done: dict[str, Encoded] = {}

    def fold(node: Any, top: bool = False) -> Any:
        if not isinstance(node, dict):
            return node
        text = json.dumps(node, sort_keys=True)
        if text in names and not top:
            return names[text]
        body = dict(node)
        if "f" in node:
            body["f"] = {name: fold(field) for name, field in node["f"].items()}
        for key in ("m", "l"):
            if key in node:
                body[key] = fold(node[key])
        if top or counts.get(text, 0) < 2 or len(text) < 80:
            return body
        names[text] = f"#{prefix}{len(names) + 1}"
        done[names[text][1:]] = body
        return names[text]

    tops = {name: fold(tree, True) for name, tree in types.items()}
    return done | tops


def derive(folder: Path) -> dict[str, dict[str, Any]]:
    """File name -> content."""
    files = {"built_in": built_in()}
    for group in CUSTOM:
        files[group.replace(".", "_")] = custom(folder, group, files["built_in"]["types"])
    return files


def main() -> None:
    """Write the data files."""
    for name, data in derive(Path(sys.argv[1])).items():
        parts = [f"{json.dumps(part)}:{{\n{_lines(data[part])}\n}}" for part in ("types", "kinds")]
        (TARGET / f"{name}.json").write_text("{" + ",\n".join(parts) + "}\n", "utf-8")


def _lines(entries: dict[str, Any]) -> str:
    return ",\n".join(f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in entries.items())


if __name__ == "__main__":
    main()
