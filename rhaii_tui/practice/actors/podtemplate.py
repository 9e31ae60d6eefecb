"""A pod out of a template, with the defaults the API server and its admission plugins put in."""

from __future__ import annotations

import copy
import uuid

from rhaii_tui.practice.actors.objects import Obj, digest_name, owner_reference

_TOLERATIONS = tuple(
    {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    for key in ("not-ready", "unreachable")
)
_ACCELERATORS = ("nvidia.com/gpu", "google.com/tpu")


def pod_from(owner: Obj) -> Obj:
    """A new pod of a ReplicaSet, named `SET-xxxxx`."""
    template = copy.deepcopy(owner["spec"]["template"])
    meta = owner["metadata"]
    pod: Obj = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **{k: v for k, v in template.get("metadata", {}).items() if k in ("labels", "annotations")},
            "generateName": f"{meta['name']}-",
            "name": f"{meta['name']}-{digest_name(uuid.uuid4().hex, 5)}"[-253:],
            "namespace": meta["namespace"],
            "ownerReferences": [owner_reference(owner)],
        },
        "spec": template["spec"],
        "status": {"phase": "Pending"},
    }
    complete(pod["spec"])
    return pod


def complete(spec: Obj) -> None:
    """Fill in what a pod spec leaves out, and GKE's tolerations for the accelerators it asks for."""
    defaults = {
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "serviceAccountName": "default",
        "securityContext": {},
        "schedulerName": "default-scheduler",
        "enableServiceLinks": True,
        "priority": 0,
        "preemptionPolicy": "PreemptLowerPriority",
    }
    for field, value in defaults.items():
        spec.setdefault(field, value)
    spec.setdefault("serviceAccount", spec["serviceAccountName"])
    tolerations = spec.setdefault("tolerations", [])
    for resource in sorted(_asked(spec)):
        if not any(t.get("key") == resource for t in tolerations):
            tolerations.append({"key": resource, "operator": "Exists", "effect": "NoSchedule"})
    for toleration in _TOLERATIONS:
        if not any(t.get("key") == toleration["key"] for t in tolerations):
            tolerations.append(dict(toleration))
    for container in [*spec["containers"], *(spec.get("initContainers") or ())]:
        latest = container["image"].endswith(":latest") or ":" not in container["image"].rsplit("/", 1)[-1]
        container.setdefault("imagePullPolicy", "Always" if latest else "IfNotPresent")
        container.setdefault("terminationMessagePath", "/dev/termination-log")
        container.setdefault("terminationMessagePolicy", "File")
        container.setdefault("resources", {})


def _asked(spec: Obj) -> set[str]:
    asked: set[str] = set()
    for container in spec["containers"]:
        resources = container.get("resources") or {}
        for part in ("limits", "requests"):
            asked |= {r for r in _ACCELERATORS if (resources.get(part) or {}).get(r)}
    return asked
