"""Services: addresses inside the cluster, and a load balancer's outside one after its time."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from rhaii_tui.practice.actors.control import Controller
from rhaii_tui.practice.actors.gateways import is_gateway_service
from rhaii_tui.practice.actors.objects import Key, Obj, deleting

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster
    from rhaii_tui.practice.world import World

# Cloud seconds Google takes for a network load balancer (1-2 min).
LOAD_BALANCER = 72.0
# Cloud seconds until the service controller tries again after a failure.
AGAIN = 30.0


class Services(Controller):
    """Assigns clusterIP to every Service and an ingress address to those of type LoadBalancer."""

    kinds = ("Service",)

    def __init__(self, world: World, cluster: KubeCluster) -> None:
        super().__init__(world, cluster)
        self._asked: dict[str, float] = {}

    def reconcile(self, key: Key) -> float | None:
        service = self.store.get("Service", *key)
        if service is None or deleting(service):
            return None
        digest = hashlib.sha256("/".join(key).encode()).digest()
        if "clusterIP" not in service["spec"] and service["spec"].get("type") != "ExternalName":
            address = f"34.118.{224 + digest[0] % 16}.{1 + digest[1] % 254}"

            def assign(s: Obj) -> None:
                s["spec"] |= {"clusterIP": address, "clusterIPs": [address]}

            self.store.update("Service", *key, assign)
        if service["spec"].get("type") != "LoadBalancer" or (service.get("status") or {}).get("loadBalancer"):
            return None
        now, uid = self.world.clock.monotonic(), service["metadata"]["uid"]
        if uid not in self._asked:
            self._asked[uid] = now
            self.store.event(service, "Normal", "EnsuringLoadBalancer", "Ensuring load balancer", "service-controller")
        left = self._asked[uid] + LOAD_BALANCER - now
        if left > 0:
            return left
        if self.world.faults.on("gateway-no-address") and is_gateway_service(service):
            region = self.cluster.location.rsplit("-", 1)[0]
            text = (
                "Error syncing load balancer: failed to ensure load balancer: googleapi: Error 403: QUOTA_EXCEEDED - "
                f"Quota 'FORWARDING_RULES' exceeded.  Limit: 0.0 in region {region}."
            )
            self.store.event(service, "Warning", "SyncLoadBalancerFailed", text, "service-controller")
            return AGAIN
        # The inference gateway answers on loopback; other services get an address of the documentation range.
        outside = "127.0.0.1" if is_gateway_service(service) else f"203.0.113.{1 + digest[2] % 254}"

        def reach(s: Obj) -> None:
            s["status"] = {"loadBalancer": {"ingress": [{"ip": outside, "ipMode": "VIP"}]}}

        self.store.update("Service", *key, reach, status=True)
        self.store.event(service, "Normal", "EnsuredLoadBalancer", "Ensured load balancer", "service-controller")
        return None
