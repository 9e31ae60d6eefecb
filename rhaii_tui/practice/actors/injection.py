"""Istio's sidecar injection: pods of a labelled namespace get a proxy and an init container."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from rhaii_tui.practice.actors.gateways import PROXY, istio_runs
from rhaii_tui.practice.actors.objects import Obj, annotations_of, labels_of

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.store import Store

LABEL, POD_LABEL = "istio-injection", "sidecar.istio.io/inject"


def injected(store: Store, pod: Obj) -> Obj:
    """The pod, with a sidecar where its namespace asks for one and the pod does not decline."""
    namespace = store.get("Namespace", None, pod["metadata"]["namespace"]) or {"metadata": {}}
    wanted = labels_of(namespace).get(LABEL) == "enabled"
    declined = "false" in (labels_of(pod).get(POD_LABEL), annotations_of(pod).get(POD_LABEL))
    if not wanted or declined or not istio_runs(store):
        return pod
    changed = copy.deepcopy(pod)
    spec, resources = changed["spec"], {"requests": {"cpu": "10m", "memory": "40Mi"}}
    common = {"image": PROXY, "imagePullPolicy": "IfNotPresent", "resources": resources}
    tables = {"name": "istio-init", "args": ["istio-iptables", "-p", "15001"], "command": ["true"], **common}
    spec["initContainers"] = [tables, *(spec.get("initContainers") or ())]
    proxy = {
        "name": "istio-proxy",
        "args": ["proxy", "sidecar", "--domain", f"{pod['metadata']['namespace']}.svc.cluster.local"],
        "ports": [{"name": "http-envoy-prom", "containerPort": 15090, "protocol": "TCP"}],
        "readinessProbe": {"httpGet": {"path": "/healthz/ready", "port": 15021}, "periodSeconds": 15},
        **common,
    }
    spec["containers"] = [*spec["containers"], proxy]
    status = '{"initContainers":["istio-init"],"containers":["istio-proxy"]}'
    changed["metadata"].setdefault("annotations", {})["sidecar.istio.io/status"] = status
    return changed
