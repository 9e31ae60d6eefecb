"""NetworkPolicies of people who meant well. Policies only ever add up: others that allow the flow are edited too."""

from __future__ import annotations

from typing import Any, Literal

from rhaii_tui.practice.actors.objects import Obj, is_true, key_of
from rhaii_tui.practice.mischief.acts import Act
from rhaii_tui.practice.traffic.policies import selected

Direction = Literal["Ingress", "Egress"]


class Policy(Act):
    """Puts one policy next to each service. `rules` are what it allows; `anew` restarts a replica to show it."""

    kinds = ("LLMInferenceService",)

    def __init__(
        self, *args: Any, name: str, component: str, rules: dict[Direction, list[Obj]], anew: bool = False
    ) -> None:
        super().__init__(*args)
        self._name, self._component, self._rules, self._anew = name, component, rules, anew

    def strike(self) -> None:
        for service in self.services():
            if self.first_time(service):
                self._forbid(service)
                ready = [p for p in self.replicas(service) if is_true(p, "Ready")]
                if self._anew:
                    self.restart(ready[:1])

    def _forbid(self, service: Obj) -> None:
        namespace, name = key_of(service)
        labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/component": self._component}
        for policy in self.store.list("NetworkPolicy", namespace):
            spec = policy["spec"]
            grants = any(spec.get(direction.lower()) for direction in self._rules)
            if grants and selected(spec.get("podSelector") or {}, self._all_labels(service, labels)):
                # The selector is made to miss its pods: the policy is there and allows nothing any more.
                path = ("spec", "podSelector", "matchLabels", "app.kubernetes.io/instance")
                self.edits.change(policy, path, name)
        self.edits.create(
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": {"name": self._name, "namespace": namespace},
                "spec": {
                    "podSelector": {"matchLabels": labels},
                    "policyTypes": list(self._rules),
                    **{direction.lower(): rules for direction, rules in self._rules.items() if rules},
                },
            }
        )

    def _all_labels(self, service: Obj, labels: dict[str, str]) -> dict[str, str]:
        pods = self.store.list("Pod", service["metadata"]["namespace"], labels)
        own: dict[str, str] = pods[0]["metadata"]["labels"] if pods else {**labels, "kserve.io/component": "workload"}
        return own


WORKLOAD, SCHEDULER = "llminferenceservice-workload", "llminferenceservice-router-scheduler"
HTTPS_ONLY: list[Obj] = [{"ports": [{"protocol": "TCP", "port": 443}]}]
SAME_NAMESPACE: list[Obj] = [{"from": [{"podSelector": {}}]}]
