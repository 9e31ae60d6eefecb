"""One look at what a target has become: read-only, each part on its own, what cannot be read is said to be unknown."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from rhaii_tui.catalog.target import Target
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.serving import conditions
from rhaii_tui.serving.stack import WORKLOAD_LABELS, role_of


@dataclass
class Look:
    """What was seen. Empty texts mean "not there"; `unread` tells what could not be read and why."""

    cluster: str = ""
    pool: str = ""
    service: str = ""
    endpoint: str = ""
    wanted: int = 0
    pods: list[dict[str, Any]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def replicas_ready(self) -> int:
        """Replicas whose Ready condition is True."""
        return sum(bool(p["is_ready"]) for p in self.pods if p["role"] == "replica")

    @property
    def ready(self) -> bool:
        """The service says Ready and all wanted replicas are."""
        return not self.unread and self.service == "ready" and self.replicas_ready >= self.wanted > 0

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


async def look(target: Target, endpoints: Endpoints) -> Look:
    """Ask Google and the cluster once. Never raises for what they answer."""
    from rhaii_tui.google.errors import CloudError, Kind
    from rhaii_tui.google.gke import Gke
    from rhaii_tui.kube.connect import Cluster
    from rhaii_tui.kube.errors import KubeError

    seen = Look(wanted=target.replicas)
    try:
        info = await Gke(endpoints, target.project).get_cluster(target.zone, target.cluster)
    except CloudError as error:
        if error.kind is not Kind.NOT_FOUND:
            seen.unread.append(f"cluster {target.cluster}: {error.message}")
        return seen
    seen.cluster = info.status
    seen.pool = next((p.status for p in info.pools if p.name == target.pool), "")
    if not info.endpoint:
        return seen
    try:
        cluster = await Cluster.from_gke(info.endpoint, info.ca_pem, endpoints)
    except KubeError as error:
        seen.unread.append(f"Kubernetes API: {error}")
        return seen
    try:
        await _inside(cluster, target, seen)
    except KubeError as error:
        seen.unread.append(f"Kubernetes API: {error}")
    finally:
        await cluster.close()
    return seen


async def _inside(cluster: Any, target: Target, seen: Look) -> None:
    from rhaii_tui.kube import pod_status

    service = await cluster.read("LLMInferenceService", target.namespace, target.service)
    if service is not None:
        state = conditions.service(service)
        seen.service = "ready" if state.is_ready else state.why
        seen.wanted = int((service.get("spec") or {}).get("replicas") or target.replicas)
        seen.endpoint = state.address
    labels = f"app.kubernetes.io/name={target.service},{WORKLOAD_LABELS}"
    for pod in await cluster.items("Pod", target.namespace, labels=labels):
        status = pod_status.status(pod)
        meta = pod["metadata"]
        seen.pods.append(
            {
                "pod": meta["name"],
                "role": role_of(meta.get("labels") or {}) or "replica",
                "status": status.word,
                "ready": status.ready,
                "restarts": status.restarts,
                "is_ready": status.is_ready and "deletionTimestamp" not in meta,
            }
        )
