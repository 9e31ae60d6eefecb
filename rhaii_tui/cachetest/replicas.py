"""What the replicas and the endpoint picker say of themselves: their own counters, read through the API server.

The pod proxy reaches every pod without a port-forward and without trusting the gateway. What cannot be read is
kept as a sentence in `unread` and turns verdicts into UNKNOWN.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from rhaii_tui.cachetest.records import Share
from rhaii_tui.kube.connect import Cluster
from rhaii_tui.kube.errors import KubeError
from rhaii_tui.serving import metrics
from rhaii_tui.serving.metrics import Scrape

WORKLOAD = "app.kubernetes.io/name={},kserve.io/component=workload"
PICKER = "app.kubernetes.io/name={},app.kubernetes.io/component=llminferenceservice-router-scheduler"
SETTLE_SECONDS = 2.0
"""Counters may lag an answer by a scheduler iteration; after this long the window is taken as it is."""

Scrapes = Mapping[str, Scrape]


class Replicas:
    """The pods of one service. Reading never raises; what failed stands in `unread`."""

    def __init__(self, cluster: Cluster | None, namespace: str, service: str) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._service = service
        self._addresses: dict[str, str] = {}
        self._picker = ""
        self._picker_scheme = "http"
        self._unread: dict[str, str] = {}
        self.routed = False
        self.wanted = 0
        self.latest: Scrapes = {}

    @property
    def count(self) -> int:
        """Replicas that are ready to serve."""
        return len(self._addresses)

    @property
    def pods(self) -> tuple[str, ...]:
        """Names of the ready replicas, in a stable order: their letters on screens."""
        return tuple(sorted(self._addresses))

    @property
    def readable(self) -> bool:
        """Whether every ready replica's counters could be read the last time."""
        return bool(self._addresses) and set(self._addresses) == set(self.latest)

    @property
    def unread(self) -> tuple[str, ...]:
        """What could not be read and why."""
        return tuple(self._unread.values())

    @property
    def block(self) -> int | None:
        """The largest cache block of the replicas in tokens; None while no replica tells."""
        return max((s.block_size for s in self.latest.values() if s.block_size), default=None)

    async def discover(self) -> None:
        """Find the ready replicas and whether an endpoint picker is deployed, then read once."""
        if self._cluster is None:
            self._unread["cluster"] = "no access to the cluster: only the gateway was asked"
            return
        try:
            pods = await self._cluster.items("Pod", self._namespace, labels=WORKLOAD.format(self._service))
            pickers = await self._cluster.items("Pod", self._namespace, labels=PICKER.format(self._service))
        except KubeError as fault:
            self._unread["pods"] = f"pods could not be listed: {fault}"
            return
        live = [p for p in pods if not p["metadata"].get("deletionTimestamp")]
        self.wanted = len(live)
        self._addresses = {p["metadata"]["name"]: p["status"].get("podIP", "") for p in live if _is_ready(p)}
        self.routed = bool(pickers)
        self._picker = next((p["metadata"]["name"] for p in pickers if _is_ready(p)), "")
        await self.read()

    def summary(self) -> list[tuple[str, str, str]]:
        """Health lines: name, PASS/WARN/FAIL/UNKNOWN, what was seen."""
        if self._cluster is None or "pods" in self._unread:
            return [("replicas", "UNKNOWN", "; ".join(self.unread))]
        lines = [("replicas", "PASS" if 0 < self.count == self.wanted else "WARN" if self.count else "FAIL",
                  f"{self.count} of {self.wanted} pods Ready")]  # fmt: skip
        caching = {s.prefix_caching for s in self.latest.values()}
        if not self.readable:
            lines.append(("cache", "UNKNOWN", "; ".join(self.unread)))
        elif caching == {True}:
            lines.append(("cache", "PASS", f"prefix caching on, blocks of {self.block} tokens (cache_config_info)"))
        else:
            status = "FAIL" if False in caching else "UNKNOWN"
            lines.append(("cache", status, "prefix caching off" if False in caching else "replicas do not tell"))
        if self.routed:
            lines.append(("endpoint picker", "PASS" if self._picker else "FAIL",
                          f"pod {self._picker} Ready" if self._picker else "its pod is not Ready"))  # fmt: skip
        return lines

    async def read(self) -> Scrapes:
        """Counters of all ready replicas now; a replica that cannot be read is missing."""
        texts = await asyncio.gather(*(self._metrics(pod, "https", 8000) for pod in self._addresses))
        self.latest = {pod: metrics.vllm(text) for pod, text in zip(self._addresses, texts, strict=True) if text}
        return self.latest

    async def decisions(self) -> int | None:
        """Requests the endpoint picker says it decided so far; None when it cannot be read."""
        if not self._picker:
            return None
        # Versions differ in whether the metrics port speaks TLS; the one that answered is asked first from then on.
        for scheme in (self._picker_scheme, "https" if self._picker_scheme == "http" else "http"):
            if text := await self._metrics(self._picker, scheme, 9090):
                self._picker_scheme = scheme
                values = metrics.picker(text).values
                found = values.get("requests", values.get("decisions"))
                return None if found is None else round(found)
        return None

    async def settle(self, before: Scrapes, requests: int) -> Scrapes:
        """Read until the replicas have counted `requests` since `before`, at most SETTLE_SECONDS."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            after = await self.read()
            counted = sum(s.requests for s in self.shares(before, after))
            if counted >= requests or not self.readable or time.monotonic() > deadline:
                return after
            await asyncio.sleep(0.05)

    async def attribute(self, before: Scrapes, upstream: str) -> tuple[str, str]:
        """Which replica served the one request since `before`, and how that is known; empty when it is not."""
        for pod, address in self._addresses.items():
            if address and upstream.partition(":")[0] == address:
                return pod, "gateway header"
        if not self.readable:
            return "", ""
        after = await self.settle(before, 1)
        served = [s.pod for s in self.shares(before, after) if s.requests]
        return (served[0], "token counters") if len(served) == 1 else ("", "")

    def shares(self, before: Scrapes, after: Scrapes) -> tuple[Share, ...]:
        """Per replica what its counters gained; replicas that started over or cannot be read are missing."""
        found = []
        for pod in sorted(before.keys() & after.keys()):
            gain = metrics.delta(before[pod], after[pod])
            if gain is not None:
                found.append(Share(pod, round(gain.get("requests", 0)), gain.get("prefix_queries", 0.0),
                                   gain.get("prefix_hits", 0.0)))  # fmt: skip
        return tuple(found)

    def restarted(self, before: Scrapes, after: Scrapes) -> tuple[str, ...]:
        """Replicas whose counters started over or vanished between two readings."""
        return tuple(p for p in sorted(before) if p not in after or metrics.delta(before[p], after[p]) is None)

    async def _metrics(self, pod: str, scheme: str, port: int) -> str:
        assert self._cluster is not None
        path = f"/api/v1/namespaces/{self._namespace}/pods/{scheme}:{pod}:{port}/proxy/metrics"
        try:
            text = await self._cluster.text(path, timeout=10.0)
        except KubeError as fault:
            self._unread[pod] = f"metrics of {pod} could not be read: {fault}"
            return ""
        self._unread.pop(pod, None)
        return text


def _is_ready(pod: Mapping[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
