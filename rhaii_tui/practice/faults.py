"""Named faults, switched at run time over the control path; whoever imitates a part asks `faults.on(name)`.

A fault must act on whatever happens while it is on, and stop acting when it is lifted; what it broke heals as in life.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """`where` is the part of the cloud that misbehaves."""

    name: str
    where: str
    summary: str


CATALOGUE: tuple[Fault, ...] = (
    Fault("gpu-quota-zero", "compute", "The region's NVIDIA_T4_GPUS limit is 0; a node to be replaced stays away."),
    Fault("gpus-all-regions-zero", "compute", "The global GPU limit is 0: pool operations find it out and fail."),
    Fault("tpu-quota-unset", "compute", "The TPU v6e quota is unset, so 0 chips: pool operations and repairs fail."),
    Fault("quota-in-operation", "compute", "Others take what is left of the quota while an operation runs: it fails."),
    Fault("quotas-unknown", "compute", "Quota lists come back empty, with a warning."),
    Fault("stockout", "compute", "No accelerator machines to be had: pool operations keep running, holding the lock."),
    Fault("pool-too-small", "gke", "Someone resizes the accelerator pool to one node fewer than before."),
    Fault("permission-missing", "iam", "The account lacks container.clusters.create and .update."),
    Fault("instances-locked", "iam", "The account may not delete machines of instance groups."),
    Fault("api-disabled", "gke", "The Kubernetes Engine API is disabled in the project."),
    Fault("spot-reclaimed", "compute", "Compute Engine takes a Spot machine of the accelerator pool back."),
    Fault("node-lost", "node", "The kubelet of an accelerator node falls silent; later its pods are evicted."),
    Fault("device-plugin-broken", "node", "The device plugin of one node fails: no allocatable accelerator there."),
    Fault("node-label-missing", "node", "One accelerator node loses the label that replicas select it by."),
    Fault("node-taint-extra", "node", "One accelerator node gets a taint that replicas do not tolerate."),
    Fault("pull-secret-bad", "registry", "registry.redhat.io answers 401 to the login that the pods present."),
    Fault("image-tag-missing", "registry", "The service names an engine image that the registry does not have."),
    Fault("hf-token-missing", "model hub", "The model hub answers 401 Unauthorized to the token in use."),
    Fault("hf-gated", "model hub", "The model download answers 403: the licence has not been accepted."),
    Fault("hf-secret-wrong-key", "model hub", "The token's Secret has another key; the hub refuses strangers."),
    Fault("storage-initializer-oom", "node", "Model downloads run out of the node's memory."),
    Fault("vllm-unknown-argument", "engine", "The service passes an argument that vLLM does not know."),
    Fault("cuda-oom", "engine", "The service asks for more memory than a T4 has: CUDA out of memory at start."),
    Fault("bf16-on-t4", "engine", "The service asks for bfloat16, which a T4 does not have."),
    Fault("xla-stuck", "engine", "The XLA compilation of one TPU replica never ends."),
    Fault("startup-probe-short", "engine", "The startup probe allows a minute: it kills engines that still load."),
    Fault("http-probe", "engine", "The probes speak HTTP to a server that speaks HTTPS."),
    Fault("sidecar-injected", "engine", "The namespace is labelled for sidecars; replicas restart as 2/2 and slow."),
    Fault("kv-full", "engine", "Foreign requests of great length fill every replica's KV cache."),
    Fault("queueing", "engine", "Foreign requests fill every batch; more of them wait."),
    Fault("rollout-stuck", "service", "The template changes while the pool is full: the surge pod stays Pending."),
    Fault("service-stopped", "service", "Somebody has stopped the service on purpose, by its annotation."),
    Fault("stop-unheeded", "kserve", "The controller is older than the stop annotation and does not heed it."),
    Fault("prefixes-not-shared", "client", "A foreign client sends prompts that have no beginning in common."),
    Fault("prompts-too-short", "client", "A foreign client sends prompts shorter than a cache block."),
    Fault("extproc-lost", "gateway", "The routes lose their ext_proc override: the endpoint picker is not asked."),
    Fault(
        "envoyfilter-wrong-namespace",
        "gateway",
        "As extproc-lost; its EnvoyFilter lies elsewhere.",
    ),
    Fault("envoyfilter-wrong-index", "gateway", "As extproc-lost; its EnvoyFilter names other rules."),
    Fault("second-route", "gateway", "Another HTTPRoute takes the ext_proc override away from the service's."),
    Fault("epp-dead", "gateway", "The endpoint picker does not answer; the pool fails open."),
    Fault("gateway-no-address", "gateway", "The gateway's load balancer is gone, and the quota refuses a new one."),
    Fault("gateway-ca-missing", "gateway", "The CA bundle that the gateway mounts lacks ca.crt."),
    Fault("route-not-accepted", "gateway", "The gateway's listener takes routes of its own namespace only."),
    Fault("route-not-resolved", "gateway", "The service's route leads to a Service that does not exist."),
    Fault("policy-blocks-gateway", "policy", "A NetworkPolicy keeps the gateway from the replicas."),
    Fault("policy-blocks-epp", "policy", "A NetworkPolicy cuts the endpoint picker off in both directions."),
    Fault("policy-blocks-dns", "policy", "A NetworkPolicy lets replicas out on 443 only: no names are resolved."),
    Fault("webhook-not-ready", "kserve", "KServe's controller is not Ready: nobody answers its webhook."),
    Fault("rbac-denied", "kubernetes", "The account may not write ClusterRoles and their bindings."),
    Fault("logs-forbidden", "kubernetes", "The account may not read container logs."),
    Fault("metrics-forbidden", "kubernetes", "The account may not use the pod and service proxy."),
    Fault("pods-forbidden", "kubernetes", "The account may not read pods."),
    Fault("nodes-forbidden", "kubernetes", "The account may not read nodes."),
    Fault("events-forbidden", "kubernetes", "The account may not read events."),
    Fault("token-expired", "kubernetes", "The account's token has expired: Kubernetes and Google answer 401."),
    Fault("api-slow", "kubernetes", "The Kubernetes API takes six seconds for each answer."),
    Fault("api-503-burst", "kubernetes", "The Kubernetes API answers two of three requests with a 503 HTML page."),
    Fault("watch-410", "kubernetes", "Every watch is ended with 410 Expired a moment after it starts."),
    Fault("api-restart", "kubernetes", "The Kubernetes API is down: connections are cut and refused until lifted."),
)


class Faults:
    """Which faults are on, and whom they have struck. `changed` is notified on every switch."""

    def __init__(self) -> None:
        self._on: set[str] = set()
        self._mended: set[str] = set()
        self._victims: dict[str, set[tuple[str, str]]] = {}
        self.changed = asyncio.Condition()

    def on(self, name: str) -> bool:
        """Whether a fault is on, and nobody has mended what it broke."""
        return name in self._on and name not in self._mended

    def mend(self, name: str) -> None:
        """Somebody has mended what a fault broke: it acts no more until it is switched again."""
        self._mended.add(name)

    def strike(self, name: str, kind: str, victim: str) -> None:
        """Let a fault that is on hit one thing of a kind: a node, a pod by uid, a login."""
        if name in self._on:
            self._victims.setdefault(name, set()).add((kind, victim))

    def struck(self, name: str, kind: str, victim: str) -> bool:
        """Whether a fault has hit that thing and is still on."""
        return name in self._on and (kind, victim) in self._victims.get(name, ())

    def claims(self, name: str, kind: str, victim: str) -> bool:
        """Whether a fault that hits one thing of a kind has hit this one: the first that comes is hit."""
        if name in self._on and not any(k == kind for k, _ in self._victims.get(name, ())):
            self.strike(name, kind, victim)
        return self.struck(name, kind, victim)

    async def switch(self, name: str, on: bool) -> None:
        """Turn a fault on or off. Raises KeyError for a name that is not in the catalogue."""
        if name not in {f.name for f in CATALOGUE}:
            raise KeyError(name)
        async with self.changed:
            (self._on.add if on else self._on.discard)(name)
            self._mended.discard(name)
            if not on:
                self._victims.pop(name, None)
            self.changed.notify_all()

    def active(self) -> tuple[str, ...]:
        """The names that are on, sorted."""
        return tuple(sorted(self._on))
