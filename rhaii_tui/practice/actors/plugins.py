"""The device plugins that GKE runs on accelerator nodes, one pod each, made for their node as a DaemonSet's are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rhaii_tui.practice.actors.objects import Obj, digest_name, labels_of, owner_reference
from rhaii_tui.practice.actors.podtemplate import complete

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.store import Store

NAMESPACE = "kube-system"
# Per accelerator: DaemonSet, container and image, as GKE names them.
_PLUGINS = {
    "nvidia.com/gpu": ("nvidia-gpu-device-plugin-small-cos", "nvidia-gpu-device-plugin", "nvidia-gpu-device-plugin"),
    "google.com/tpu": ("tpu-device-plugin", "tpu-device-plugin", "tpu-device-plugin"),
}


def is_plugin(pod: Obj) -> bool:
    """Whether a pod is a device plugin's."""
    names = {app for app, *_ in _PLUGINS.values()}
    return pod["metadata"].get("namespace") == NAMESPACE and labels_of(pod).get("k8s-app") in names


def plugin_on(store: Store, node: str) -> Obj | None:
    """The device plugin's pod on a node."""
    pods = (p for p in store.list("Pod", NAMESPACE) if p["spec"].get("nodeName") == node)
    return next((p for p in pods if is_plugin(p)), None)


def ensure_plugin(store: Store, node: str, resource: str) -> None:
    """Have the plugin's pod on a node."""
    if plugin_on(store, node) is not None:
        return
    name, container, image = _PLUGINS[resource]
    pod: Obj = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{name}-{digest_name(node, 5)}",
            "namespace": NAMESPACE,
            "labels": {"k8s-app": name, "name": name},
            "ownerReferences": [owner_reference(_daemon_set(store, name))],
        },
        "spec": {
            "nodeName": node,
            "priorityClassName": "system-node-critical",
            "containers": [
                {
                    "name": container,
                    "image": f"gke.gcr.io/{image}:1.0.29-gke.0",
                    "resources": {"requests": {"cpu": "50m", "memory": "50Mi"}},
                }
            ],
            "tolerations": [{"operator": "Exists"}],
        },
        "status": {"phase": "Pending"},
    }
    complete(pod["spec"])
    if store.get("Pod", NAMESPACE, pod["metadata"]["name"]) is None:
        store.create(pod)


def _daemon_set(store: Store, name: str) -> Obj:
    """The DaemonSet of the plugin: who drains a node, and the autoscaler, leave its pods out of account."""
    found = store.get("DaemonSet", NAMESPACE, name)
    if found is not None:
        return found
    labels = {"k8s-app": name}
    template: Obj = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": name, "image": name}]}}
    return store.create(
        {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
            "spec": {"selector": {"matchLabels": labels}, "template": template},
            "status": {
                "currentNumberScheduled": 0,
                "desiredNumberScheduled": 0,
                "numberMisscheduled": 0,
                "numberReady": 0,
            },
        }
    )
