"""HTTPRoute and InferencePool as Istio judges them: per parent Accepted and ResolvedRefs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rhaii_tui.practice.actors.control import Controller
from rhaii_tui.practice.actors.gateways import CLASS_CONTROLLER, istio_runs
from rhaii_tui.practice.actors.objects import Key, Obj, deleting, is_true, key_of, owner_reference, set_condition

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.journal import Change
    from rhaii_tui.practice.kube.store import Store

GROUP = "gateway.networking.k8s.io"
POOL_GROUP = "inference.networking.k8s.io"


class HTTPRoutes(Controller):
    """Writes one status entry per Gateway that exists."""

    kinds = ("HTTPRoute", "Gateway", "Service", "InferencePool", "Deployment")

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind == "HTTPRoute":
            return (key_of(change.obj),)
        if change.kind == "Deployment" and key_of(change.obj) != ("istio-system", "istiod"):
            return ()
        return [key_of(r) for r in self.store.list("HTTPRoute")]

    def reconcile(self, key: Key) -> float | None:
        route = self.store.get("HTTPRoute", *key)
        if route is None or deleting(route) or not istio_runs(self.store):
            return None
        old = (route.get("status") or {}).get("parents") or []
        unresolved = self._unresolved(route)
        parents: list[Obj] = []
        for ref in route["spec"].get("parentRefs") or ():
            gateway = self.store.get("Gateway", ref.get("namespace", key[0]), ref["name"])
            if gateway is None or not is_true(gateway, "Accepted"):
                continue
            before: list[Obj] = next((p["conditions"] for p in old if p["parentRef"] == ref), [])
            parents.append(_judge(route, ref, gateway, unresolved, [dict(c) for c in before]))

        def change(r: Obj) -> None:
            r["status"] = {"parents": parents}

        if parents or old:
            self.store.update("HTTPRoute", *key, change, status=True)
        return None

    def _unresolved(self, route: Obj) -> str:
        namespace = route["metadata"]["namespace"]
        for rule in route["spec"].get("rules") or ():
            for ref in rule.get("backendRefs") or ():
                kind = str(ref.get("kind", "Service"))
                found = self.store.get(kind, ref.get("namespace", namespace), ref["name"])
                if kind not in ("Service", "InferencePool"):
                    return f"referencing unsupported backendRef: group {ref.get('group')!r} kind {kind!r}"
                if found is None:
                    return f"backend({ref['name']}.{ref.get('namespace', namespace)}.svc.cluster.local) not found"
        return ""


def _judge(route: Obj, ref: Obj, gateway: Obj, unresolved: str, conditions: list[Obj]) -> Obj:
    generation = route["metadata"]["generation"]
    if _allowed(route, gateway):
        text = "Route was valid"
        set_condition(conditions, "Accepted", "True", "Accepted", text, generation=generation)
    else:
        text = "no listeners allow this route's namespace"
        set_condition(conditions, "Accepted", "False", "NotAllowedByListeners", text, generation=generation)
    if unresolved:
        set_condition(conditions, "ResolvedRefs", "False", "BackendNotFound", unresolved, generation=generation)
    else:
        text = "All references resolved"
        set_condition(conditions, "ResolvedRefs", "True", "ResolvedRefs", text, generation=generation)
    return {"parentRef": ref, "controllerName": CLASS_CONTROLLER, "conditions": conditions}


def _allowed(route: Obj, gateway: Obj) -> bool:
    for listener in gateway["spec"]["listeners"]:
        origin = ((listener.get("allowedRoutes") or {}).get("namespaces") or {}).get("from", "Same")
        if origin == "All" or route["metadata"]["namespace"] == gateway["metadata"]["namespace"]:
            return True
    return False


class InferencePools(Controller):
    """A pool is claimed by the Gateways whose accepted routes lead to it, and gets Istio's shadow Service."""

    kinds = ("InferencePool", "HTTPRoute", "Service")

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind == "InferencePool":
            return (key_of(change.obj),)
        return [key_of(p) for p in self.store.list("InferencePool", change.obj["metadata"]["namespace"])]

    def reconcile(self, key: Key) -> float | None:
        pool = self.store.get("InferencePool", *key)
        if pool is None or deleting(pool) or not istio_runs(self.store):
            return None
        gateways = list(_claimants(self.store, pool))
        if gateways:
            self._shadow_service(pool)
        picker = pool["spec"].get("endpointPickerRef") or {}
        found = self.store.get("Service", key[0], picker.get("name", "")) is not None
        generation = pool["metadata"]["generation"]
        old = (pool.get("status") or {}).get("parents") or []
        parents: list[Obj] = []
        for namespace, name in gateways:
            ref = {"group": GROUP, "kind": "Gateway", "namespace": namespace, "name": name}
            before: list[Obj] = next((p["conditions"] for p in old if p["parentRef"] == ref), [])
            conditions = [dict(c) for c in before]
            text = "Referenced by an HTTPRoute accepted by the parentRef Gateway"
            set_condition(conditions, "Accepted", "True", "Accepted", text, generation=generation)
            if found:
                text = "Referenced ExtensionRef resolved successfully"
                set_condition(conditions, "ResolvedRefs", "True", "ResolvedRefs", text, generation=generation)
            else:
                text = f"Referenced ExtensionRef not found: {picker.get('name', '')}"
                set_condition(conditions, "ResolvedRefs", "False", "InvalidExtensionRef", text, generation=generation)
            parents.append({"parentRef": ref, "conditions": conditions})

        def change(p: Obj) -> None:
            p["status"] = {"parents": parents}

        if parents or old:
            self.store.update("InferencePool", *key, change, status=True)
        return None

    def _shadow_service(self, pool: Obj) -> None:
        namespace, name = key_of(pool)
        digest = hashlib.sha256(f"{namespace}/{name}".encode()).hexdigest()[:8]
        own = f"{name[:51]}-ip-{digest}"
        if self.store.get("Service", namespace, own) is not None:
            return
        self.store.create(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {
                    "name": own,
                    "namespace": namespace,
                    "labels": {"istio.io/inferencepool-name": name},
                    "ownerReferences": [owner_reference(pool)],
                },
                "spec": {
                    "type": "ClusterIP",
                    "clusterIP": "None",
                    "selector": pool["spec"]["selector"].get("matchLabels", {}),
                    "ports": [{"name": "http", "port": 54321, "protocol": "TCP", "targetPort": 8000}],
                },
            }
        )


def _claimants(store: Store, pool: Obj) -> Iterable[Key]:
    """Gateways with an accepted route to the pool, each once."""
    namespace, name = key_of(pool)
    seen: dict[Key, None] = {}
    for route in store.list("HTTPRoute", namespace):
        refs = [b for rule in route["spec"].get("rules") or () for b in rule.get("backendRefs") or ()]
        if not any(b.get("kind") == "InferencePool" and b["name"] == name for b in refs):
            continue
        for parent in (route.get("status") or {}).get("parents") or ():
            if is_true({"status": parent}, "Accepted"):
                seen[parent["parentRef"].get("namespace", namespace), parent["parentRef"]["name"]] = None
    return seen
