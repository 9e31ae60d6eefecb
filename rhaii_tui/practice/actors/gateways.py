"""Istio's gateway controller: a Gateway becomes a Deployment and a LoadBalancer, and is Programmed once reachable."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import yaml

from rhaii_tui.practice.actors.control import Controller
from rhaii_tui.practice.actors.merge import strategic
from rhaii_tui.practice.actors.objects import (
    Key,
    Obj,
    conditions_in,
    controller_of,
    deleting,
    is_available,
    is_true,
    key_of,
    labels_of,
    owner_reference,
    set_condition,
)

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster
    from rhaii_tui.practice.kube.journal import Change
    from rhaii_tui.practice.kube.store import Store

CLASS_CONTROLLER = "istio.io/gateway-controller"
PROXY = "registry.redhat.io/openshift-service-mesh/istio-proxyv2-rhel9:1.27"
CA_FOLDER, CA_KEY = "/var/run/secrets/opendatahub", "ca.crt"
NAME_LABEL = "gateway.networking.k8s.io/gateway-name"


def istio_runs(store: Store) -> bool:
    """Whether istiod is there to act."""
    return is_available(store.get("Deployment", "istio-system", "istiod"))


def gateway_has_ca(cluster: KubeCluster, namespace: str, name: str) -> bool:
    """Whether the gateway's pods hold the CA that verifies replicas; if not: 503 `Secret is not supplied by SDS`."""
    deployment = cluster.store.get("Deployment", namespace, f"{name}-istio")
    spec = deployment["spec"]["template"]["spec"] if deployment else {}
    proxy: Obj = next((c for c in spec.get("containers", ()) if c["name"] == "istio-proxy"), {})
    mounted = {m["name"] for m in proxy.get("volumeMounts") or () if m["mountPath"].rstrip("/") == CA_FOLDER}
    for volume in spec.get("volumes") or ():
        if volume["name"] not in mounted:
            continue
        for field, kind, key in (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")):
            source = cluster.store.get(kind, namespace, (volume.get(field) or {}).get(key, ""))
            if source is not None and (source.get("data") or {}).get(CA_KEY):
                return True
    return False


class GatewayClasses(Controller):
    """Accepts the classes that name Istio's controller."""

    kinds = ("GatewayClass", "Deployment")

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind == "GatewayClass":
            return (key_of(change.obj),)
        if key_of(change.obj) == ("istio-system", "istiod"):
            return [key_of(c) for c in self.store.list("GatewayClass")]
        return ()

    def reconcile(self, key: Key) -> float | None:
        found = self.store.get("GatewayClass", None, key[1])
        if found is None or found["spec"].get("controllerName") != CLASS_CONTROLLER or not istio_runs(self.store):
            return None

        def accept(c: Obj) -> None:
            text = "Handled by Istio controller"
            set_condition(
                conditions_in(c), "Accepted", "True", "Accepted", text, generation=c["metadata"]["generation"]
            )

        self.store.update("GatewayClass", None, key[1], accept, status=True)
        return None


class Gateways(Controller):
    """Generates `GATEWAY-istio` objects and keeps the Gateway's status."""

    kinds = ("Gateway", "GatewayClass", "Deployment", "Service", "ConfigMap", "HTTPRoute")

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind == "Gateway":
            return (key_of(change.obj),)
        owner = controller_of(change.obj)
        if owner is not None and owner["kind"] == "Gateway":
            return ((change.obj["metadata"]["namespace"], owner["name"]),)
        namespace = change.obj["metadata"].get("namespace")
        if change.kind in ("GatewayClass", "HTTPRoute") or key_of(change.obj) == ("istio-system", "istiod"):
            return [key_of(g) for g in self.store.list("Gateway")]
        return [key_of(g) for g in self.store.list("Gateway", namespace)] if change.kind == "ConfigMap" else ()

    def reconcile(self, key: Key) -> float | None:
        gateway = self.store.get("Gateway", *key)
        if gateway is None or deleting(gateway) or not istio_runs(self.store):
            return None
        class_ = self.store.get("GatewayClass", None, gateway["spec"]["gatewayClassName"])
        if class_ is None or class_["spec"].get("controllerName") != CLASS_CONTROLLER:
            return None
        patches, trouble = self._parameters(gateway)
        if not trouble:
            for child in _children(gateway, patches):
                self._ensure(child)
        self._write_status(gateway, trouble)
        return None

    def _parameters(self, gateway: Obj) -> tuple[dict[str, Obj], str]:
        """Patches from the ConfigMap the Gateway names, by object; and what is wrong with it."""
        ref = (gateway["spec"].get("infrastructure") or {}).get("parametersRef")
        if not ref:
            return {}, ""
        namespace = gateway["metadata"]["namespace"]
        if ref.get("kind") != "ConfigMap" or ref.get("group"):
            return {}, f"unsupported parametersRef {ref.get('group')}/{ref.get('kind')}"
        found = self.store.get("ConfigMap", namespace, ref["name"])
        if found is None:
            return {}, f"ConfigMap {namespace}/{ref['name']} not found"
        try:
            return {k: yaml.safe_load(v) or {} for k, v in (found.get("data") or {}).items()}, ""
        except yaml.YAMLError as error:
            return {}, f"ConfigMap {namespace}/{ref['name']} is no YAML: {error}"

    def _ensure(self, wanted: Obj) -> None:
        found = self.store.get(wanted["kind"], *key_of(wanted))
        if found is None:
            self.store.create(wanted)
            return

        def change(child: Obj) -> None:
            meta, own = child["metadata"], wanted["metadata"]
            for part in ("labels", "annotations"):
                if own.get(part):
                    meta[part] = {**(meta.get(part) or {}), **own[part]}
            if wanted["kind"] == "Service":
                child["spec"] = {**child["spec"], **wanted["spec"]}
            elif "spec" in wanted:
                child["spec"] = wanted["spec"]

        self.store.update(wanted["kind"], *key_of(wanted), change)

    def _write_status(self, gateway: Obj, trouble: str) -> None:
        namespace, name = key_of(gateway)
        service = self.store.get("Service", namespace, f"{name}-istio") or {}
        ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
        host = f"{name}-istio.{namespace}.svc.cluster.local"
        attached = sum(_attached(r, namespace, name) for r in self.store.list("HTTPRoute"))
        generation = gateway["metadata"]["generation"]

        def change(g: Obj) -> None:
            conditions = conditions_in(g)
            conditions[:] = [c for c in conditions if c["reason"] != "Pending"]
            if trouble:
                set_condition(conditions, "Accepted", "False", "InvalidParameters", trouble, generation=generation)
                text = "Gateway is not accepted"
                set_condition(conditions, "Programmed", "False", "Invalid", text, generation=generation)
                return
            set_condition(conditions, "Accepted", "True", "Accepted", "Resource accepted", generation=generation)
            if ingress:
                ports = " and ".join(f"{host}:{p['port']}" for p in g["spec"]["listeners"])
                text = f"Resource programmed, assigned to service(s) {ports}"
                set_condition(conditions, "Programmed", "True", "Programmed", text, generation=generation)
                g["status"]["addresses"] = [{"type": "IPAddress", "value": ingress[0]["ip"]}]
            else:
                text = (
                    f"Assigned to service(s) {host}:80, but failed to assign to all requested addresses: "
                    f'address pending for hostname "{host}"'
                )
                set_condition(conditions, "Programmed", "False", "AddressNotAssigned", text, generation=generation)
                g["status"].pop("addresses", None)
            g["status"]["listeners"] = [
                _listener(one, attached, generation, g["status"].get("listeners") or [])
                for one in g["spec"]["listeners"]
            ]

        self.store.update("Gateway", namespace, name, change, status=True)


def _attached(route: Obj, namespace: str, name: str) -> bool:
    own = route["metadata"]["namespace"]
    refs = [(r.get("namespace", own), r["name"]) for r in route["spec"].get("parentRefs") or ()]
    parents = (route.get("status") or {}).get("parents") or ()
    return (namespace, name) in refs and any(is_true({"status": p}, "Accepted") for p in parents)


def _listener(spec: Obj, attached: int, generation: int, old: list[Obj]) -> Obj:
    before: list[Obj] = next((entry["conditions"] for entry in old if entry["name"] == spec["name"]), [])
    conditions = [dict(c) for c in before]
    for type_, status, reason in (
        ("Accepted", "True", "Accepted"),
        ("Conflicted", "False", "NoConflicts"),
        ("Programmed", "True", "Programmed"),
        ("ResolvedRefs", "True", "ResolvedRefs"),
    ):
        set_condition(conditions, type_, status, reason, "No errors found", generation=generation)
    group = "gateway.networking.k8s.io"
    kinds = [{"group": group, "kind": kind} for kind in ("HTTPRoute", "GRPCRoute")]
    return {"name": spec["name"], "attachedRoutes": attached, "supportedKinds": kinds, "conditions": conditions}


def _children(gateway: Obj, patches: dict[str, Obj]) -> list[Obj]:
    namespace, name = key_of(gateway)
    own = f"{name}-istio"
    labels = {
        NAME_LABEL: name,
        "gateway.istio.io/managed": "istio.io-gateway-controller",
        **((gateway["spec"].get("infrastructure") or {}).get("labels") or {}),
    }
    meta = {"name": own, "namespace": namespace, "labels": labels, "ownerReferences": [owner_reference(gateway)]}
    ports = [
        {"name": "status-port", "port": 15021, "protocol": "TCP", "targetPort": 15021},
        *(
            {
                "name": one["name"],
                "port": one["port"],
                "protocol": "TCP",
                "targetPort": one["port"],
                "appProtocol": "http",
            }
            for one in gateway["spec"]["listeners"]
        ),
    ]
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta,
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {NAME_LABEL: name}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "template": {
                "metadata": {
                    "labels": {**labels, "sidecar.istio.io/inject": "false", "service.istio.io/canonical-name": own}
                },
                "spec": {
                    "serviceAccountName": own,
                    "containers": [_proxy(namespace, name)],
                    "volumes": [{"name": "istio-data", "emptyDir": {}}],
                },
            },
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta,
        "spec": {"type": "LoadBalancer", "selector": {NAME_LABEL: name}, "ports": ports},
    }
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta}
    return [
        account,
        strategic(deployment, patches.get("deployment", {})),
        strategic(service, patches.get("service", {})),
    ]


def _proxy(namespace: str, name: str) -> Obj:
    return {
        "name": "istio-proxy",
        "image": PROXY,
        "args": ["proxy", "router", "--domain", f"{namespace}.svc.cluster.local", "--proxyLogLevel", "warning"],
        "ports": [{"name": "http-envoy-prom", "containerPort": 15090, "protocol": "TCP"}],
        "env": [{"name": "ISTIO_META_WORKLOAD_NAME", "value": f"{name}-istio"}],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "2", "memory": "1Gi"}},
        "startupProbe": {
            "httpGet": {"path": "/healthz/ready", "port": 15021},
            "periodSeconds": 1,
            "failureThreshold": 30,
        },
        "readinessProbe": {
            "httpGet": {"path": "/healthz/ready", "port": 15021},
            "periodSeconds": 15,
            "failureThreshold": 4,
        },
        "volumeMounts": [{"name": "istio-data", "mountPath": "/var/lib/istio/data"}],
    }


def is_gateway_service(service: Obj) -> bool:
    """A Service made for a Gateway of Istio's."""
    return NAME_LABEL in labels_of(service)
