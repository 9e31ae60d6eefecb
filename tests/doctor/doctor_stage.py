"""Evidence built in code: a healthy deployment of any shape, object by object, to be broken one piece at a time."""

from __future__ import annotations

import copy
import time
from datetime import UTC, datetime
from typing import Any

from rhaii_tui.catalog.accelerators import accelerator_facts
from rhaii_tui.catalog.findings import Evidence, Finding, Status
from rhaii_tui.catalog.shapes import Accelerator, Shape
from rhaii_tui.catalog.target import Target
from rhaii_tui.doctor.evidence import ACCELERATORS, LogKey, Scrapes, Snapshot, Tail, Traffic
from rhaii_tui.doctor.pieces import Piece, Read, Unread
from rhaii_tui.doctor.place import Place
from rhaii_tui.google.compute import Quota, Quotas
from rhaii_tui.google.quotas import QuotaLimit
from rhaii_tui.google.values import ClusterInfo, OperationInfo, PoolInfo
from rhaii_tui.serving import manifests, metrics
from rhaii_tui.serving.stack import EA1

Json = dict[str, Any]
NOW = time.time()


def stamp(ago: float) -> str:
    """A Kubernetes time stamp so many seconds before now."""
    return datetime.fromtimestamp(NOW - ago, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


OLD = stamp(7200)
MODEL = "Qwen/Qwen2.5-3B-Instruct"
NS, GATES = "rhaii-inference", "opendatahub"
SYSTEM = ("opendatahub", "istio-system", "cert-manager", "kube-system", NS)


def target_of(shape: Shape) -> Target:
    """The deployment as setup would make it."""
    facts = accelerator_facts(shape.accelerator)
    return Target(
        accelerator=shape.accelerator,
        topology=shape.topology,
        project="practice-project",
        zone=facts.zone,
        cluster=facts.cluster,
        pool=facts.pool,
        namespace=NS,
        service=facts.service,
        replicas=shape.replicas,
        model=MODEL,
        image=facts.image,
    )


class Stage:
    """The parts of a snapshot as plain, mutable objects. `snapshot()` freezes them."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.target = target_of(shape)
        self.facts = accelerator_facts(shape.accelerator)
        self.svc = self.target.service
        self.resource = ACCELERATORS[shape.accelerator is Accelerator.TPU_V6E]
        self.kinds: dict[str, list[Json]] = {}
        self.unread: dict[str, Unread] = {}
        self.logs: dict[LogKey, Piece[Tail]] = {}
        self.metrics: dict[str, Piece[Scrapes]] = {}
        self.under_way = False
        self.known = True
        self.service = manifests.service(self.target)
        self.service["metadata"] |= {"uid": "service", "generation": 1, "creationTimestamp": OLD}
        ready = ["PresetsCombined", "MainWorkloadReady", "WorkloadsReady", "GatewaysReady", "HTTPRoutesReady"]
        ready += ["InferencePoolReady", "SchedulerWorkloadReady"] if shape.routed else []
        self.service["status"] = {
            "observedGeneration": 1,
            "url": f"http://127.0.0.1/{NS}/{self.svc}",
            "conditions": [{"type": t, "status": "True"} for t in (*ready, "RouterReady", "Ready")],
        }
        self._cluster()
        self._network()
        self._workload()
        if shape.routed:
            self._picker()
        self.answers = self._answers()
        self.google = self._google()

    # What can be read

    def snapshot(self) -> Snapshot:
        """Frozen, as gathered."""
        if self.service:  # the controller has carried the service's template over
            template = copy.deepcopy(self.service["spec"]["template"])
            self.one("Deployment", f"{self.svc}-kserve")["spec"]["template"] = {"spec": template}
        kinds: dict[str, Piece[tuple[Json, ...]]] = {k: Read(tuple(v), NOW) for k, v in self.kinds.items()}
        kinds["LLMInferenceService"] = Read((self.service,) if self.service else (), NOW)
        place = Place.of(self.target, under_way=self.under_way)
        if not self.known:
            place = Place(NS, self.svc, self.target.project, self.target.zone, self.target.cluster)
        return Snapshot(
            place=place,
            at=NOW,
            kinds=kinds | self.unread,
            facts=self.google,
            logs=self.logs,
            metrics=self.metrics,
            traffic=self.answers,
        )

    def one(self, kind: str, name: str) -> Json:
        """An object by name."""
        return next(o for o in self.kinds[kind] if o["metadata"]["name"] == name)

    def add(self, kind: str, name: str, namespace: str = "", **rest: Any) -> Json:
        """Another object of a kind; `labels` go to its metadata."""
        meta = {"name": name, "uid": f"{kind}-{name}", "creationTimestamp": OLD, "labels": rest.pop("labels", {})}
        if namespace:
            meta["namespace"] = namespace
        obj = {"kind": kind, "metadata": meta, **rest}
        self.kinds.setdefault(kind, []).append(obj)
        return obj

    def remove(self, kind: str, name: str) -> None:
        """It was never there."""
        self.kinds[kind] = [o for o in self.kinds[kind] if o["metadata"]["name"] != name]

    def event(self, kind: str, name: str, reason: str, message: str, level: str = "Warning") -> None:
        """An event about an object."""
        self.add("Event", f"e{len(self.kinds['Event'])}", NS, type=level, reason=reason, message=message,
                 involvedObject={"kind": kind, "name": name}, lastTimestamp=OLD)  # fmt: skip

    @property
    def pods(self) -> list[Json]:
        """The replicas."""
        return [p for p in self.kinds["Pod"] if p["metadata"]["labels"].get("kserve.io/component") == "workload"]

    @property
    def nodes(self) -> list[Json]:
        """The accelerator nodes."""
        return [n for n in self.kinds["Node"] if n["metadata"]["name"].startswith("acc-")]

    @property
    def main(self) -> Json:
        """The engine's container in the service."""
        container: Json = self.service["spec"]["template"]["containers"][0]
        return container

    @property
    def route(self) -> Json:
        """The service's HTTPRoute."""
        return self.one("HTTPRoute", f"{self.svc}-kserve-route")

    def log(self, pod: Json, container: str, *lines: str, ago: float = 5.0, previous: bool = False) -> None:
        """The end of a container's log."""
        self.logs[LogKey(pod["metadata"]["name"], container, previous)] = Read(Tail(lines, NOW - ago), NOW)

    # Ways to break a replica

    def unready(self, pod: Json, **state: Json) -> Json:
        """A placed replica that is not ready; `main` or `storage_initializer` give containers' states."""
        name = pod["metadata"]["name"]
        self.metrics.pop(name, None)
        download = state.get("storage_initializer")
        true = {"PodScheduled"} | (set() if download else {"Initialized"})
        pod["status"]["conditions"] = [
            {"type": t, "status": "True" if t in true else "False"}
            for t in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
        ]
        if download:
            pod["status"]["initContainerStatuses"] = [{"name": "storage-initializer", **download}]
            pod["status"]["containerStatuses"] = []
            self.logs.pop(LogKey(name, "main"), None)
        else:
            given = state.get("main") or {"state": {"running": {}}, "restartCount": 0}
            pod["status"]["containerStatuses"] = [{"name": "main", "imageID": "x", "ready": False, **given}]
        return pod

    def crashing(self, *lines: str, container: str = "main", code: int = 1, reason: str = "Error") -> None:
        """Every replica ends again and again with these last words."""
        ended = {"terminated": {"exitCode": code, "reason": reason}}
        state = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": ended, "restartCount": 3}
        for pod in self.pods:
            self.unready(pod, **{container.replace("-", "_"): state})
            self.log(pod, container, *lines, previous=True)
        self.serving(False)

    def pending(self, message: str) -> Json:
        """The last replica has no node."""
        pod = self.pods[-1]
        self.metrics.pop(pod["metadata"]["name"], None)
        self.logs = {k: v for k, v in self.logs.items() if k.pod != pod["metadata"]["name"]}
        pod["spec"].pop("nodeName", None)
        pod["status"] = {
            "phase": "Pending",
            "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}],
        }
        if len(self.pods) == 1:
            self.serving(False)
        return pod

    def serving(self, well: bool, rule: str = "no-upstream", raw: str = "no healthy upstream") -> None:
        """Whether requests get through."""
        if not well:
            bad = answer("completion", Status.FAIL, f"endpoint.{rule}", raw)
            self.answers = Read(Traffic(bad, bad, bad, 1, 0.6), NOW)

    def unmarked(self) -> None:
        """Answers come without the picker's mark."""
        good, plain = answer("health"), answer("completion", Status.WARN)
        self.answers = Read(Traffic(good, answer("models"), plain, 1, 0.6), NOW)

    def traffic(self, **gained: float) -> None:
        """What each replica's counters gained, beside its gauges."""
        for pod in self.pods:
            gauges = {k: v for k, v in gained.items() if k in ("running", "waiting", "kv_usage")}
            before = {"requests": 10.0, "prefix_queries": 1e4, "prefix_hits": 5e3, "prompt_tokens": 1e4} | gauges
            after = {k: v + (gained.get(k, 0.0) if k not in gauges else 0.0) for k, v in before.items()}
            config = {"block_size": "16", "enable_prefix_caching": "True"}
            both = Scrapes(metrics.Scrape(before, config), metrics.Scrape(after, config))
            self.metrics[pod["metadata"]["name"]] = Read(both, NOW)

    # The healthy parts

    def _cluster(self) -> None:
        for kind in ("Event", "DaemonSet", "EnvoyFilter", "ReplicaSet", "CustomResourceDefinition",
                     "LLMInferenceServiceConfig"):  # fmt: skip
            self.kinds[kind] = []
        for name in SYSTEM:
            self.add("Namespace", name, labels={"kubernetes.io/metadata.name": name})
        for i in range(2):
            self._node(f"cpu-{i}", {}, {"cpu": "4"}, [])
        count = str(self.facts.units_per_node)
        taint = [{"key": self.resource, "value": "present", "effect": "NoSchedule"}]
        for i in range(self.target.replicas):
            labels = {**self.facts.node_labels, "cloud.google.com/gke-nodepool": self.target.pool}
            selector = self.service["spec"]["template"].get("nodeSelector") or {}
            self._node(f"acc-{i}", labels | selector, {"cpu": "4", self.resource: count}, taint)
        self._deployment("kserve-controller-manager", GATES)
        self._pod("kserve-controller-manager-x", GATES, {"control-plane": "kserve"}, "cpu-0")
        self.add("Service", "kserve-webhook-server-service", GATES, spec={"selector": {"control-plane": "kserve"}})
        webhook = {"name": "check.kserve", "clientConfig": {"service": {"namespace": GATES,
                   "name": "kserve-webhook-server-service"}}}  # fmt: skip
        self.add("ValidatingWebhookConfiguration", "llminferenceservice.serving.kserve.io", webhooks=[webhook])

    def _node(self, name: str, labels: Json, amounts: Json, taints: list[Json]) -> None:
        ready = [{"type": "Ready", "status": "True"}]
        self.add("Node", name, labels=labels, spec={"taints": taints},
                 status={"conditions": ready, "allocatable": amounts, "capacity": amounts})  # fmt: skip

    def _network(self) -> None:
        config, gate = copy.deepcopy(manifests.gateway())
        gate["metadata"] |= {"generation": 1, "creationTimestamp": OLD, "uid": "gateway"}
        gate["status"] = {
            "conditions": [{"type": t, "status": "True", "observedGeneration": 1} for t in ("Accepted", "Programmed")],
            "addresses": [{"value": "127.0.0.1"}],
        }
        self.kinds["Gateway"] = [gate]
        self.kinds["GatewayClass"] = []
        self.kinds["ConfigMap"] = [config]
        self.add("ConfigMap", EA1.ca_bundle, GATES, data={"ca.crt": "PEM"})
        self.add("Service", "inference-gateway-istio", GATES, spec={"type": "LoadBalancer", "selector": {}})
        labels = {"gateway.networking.k8s.io/gateway-name": EA1.gateway}
        pod = self._pod("inference-gateway-istio-x", GATES, labels, "cpu-0")
        pod["spec"]["containers"][0]["volumeMounts"] = [{"name": "ca", "mountPath": "/var/run/secrets/opendatahub"}]
        pod["spec"]["volumes"] = [{"name": "ca", "configMap": {"name": EA1.ca_bundle}}]
        parent = {"name": EA1.gateway, "namespace": GATES, "kind": "Gateway"}
        told = [{"type": t, "status": "True", "observedGeneration": 1} for t in ("Accepted", "ResolvedRefs")]
        status = {"parents": [{"parentRef": parent, "conditions": told}]}
        workload = {"kind": "Service", "name": f"{self.svc}-kserve-workload-svc", "group": "", "port": 8000}
        pool = {"kind": "InferencePool", "name": f"{self.svc}-inference-pool", "port": 8000,
                "group": "inference.networking.k8s.io"}  # fmt: skip
        rules = [{"backendRefs": [pool if self.shape.routed and i < 2 else workload]} for i in range(3)]
        route = self.add("HTTPRoute", f"{self.svc}-kserve-route", NS, spec={"parentRefs": [parent], "rules": rules},
                         status=status)  # fmt: skip
        route["metadata"]["generation"] = 1
        self.kinds["InferencePool"] = []
        if self.shape.routed:
            selector = {"matchLabels": {"app.kubernetes.io/name": self.svc, "kserve.io/component": "workload"}}
            made = self.add("InferencePool", f"{self.svc}-inference-pool", NS, spec={"selector": selector},
                            status=copy.deepcopy(status))  # fmt: skip
            made["metadata"]["generation"] = 1
        self.kinds["DestinationRule"] = []
        self.kinds["NetworkPolicy"] = [copy.deepcopy(d) for d in manifests.network_policies(self.target)]

    def _workload(self) -> None:
        template = {"spec": copy.deepcopy(self.service["spec"]["template"])}
        made = self._deployment(f"{self.svc}-kserve", NS)
        made["spec"] = {"replicas": self.target.replicas, "template": template}
        owner = [{"kind": "Deployment", "uid": made["metadata"]["uid"], "name": made["metadata"]["name"]}]
        first = self.add("ReplicaSet", f"{self.svc}-kserve-1", NS, spec={"replicas": self.target.replicas})
        first["metadata"] |= {"ownerReferences": owner, "annotations": {"deployment.kubernetes.io/revision": "1"}}
        selector = {"app.kubernetes.io/name": self.svc, "kserve.io/component": "workload"}
        self.add("Service", f"{self.svc}-kserve-workload-svc", NS, spec={"selector": selector})
        self.add("Secret", f"{self.svc}-kserve-self-signed-certs", NS, data={"tls.crt": ""})
        self.add("Secret", "huggingface-token", NS, data={"HF_TOKEN": "", "token": ""})
        self.add("Secret", "rhaiis-pull-secret", NS, data={".dockerconfigjson": ""})
        for i in range(self.target.replicas):
            labels = selector | {"app.kubernetes.io/part-of": "llminferenceservice"}
            pod = self._pod(f"{self.svc}-kserve-1-{i}", NS, labels, f"acc-{i}")
            pod["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": first["metadata"]["name"]}]
            pod["spec"] |= copy.deepcopy(self.service["spec"]["template"]) | {"nodeName": f"acc-{i}"}
            done = {"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}, "restartCount": 0}
            pod["status"]["initContainerStatuses"] = [{"name": "storage-initializer", **done}]
            pod["status"]["containerStatuses"][0]["name"] = "main"
            self.log(pod, "main", "INFO Initializing a V1 LLM engine", "INFO Application startup complete.")
        self.traffic()

    def _picker(self) -> None:
        labels = {"app.kubernetes.io/name": self.svc, "app.kubernetes.io/part-of": "llminferenceservice",
                  "app.kubernetes.io/component": "llminferenceservice-router-scheduler"}  # fmt: skip
        self._deployment(f"{self.svc}-kserve-router-scheduler", NS)
        pod = self._pod(f"{self.svc}-epp-x", NS, labels, "cpu-1")
        before, after = (metrics.Scrape({"requests": n, "decisions": n}, {}) for n in (10.0, 11.0))
        self.metrics[pod["metadata"]["name"]] = Read(Scrapes(before, after), NOW)

    def _deployment(self, name: str, namespace: str) -> Json:
        ready = {"conditions": [{"type": "Available", "status": "True"}], "readyReplicas": 1}
        return self.add("Deployment", name, namespace, spec={"template": {}}, status=ready)

    def _pod(self, name: str, namespace: str, labels: Json, node: str) -> Json:
        conditions = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
        state = {"state": {"running": {}}, "ready": True, "restartCount": 0, "imageID": "x"}
        status = {
            "phase": "Running",
            "conditions": [{"type": t, "status": "True"} for t in conditions],
            "containerStatuses": [{"name": "c", **state}],
        }
        return self.add("Pod", name, namespace, labels=dict(labels),
                        spec={"nodeName": node, "containers": [{"name": "c"}]}, status=status)  # fmt: skip

    def _answers(self) -> Piece[Traffic]:
        return Read(Traffic(answer("health"), answer("models"), answer("completion"), 1, 0.6), NOW)

    def _google(self) -> dict[str, Piece[Any]]:
        self.pool = PoolInfo(
            self.target.pool, "RUNNING", "", self.facts.machine_type, self.facts.gke_accelerator or "", 1,
            self.target.replicas, (self.target.zone,), "1.33", "on-demand", False, 0, (), {}, (),
        )  # fmt: skip
        quotas = Quotas({"NVIDIA_T4_GPUS": Quota(8, 3), "GPUS_ALL_REGIONS": Quota(8, 3)})
        return {
            "GKE cluster": Read(self.cluster_info(self.pool), NOW),
            "GKE operations": Read((self.operation(),), NOW),
            "Google APIs": Read({"container.googleapis.com": "ENABLED", "compute.googleapis.com": "ENABLED"}, NOW),
            "instance group errors": Read((), NOW),
            "region quotas": Read(quotas, NOW),
            "project quotas": Read(quotas, NOW),
            "TPU quota": Read(QuotaLimit(64, {}, "limit 64"), NOW),
            "may create clusterroles": Read(True, NOW),
        }

    def cluster_info(self, pool: PoolInfo, status: str = "RUNNING") -> ClusterInfo:
        """GKE's word about the cluster."""
        return ClusterInfo(
            self.target.cluster, self.target.zone, status, "", "127.0.0.1", b"", {}, "1.33", 5, (pool,), True, False, ()
        )

    def operation(self, code: int = 0, message: str = "") -> OperationInfo:
        """The newest operation of the pool, failed when there is a message."""
        link = f"https://x/projects/1/zones/z/clusters/{self.target.cluster}/nodePools/{self.target.pool}"
        return OperationInfo(
            "operation-1", "SET_NODE_POOL_SIZE", "DONE", self.target.zone, link, "", OLD, OLD, {}, (), code, message
        )


def answer(name: str, status: Status = Status.PASS, rule: str = "", raw: str = "") -> Finding:
    """What a question through the gateway gave."""
    return Finding(
        rule=rule or f"endpoint.{name}",
        category="endpoint",
        name=name,
        status=status,
        message=f"{name} {status}",
        evidence=(Evidence(source=f"curl {name}", text=str(status), observed_at=NOW),),
        raw=raw,
        observed_at=NOW,
    )
