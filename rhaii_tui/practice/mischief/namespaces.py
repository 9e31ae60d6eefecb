"""Sidecars: somebody labels the namespace, and whatever starts there afterwards gets Istio's proxy."""

from __future__ import annotations

from rhaii_tui.practice.actors.injection import LABEL
from rhaii_tui.practice.actors.objects import Obj, is_true, labels_of
from rhaii_tui.practice.mischief.acts import Act
from rhaii_tui.practice.traffic.objects import has_sidecar


class Sidecars(Act):
    """Labels the namespaces of services and restarts their replicas."""

    def strike(self) -> None:
        for service in self.services():
            if not self.first_time(service):
                continue
            namespace = self.store.get("Namespace", None, service["metadata"]["namespace"])
            if namespace is not None:
                self.edits.change(namespace, ("metadata", "labels", LABEL), "enabled")
                self.restart([p for p in self.replicas(service) if is_true(p, "Ready")])

    async def lift(self) -> None:
        """The label goes; what has a sidecar must be restarted to lose it."""
        await super().lift()
        for service in self.services():
            if not self._labelled(service):
                self.restart([p for p in self.replicas(service) if has_sidecar(p)])

    def _labelled(self, service: Obj) -> bool:
        namespace = self.store.get("Namespace", None, service["metadata"]["namespace"]) or {"metadata": {}}
        return labels_of(namespace).get(LABEL) == "enabled"
