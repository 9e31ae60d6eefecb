"""What every namespace holds from its first moment: the default ServiceAccount and the cluster's CA."""

from __future__ import annotations

from rhaii_tui.practice.actors.control import Controller
from rhaii_tui.practice.actors.objects import Key, deleting


class Namespaces(Controller):
    """Creates `default` and `kube-root-ca.crt` in each active namespace."""

    kinds = ("Namespace",)

    def reconcile(self, key: Key) -> float | None:
        namespace = self.store.get("Namespace", None, key[1])
        if namespace is None or deleting(namespace):
            return None
        if self.store.get("ServiceAccount", key[1], "default") is None:
            meta = {"name": "default", "namespace": key[1]}
            self.store.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
        if self.store.get("ConfigMap", key[1], "kube-root-ca.crt") is None:
            meta = {"name": "kube-root-ca.crt", "namespace": key[1]}
            data = {"ca.crt": self.cluster.ca_pem.decode()}
            self.store.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})
        return None
