"""Which act belongs to which fault, and the stage manager of one cluster that starts and lifts them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from rhaii_tui.practice.mischief import births, gateways, loads, namespaces, nodes, policies, pools, services
from rhaii_tui.practice.mischief.acts import Act

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster
    from rhaii_tui.practice.world import World

_log = logging.getLogger(__name__)

_DENY_BOTH: dict[policies.Direction, list[dict[str, object]]] = {"Ingress": [], "Egress": []}
_OOM: dict[str, str | None] = {"--gpu-memory-utilization": "0.98", "--max-num-seqs": "1024"}

# Faults that are not here act inside the part they break.
ACTS: dict[str, Callable[..., Act]] = {
    "gpu-quota-zero": partial(pools.Repair, kinds=("gpu",)),
    "tpu-quota-unset": partial(pools.Repair, kinds=("tpu",)),
    "quota-in-operation": pools.Repair,
    "stockout": pools.Repair,
    "pool-too-small": pools.Resized,
    "spot-reclaimed": pools.Reclaimed,
    "node-lost": nodes.NodeLost,
    "device-plugin-broken": nodes.PluginBroken,
    "node-label-missing": nodes.LabelGone,
    "node-taint-extra": nodes.Tainted,
    "pull-secret-bad": births.ColdPull,
    "hf-token-missing": births.Birth,
    "hf-gated": births.Birth,
    "hf-secret-wrong-key": births.WrongSecretKey,
    "storage-initializer-oom": births.Birth,
    "xla-stuck": partial(births.Birth, tpu_only=True),
    "image-tag-missing": services.Image,
    "vllm-unknown-argument": partial(services.Arguments, words={"--enable-prefix-cache": None}, on_gpu_only=False),
    "cuda-oom": partial(services.Arguments, words=_OOM),
    "bf16-on-t4": partial(services.Arguments, words={"--dtype": "bfloat16"}),
    "startup-probe-short": services.ShortStartup,
    "http-probe": services.HttpProbes,
    "rollout-stuck": services.Rollout,
    "service-stopped": services.Stop,
    "route-not-resolved": services.UnresolvedRoute,
    "sidecar-injected": namespaces.Sidecars,
    "kv-full": partial(loads.Load, pressure=loads.LONG),
    "queueing": partial(loads.Load, pressure=loads.MANY),
    "prefixes-not-shared": partial(loads.Client, prompt=loads.unshared),
    "prompts-too-short": partial(loads.Client, prompt=loads.short),
    "envoyfilter-wrong-namespace": partial(gateways.MisplacedFilter, wrong_namespace=True),
    "envoyfilter-wrong-index": partial(gateways.MisplacedFilter, wrong_namespace=False),
    "second-route": gateways.SecondRoute,
    "gateway-no-address": gateways.NoAddress,
    "gateway-ca-missing": gateways.CaGone,
    "route-not-accepted": gateways.OwnNamespaceOnly,
    "policy-blocks-gateway": partial(
        policies.Policy,
        name="allow-same-namespace",
        component=policies.WORKLOAD,
        rules={"Ingress": policies.SAME_NAMESPACE},
    ),
    "policy-blocks-epp": partial(
        policies.Policy, name="restrict-scheduler", component=policies.SCHEDULER, rules=_DENY_BOTH
    ),
    "policy-blocks-dns": partial(
        policies.Policy,
        name="restrict-egress",
        component=policies.WORKLOAD,
        rules={"Egress": policies.HTTPS_ONLY},
        anew=True,
    ),
}


class Mischief:
    """Follows the switches of `world.faults` on one cluster."""

    def __init__(self, world: World, cluster: KubeCluster) -> None:
        self._world, self._cluster = world, cluster
        self._acts: dict[str, tuple[Act, asyncio.Task[None]]] = {}
        self._lifting: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Work until cancelled."""
        faults = self._world.faults
        try:
            while True:
                async with faults.changed:
                    await faults.changed.wait_for(self._changed)
                for name in [name for name in self._acts if not faults.on(name)]:
                    self._end(name)
                for name in [name for name in ACTS if faults.on(name) and name not in self._acts]:
                    act = ACTS[name](name, self._world, self._cluster)
                    self._acts[name] = act, self._begin(act.run(), name)
        finally:
            tasks = [*(task for _, task in self._acts.values()), *self._lifting]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _changed(self) -> bool:
        return {name for name in ACTS if self._world.faults.on(name)} != set(self._acts)

    def _end(self, name: str) -> None:
        act, task = self._acts.pop(name)
        task.cancel()
        lifting = self._begin(act.lift(), f"lifting of {name}")
        self._lifting.add(lifting)
        lifting.add_done_callback(self._lifting.discard)

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=f"{name} on {self._cluster.name}")
        task.add_done_callback(_report)
        return task


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("%s ended", task.get_name(), exc_info=error)
