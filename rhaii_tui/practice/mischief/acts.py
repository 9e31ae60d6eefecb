"""What every act of mischief shares: where it plays, how it is told of new things, how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rhaii_tui.practice.actors.objects import Obj, controller_of, deleting, is_true, key_of, labels_of
from rhaii_tui.practice.mischief.edits import Edits

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster
    from rhaii_tui.practice.world import World

ACCELERATORS = ("cloud.google.com/gke-accelerator", "cloud.google.com/gke-tpu-accelerator")


class Act:
    """One fault on one cluster, from its switching on to its lifting. `strike` must hit each thing only once.

    It is called for everything of `kinds` that exists and that comes, so a setup under way is hit as it goes on.
    """

    kinds: ClassVar[tuple[str, ...]] = ("LLMInferenceService",)

    def __init__(self, fault: str, world: World, cluster: KubeCluster) -> None:
        self.fault, self.world, self.cluster = fault, world, cluster
        self.store = cluster.store
        self.edits = Edits(cluster)
        self._hit: set[str] = set()

    async def run(self) -> None:
        """Strike whatever there is and whatever comes, until cancelled."""
        async for _ in self.store.watch(*self.kinds):
            self.strike()

    def strike(self) -> None:
        """Hit what has not been hit."""
        raise NotImplementedError

    async def lift(self) -> None:
        """The fault is over."""
        self.edits.undo()

    def first_time(self, obj: Obj) -> bool:
        """Whether an object has not been hit before; now it has."""
        uid = obj["metadata"]["uid"]
        if uid in self._hit:
            return False
        self._hit.add(uid)
        return True

    def services(self) -> list[Obj]:
        """The LLMInferenceServices that are there to stay."""
        return [s for s in self.store.list("LLMInferenceService") if not deleting(s)]

    def replicas(self, service: Obj) -> list[Obj]:
        """The workload pods of a service, by name."""
        namespace, name = key_of(service)
        wanted = {"app.kubernetes.io/name": name, "kserve.io/component": "workload"}
        return [p for p in self.store.list("Pod", namespace, wanted) if not deleting(p)]

    def deployment(self, service: Obj) -> Obj | None:
        """The Deployment of a service's replicas."""
        namespace, _ = key_of(service)
        for found in self.store.list("Deployment", namespace, {"kserve.io/component": "workload"}):
            owner = controller_of(found)
            if owner is not None and owner["uid"] == service["metadata"]["uid"]:
                return found
        return None

    def accelerator_nodes(self) -> list[Obj]:
        """Nodes with GPUs or TPU chips; those under Ready replicas first, so that a fault shows."""
        nodes = [n for n in self.store.list("Node") if any(label in labels_of(n) for label in ACCELERATORS)]
        pods = [p for s in self.services() for p in self.replicas(s)]
        busy = {p["spec"].get("nodeName") for p in pods if is_true(p, "Ready")}
        return sorted(nodes, key=lambda n: (n["metadata"]["name"] not in busy, n["metadata"]["name"]))

    def restart(self, pods: list[Obj]) -> None:
        """`kubectl delete pod`: their ReplicaSets make new ones."""
        for pod in pods:
            self.store.delete("Pod", *key_of(pod), grace=None)

    def replicas_on(self, node: str) -> list[Obj]:
        """Replicas of any service on one node."""
        return [p for s in self.services() for p in self.replicas(s) if p["spec"].get("nodeName") == node]
