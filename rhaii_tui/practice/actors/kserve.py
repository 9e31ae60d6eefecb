"""KServe's LLMInferenceService controller, of the EA1 packaging (KServe 0.15 code): children, conditions, address."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rhaii_tui.practice.actors import kserve_router, kserve_workload
from rhaii_tui.practice.actors.control import Controller
from rhaii_tui.practice.actors.kserve_preset import SYSTEM, PresetMissing, child_name, combined
from rhaii_tui.practice.actors.kserve_status import STOPPED, Conditions
from rhaii_tui.practice.actors.objects import (
    Key,
    Obj,
    annotations_of,
    condition,
    controller_of,
    deleting,
    is_available,
    is_true,
    key_of,
)

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.journal import Change

CONTROLLER = "kserve-controller-manager"
FINALIZER = "serving.kserve.io/llmisvc-finalizer"
STOP = "serving.kserve.io/stop"
COMPONENT = "LLMInferenceServiceController"
DEFAULT_GATEWAY = (SYSTEM, "inference-gateway")
_WORKLOADS = ("Deployment", "Service", "HTTPRoute", "InferencePool", "DestinationRule")


class ReconcileFailed(Exception):
    """A step of the chain failed; later conditions stay as they were. `condition` and `reason` say where."""

    def __init__(self, condition: str, reason: str, message: str) -> None:
        super().__init__(message)
        self.condition, self.reason, self.message = condition, reason, message


class LLMInferenceServices(Controller):
    """Acts only while its own Deployment is Available."""

    kinds = (
        "LLMInferenceService",
        "LLMInferenceServiceConfig",
        "Deployment",
        "Service",
        "HTTPRoute",
        "InferencePool",
        "Gateway",
        "Secret",
    )

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind == "LLMInferenceService":
            return (key_of(change.obj),)
        owner = controller_of(change.obj)
        if owner is not None and owner["kind"] == "LLMInferenceService":
            return ((change.obj["metadata"]["namespace"], owner["name"]),)
        touches_all = change.kind in ("LLMInferenceServiceConfig", "Gateway", "Secret")
        if touches_all or key_of(change.obj) == (SYSTEM, CONTROLLER):
            return [key_of(s) for s in self.store.list("LLMInferenceService")]
        return ()

    def reconcile(self, key: Key) -> float | None:
        service = self.store.get("LLMInferenceService", *key)
        if service is None or not is_available(self.store.get("Deployment", SYSTEM, CONTROLLER)):
            return None
        if deleting(service):
            self._finalize(service)
            return None
        if FINALIZER not in service["metadata"].get("finalizers", ()):

            def hold(s: Obj) -> None:
                s["metadata"].setdefault("finalizers", []).append(FINALIZER)

            service = self.store.update("LLMInferenceService", *key, hold) or service
        conditions = Conditions(service)
        failure: ReconcileFailed | None = None
        url = ""
        try:
            url = self._chain(service, conditions)
        except ReconcileFailed as failed:
            failure = failed
            conditions.mark(failed.condition, "False", failed.reason, failed.message)
            self.store.event(service, "Warning", "Error", f"Reconciliation failed: {failed.message}", COMPONENT)
        self._write(service, conditions, url)
        return 30.0 if failure else None

    def _chain(self, service: Obj, conditions: Conditions) -> str:
        """One pass over everything. Returns the address, "" while there is none. Raises ReconcileFailed."""
        heeded = not self.world.faults.on("stop-unheeded")
        if heeded and annotations_of(service).get(STOP) == "true":
            self._stop(service, conditions)
            return ""
        try:
            spec = combined(self.store, service)
        except PresetMissing as missing:
            raise ReconcileFailed("PresetsCombined", "ConfigNotFound", str(missing)) from missing
        conditions.mark("PresetsCombined", "True")
        name, secret = kserve_workload.storage_secret(self.store, service)
        if name and secret is None:
            text = (
                "failed to reconcile main workload: failed to build the expected main deployment: "
                f'failed to attach storage credentials: Secret "{name}" not found'
            )
            raise ReconcileFailed("MainWorkloadReady", "ReconcileSingleNodeWorkloadError", text)
        for child in kserve_workload.workload(self.store, service, spec):
            self._ensure(service, child)
        self._judge_workload(service, conditions)
        return self._route(service, spec, conditions)

    def _judge_workload(self, service: Obj, conditions: Conditions) -> None:
        namespace, name = key_of(service)
        deployment = self.store.get("Deployment", namespace, child_name(name, "-kserve"))
        conditions.follow("MainWorkloadReady", deployment)

    def _route(self, service: Obj, spec: Obj, conditions: Conditions) -> str:
        namespace, name = key_of(service)
        router = spec.get("router") or {}
        gateways = self._gateways(router, conditions)
        if "scheduler" in router:
            for child in kserve_router.scheduler(self.store, service, spec):
                self._ensure(service, child)
            deployment = self.store.get("Deployment", namespace, child_name(name, "-kserve-router-scheduler"))
            conditions.follow("SchedulerWorkloadReady", deployment)
        else:
            self._drop_scheduler(service)
            conditions.drop("SchedulerWorkloadReady", "InferencePoolReady")
        if "route" not in router:
            conditions.drop("HTTPRoutesReady")
            return ""
        self._ensure(service, kserve_router.route(service, spec, gateways))
        if self.store.has_kind("DestinationRule"):
            for rule in kserve_router.destination_rules(service, spec):
                self._ensure(service, rule)
        self._judge_routes(service, conditions, "scheduler" in router)
        found = self.store.get("Gateway", *gateways[0]) if gateways else None
        if found is None or not (found.get("status") or {}).get("addresses"):
            return ""
        return f"{self.world.gateway_url}/{namespace}/{name}"

    def _gateways(self, router: Obj, conditions: Conditions) -> list[Key]:
        refs = (router.get("gateway") or {}).get("refs") or ()
        gateways = [(str(r.get("namespace", SYSTEM)), str(r["name"])) for r in refs] or [DEFAULT_GATEWAY]
        found = {g: self.store.get("Gateway", *g) for g in gateways}
        for (namespace, name), gateway in found.items():
            if gateway is None and refs:
                text = f"Gateway {namespace}/{name} does not exist"
                raise ReconcileFailed("GatewaysReady", "RefsInvalid", text)
        waiting = [f"{ns}/{n}" for (ns, n), g in found.items() if not is_true(g, "Programmed")]
        if waiting:
            conditions.mark(
                "GatewaysReady", "False", "GatewaysNotReady", f"The following gateways are not ready: {waiting}"
            )
        else:
            conditions.mark("GatewaysReady", "True")
        return gateways

    def _judge_routes(self, service: Obj, conditions: Conditions, with_pool: bool) -> None:
        namespace, name = key_of(service)
        route = self.store.get("HTTPRoute", namespace, child_name(name, "-kserve-route")) or {}
        parents = (route.get("status") or {}).get("parents") or []
        good = bool(parents) and all(is_true({"status": p}, t) for p in parents for t in ("Accepted", "ResolvedRefs"))
        if good:
            conditions.mark("HTTPRoutesReady", "True")
        else:
            text = f"The following HTTPRoutes are not ready: [{namespace}/{name}-kserve-route]"
            conditions.mark("HTTPRoutesReady", "False", "HTTPRoutesNotReady", text)
        if not with_pool:
            return
        pool_name = child_name(name, "-inference-pool")
        pool = self.store.get("InferencePool", namespace, pool_name) or {}
        claimed = (pool.get("status") or {}).get("parents") or []
        if not claimed:
            text = f"InferencePool {namespace}/{pool_name} has not been accepted by a Gateway yet"
            conditions.mark("InferencePoolReady", "False", "WaitingForGateway", text)
        elif all(is_true({"status": p}, "Accepted") for p in claimed):
            conditions.mark("InferencePoolReady", "True")
        else:
            text = f"InferencePool {namespace}/{pool_name} is not ready"
            conditions.mark("InferencePoolReady", "False", "InferencePoolNotReady", text)

    def _ensure(self, service: Obj, wanted: Obj) -> None:
        """Create a child or bring it back to what it should be."""
        kind, (namespace, name) = _store_kind(wanted), key_of(wanted)
        found = self.store.get(kind, namespace, name)
        text = f"{wanted['kind']} {namespace}/{name}" if namespace else f"{wanted['kind']} {name}"
        if found is None:
            self.store.create(wanted)
            self.store.event(service, "Normal", "Created", f"Created {text}", COMPONENT)
            return
        if deleting(found):
            return

        def change(child: Obj) -> None:
            for field, value in wanted.items():
                if field == "metadata":
                    child["metadata"]["labels"] = {**(child["metadata"].get("labels") or {}), **value["labels"]}
                elif field == "spec" and wanted["kind"] == "Service":
                    child["spec"] = {**child["spec"], **value}
                else:
                    child[field] = value

        after = self.store.update(kind, namespace, name, change)
        if after is not None and after["metadata"]["resourceVersion"] != found["metadata"]["resourceVersion"]:
            self.store.event(service, "Normal", "Updated", f"Updated {text}", COMPONENT)

    def _drop_scheduler(self, service: Obj) -> None:
        namespace, name = key_of(service)
        for kind, suffix in (
            ("Deployment", "-kserve-router-scheduler"),
            ("Service", "-epp-service"),
            ("InferencePool", "-inference-pool"),
        ):
            if self.store.get(kind, namespace, child_name(name, suffix)) is not None:
                self.store.delete(kind, namespace, child_name(name, suffix))
        self.store.delete("ClusterRoleBinding", None, kserve_router.auth_binding(service))

    def _stop(self, service: Obj, conditions: Conditions) -> None:
        uid = service["metadata"]["uid"]
        for kind in _WORKLOADS:
            for child in self.store.list(kind, service["metadata"]["namespace"]):
                owner = controller_of(child)
                if owner and owner["uid"] == uid and not deleting(child):
                    self.store.delete(kind, *key_of(child))
                    text = f"Deleted {child['kind']} {'/'.join(key_of(child))}"
                    self.store.event(service, "Normal", "Deleted", text, COMPONENT)
        for type_ in STOPPED:
            if condition({"status": {"conditions": conditions.entries}}, type_) is not None:
                conditions.mark(type_, "False", "Stopped", "Service is stopped")

    def _finalize(self, service: Obj) -> None:
        self.store.delete("ClusterRoleBinding", None, kserve_router.auth_binding(service))

        def release(s: Obj) -> None:
            s["metadata"]["finalizers"] = [f for f in s["metadata"].get("finalizers", ()) if f != FINALIZER]

        self.store.update("LLMInferenceService", *key_of(service), release)

    def _write(self, service: Obj, conditions: Conditions, url: str) -> None:
        was = condition(service, "Ready")
        conditions.conclude()
        namespace, name = key_of(service)

        def change(s: Obj) -> None:
            status = s.setdefault("status", {})
            status["observedGeneration"] = service["metadata"]["generation"]
            status["conditions"] = conditions.sorted()
            if url:
                status["url"] = url
                status["addresses"] = [{"name": "gateway-external", "url": url}]
            elif annotations_of(s).get(STOP) == "true":
                status.pop("url", None)
                status.pop("addresses", None)

        after = self.store.update("LLMInferenceService", namespace, name, change, status=True)
        now = condition(after or {}, "Ready")
        before = was["status"] if was else "Unknown"
        if now and now["status"] == "True" and before != "True":
            self.store.event(
                service, "Normal", "LLMInferenceServiceReady", f"LLMInferenceService [{name}] is Ready", COMPONENT
            )
        elif now and now["status"] == "False" and before == "True":
            text = f"LLMInferenceService [{name}] is no longer Ready because of: {now.get('message', '')}"
            self.store.event(service, "Warning", "LLMInferenceServiceNotReady", text, COMPONENT)


def _store_kind(obj: Obj) -> str:
    group = obj["apiVersion"].rpartition("/")[0]
    return (
        f"{obj['kind']}.{group}"
        if group == kserve_router.OLD_POOL_GROUP and obj["kind"] == "InferencePool"
        else str(obj["kind"])
    )
